"""The tables behind `opposites`: words of which a text can mean one only.

Written for this purpose. A line is an axis; its sides are divided by spaces, and `=` joins what
stands on one side. Two texts are opposed on an axis if each takes a side and they have none in
common.
"""

from __future__ import annotations

ENGLISH = """
on off
enable=enabled=enabling disable=disabled=disabling
open=opened=opening close=closed=closing
start=started=begin stop=stopped=end
increase decrease
raise=raised lower=lowered
add=added remove=removed delete=deleted
create=created delete=deleted
before after
up down
above below
buy=buying=bought sell=selling=sold
login logout
upload=uploading download=downloading
send=sent=sending receive=received=receiving
encrypt=encrypted decrypt=decrypted
allow=allowed deny=denied block=blocked
accept=accepted=approve=approved reject=rejected=decline=declined
agree disagree=oppose
activate=subscribe=renew cancel=deactivate=unsubscribe=terminate
deposit withdraw=withdrawal
incoming outgoing
credit debit
maximum=max minimum=min
highest lowest
high low
more less=fewer
most least
best worst
first=1st second=2nd third=3rd fourth=4th fifth=5th sixth=6th last
once twice thrice
half quarter
hourly daily weekly biweekly monthly quarterly yearly=annual=annually
left right
north south east west
true false
win=won lose=lost
hot cold
warm cool
heat=heating cool=cooling
male female
husband wife
mother father
brother sister
adult=adults child=children=kid=kids
parent=parents child=children=kid=kids
hire=hired fire=fired
expired valid
morning afternoon evening night
today tomorrow yesterday
am pm
monday tuesday wednesday thursday friday saturday sunday
january=jan february=feb march april=apr may june=jun july=jul august=aug \
september=sep october=oct november=nov december=dec
spring summer autumn=fall winter
weekend=weekends weekday=weekdays
next previous last
personal business
domestic international
physical virtual
public private
old new
cheap=cheapest expensive
cheapest dearest
fast=faster slow=slower
arrive depart
arrival departure
borrow=borrowing lend=lending
push pull
show=display hide
merge split
pause resume
join leave
profit loss
employer employee
landlord tenant
buyer seller
teacher student
pros cons
advantages disadvantages
strengths weaknesses
wired wireless
breakfast lunch dinner
ascending descending
with without
legal illegal
celsius fahrenheit
red green blue black white yellow
"""
"""Words, in the forms that stand here only: `expire` asks of a valid card, `expired` does not."""

DENYING_PREFIXES = ("un", "dis", "de", "non", "il", "ir")
"""In front of another text's word: `follow`, `unfollow`. At least four letters must follow."""

DENYING_LONG = ("in", "im", "mis")
"""As above, with at least five letters: too many words begin so."""

FACING_PREFIXES = (
    ("up", "down"),
    ("in", "out"),
    ("over", "under"),
    ("pre", "post"),
    ("im", "ex"),
    ("inter", "exter"),
    ("en", "de"),
    ("en", "dis"),
    ("in", "de"),
)
"""In front of one stem of at least three letters: `upgrade`, `downgrade`; `inbound`, `outbound`."""

NOT_DENIED = """
discover discovered discount discounts discussion display displays dispose district distance
detail details design designs deserve define delay delays depart depend deposit deposits derive
destination detest devote until unless unit units union under invoice invoices impress improve
information instead install include inside incline industry issue
"""
"""Begin like a denial of the rest, and deny nothing."""

PARTICLES = (("in", "out"), ("up", "down"), ("on", "off"))
"""After one and the same word they exclude each other: `zoom in`, `zoom out`."""

CHINESE = """
打开=开启=开通=启用=激活=开立 关闭=停用=禁用=注销=取消=停掉=关掉=退订=关上
增加=添加=新增 减少=删除=删掉=移除
提高=上调 降低=下调
上升=上涨 下降=下跌
安装 卸载
之前=以前 之后=以后
以上 以下
买入=购买=买进 卖出=出售=卖掉
登录=登入 退出=登出
锁定=上锁 解锁
冻结 解冻
绑定 解绑
上传 下载
发送=寄出 接收=收到
导入 导出
加密 解密
允许=准许 禁止
接受=同意=赞成=赞同 拒绝=反对
通过 驳回
存款=存入=存钱 取款=取出=取钱=提款
充值=充钱=储值 提现=取现=提款
转入 转出
收入 支出
放大 缩小
升级 降级
加热=制热=升温 冷却=制冷=降温
前进 后退
正确 错误
输入 输出
丈夫 妻子
父亲 母亲
哥哥 弟弟 姐姐 妹妹
成人=大人=成年人 儿童=小孩=孩子
老师=教师 学生
便宜 贵
早上=早晨=上午=清晨=早间 中午=午间 下午=午后 晚上=夜里=夜间=夜晚=晚间 凌晨
今天=今日 明天=明日 昨天=昨日 后天 前天
今年 明年 去年
周一=星期一=礼拜一 周二=星期二=礼拜二 周三=星期三=礼拜三 周四=星期四=礼拜四 周五=星期五=礼拜五 \
周六=星期六=礼拜六 周日=周天=星期日=星期天=礼拜日=礼拜天
周末=双休日 工作日=平日
春天=春季 夏天=夏季 秋天=秋季 冬天=冬季
上半年 下半年
每天=每日=日均=天天 每周=每星期 每月=每个月=月均 每季度=每季 每年=年均 每小时
公开 私有
国内 国外=国际=境外=海外
个人 企业
进口 出口
借入=借用=借款=借钱 借出=归还=还款=还钱
连接 断开
开始 结束
包含=含 排除=不含
红色 绿色 蓝色 黑色 白色 黄色
摄氏 华氏
入住 退房
显示 隐藏
合并 拆分
入职 离职
起飞 降落
充电 放电
挂失 解挂
优点=优势 缺点=劣势
房东 房客=租客
雇主 雇员
买家=买方 卖家=卖方
早餐=早饭 午餐=午饭 晚餐=晚饭
白天=日间 晚上=夜里=夜间=夜晚
出发 到达
南方 北方
线上=网上 线下
"""

CHINESE_CHARACTERS = """
买 卖
左 右
上 下
前 后
进 出
入 出
升 降
涨 跌
大 小
多 少
高 低
长 短
男 女
借 还
存 取
开 关
早 晚
新 旧 老
快 慢
冷 热
内 外
东 西 南 北
春 夏 秋 冬
日 周 月 季 年
收 付
收 发
收 寄
交 退
加 减
增 减
赢 输
正 负 反
首 末
单 双
甲 乙 丙 丁
公 私
远 近
真 假
"""
"""Exclude each other only beside one and the same character: `左转`, `右转`, not `上海`, `下单`.
A text that holds two of a line (`多少`, `大小`, `早晚`) takes no side."""

CHINESE_UNDOING = "取消 解除 撤销 停止 终止 中止 关闭 退出"
"""In front of what another text names without any sign of an end: `订阅`, `取消订阅`."""

CHINESE_ENDS = "消除撤停终止关退结销删废解断不没别"
"""Characters that may say the same in another word: no veto from `CHINESE_UNDOING` then."""
