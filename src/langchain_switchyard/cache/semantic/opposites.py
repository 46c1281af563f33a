"""Words that turn a question round: negation, and words that exclude each other.

Embeddings put `turn on` next to `turn off` and `can` next to `cannot`. A past answer is never
served across such a difference, whatever the similarity.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

_NOT = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|cant|wont|dont|doesnt"
    r"|didnt|isnt|arent|wasnt|werent|havent|hasnt|hadnt|couldnt|shouldnt|wouldnt|unable|fails?|failed"
    r"|refuses?|refused)\b|n['’]t\b"
)
_ZH_NEUTRAL = re.compile(
    # A-not-A questions, and words in which the sign does not deny.
    r"(\w)不\1|有没有|是否|能否|可否|不好意思|不过|不但|不仅|不只|不管|不论|不久|不断|不同|不错|差不多"
    r"|了不起|对不起|来不及|不得不|无论|无非|非常|非洲|并非常|别人|别的|特别|区别|分别|级别|性别|类别"
    r"|个别|告别|识别|未来|否则|没关系|莫名|无线|无限|无人机|不锈钢|不动产|未婚"
)
_ZH_NOT = re.compile("[不没無无非未别勿莫甭]|否认|禁止|拒绝|失败|无法")

_EXCLUSIVE = """
on off / enable disable / enabled disabled / open close / opened closed / start stop /
begin end / increase decrease / raise lower / add remove / create delete /
install uninstall / before after / up down / above below / buy sell / login logout /
lock unlock / activate deactivate / upload download / send receive / sent received /
import export / encrypt decrypt / allow deny block / accept reject decline /
deposit withdraw withdrawal / incoming outgoing / credit debit / maximum minimum /
max min / highest lowest / high low / more less fewer / most least / best worst /
first last / left right / north south east west / true false / win lose / hot cold /
warm cool / male female / husband wife / mother father / brother sister /
morning afternoon evening night / today tomorrow yesterday / am pm /
monday tuesday wednesday thursday friday saturday sunday /
january february march april may june july august september october november december /
next previous last / personal business / domestic international / physical virtual /
public private / old new / cheap expensive / fast slow / arrive depart /
arrival departure / borrow lend / connect disconnect / mute unmute / freeze unfreeze /
include exclude / with without / inside outside / input output / inbound outbound /
legal illegal / celsius fahrenheit / red green blue black white yellow
"""
_ZH_EXCLUSIVE = """
打开 关闭 / 开启 关闭 停用 / 启用 禁用 停用 / 开通 关闭 注销 / 增加 减少 / 提高 降低 /
上升 下降 / 添加 删除 / 安装 卸载 / 之前 之后 / 以前 以后 / 以上 以下 / 买入 卖出 /
购买 出售 / 登录 退出 / 锁定 解锁 / 冻结 解冻 / 激活 停用 / 上传 下载 / 发送 接收 /
导入 导出 / 加密 解密 / 允许 禁止 / 接受 拒绝 / 存款 取款 / 存入 取出 / 转入 转出 /
收入 支出 / 最大 最小 / 最高 最低 / 最多 最少 / 最好 最差 / 第一 最后 / 左边 右边 /
左侧 右侧 / 南方 北方 / 东部 西部 南部 北部 / 正确 错误 / 输入 输出 / 男性 女性 / 男 女 /
丈夫 妻子 / 父亲 母亲 / 上午 下午 晚上 / 今天 明天 昨天 后天 / 今年 明年 去年 /
周一 周二 周三 周四 周五 周六 周日 / 星期一 星期二 星期三 星期四 星期五 星期六 星期日 /
贵 便宜 / 快 慢 / 新 旧 / 公开 私有 / 国内 国外 国际 / 个人 企业 / 进口 出口 / 借入 借出 /
连接 断开 / 开始 结束 / 包含 排除 / 含 不含 / 红色 绿色 蓝色 黑色 白色 黄色 / 摄氏 华氏 /
入住 退房 / 出发 到达
"""


def _read(groups: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(group.split()) for group in groups.split("/"))


_GROUPS = (*_read(_EXCLUSIVE), *_read(_ZH_EXCLUSIVE))
_POLAR = frozenset[str]().union(*_read(_EXCLUSIVE))
_ZH_POLAR = re.compile(
    # Overlapping finds: `不含` holds `含`, which must be seen, too, where it stands alone.
    "(?=("
    + "|".join(sorted(frozenset[str]().union(*_read(_ZH_EXCLUSIVE)), key=len, reverse=True))
    + "))"
)
_GROUPS_OF = {
    word: tuple(group for group in _GROUPS if word in group) for group in _GROUPS for word in group
}


def is_negated(text: str) -> bool:
    """Whether a normalised text denies something; A-not-A questions (`能不能`) do not."""
    if _NOT.search(text):
        return True
    return not text.isascii() and bool(_ZH_NOT.search(_ZH_NEUTRAL.sub(" ", text)))


def polar_words(text: str) -> frozenset[str]:
    """Return the words of a normalised text that have an opposite or exclude others."""
    english = _POLAR.intersection(re.findall(r"[a-z]+", text))
    return english if text.isascii() else english.union(_ZH_POLAR.findall(text))


def are_opposed(left: AbstractSet[str], right: AbstractSet[str]) -> bool:
    """Whether two texts, given by their `polar_words`, name excluding things.

    Both must take a side in the same group, and not the same one: `on` against `off`. A text that
    names both sides (`the difference of credit and debit`) is opposed to neither.
    """
    return any(
        not group.isdisjoint(right) and group.isdisjoint(left & right)
        for word in left - right
        for group in _GROUPS_OF[word]
    )
