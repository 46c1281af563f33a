"""Texts of every kind, in English and Chinese, written for these tests: ``(kind, name, text)``."""

TEXTS = [
    (
        "code",
        "python",
        '''import os
from pathlib import Path


class Store:
    """Keeps lines."""

    def __init__(self, path):
        self.path = Path(path)

    def add(self, line):
        with self.path.open("a") as file:
            file.write(line + os.linesep)
        return line
''',
    ),
    (
        "code",
        "python 中文注释",
        '''# 计算运费
def 运费(重量, 地区):
    """返回应付的运费，单位为元。"""
    if 地区 == "偏远":
        return 重量 * 12
    结果 = 重量 * 8  # 普通地区
    return 结果


if __name__ == "__main__":
    print(运费(3, "偏远"))
''',
    ),
    (
        "code",
        "javascript",
        """const express = require('express');
const app = express();

app.get('/orders/:id', async (req, res) => {
  const order = await db.find(req.params.id);
  if (!order) {
    return res.status(404).json({ error: 'unknown' });
  }
  res.json(order);
});

app.listen(3000);
""",
    ),
    (
        "code",
        "java 中文注释",
        """package shop;

/** 订单服务 */
public class OrderService {
    private final Map<String, Order> orders = new HashMap<>();

    // 查询订单，找不到时返回空
    public Order find(String id) {
        return orders.get(id);
    }
}
""",
    ),
    (
        "code",
        "go",
        """package main

import "fmt"

func sum(values []int) int {
	total := 0
	for _, v := range values {
		total += v
	}
	return total
}

func main() {
	fmt.Println(sum([]int{1, 2, 3}))
}
""",
    ),
    (
        "code",
        "sql",
        """CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  total NUMERIC NOT NULL
);
INSERT INTO orders VALUES (1, 9.5);
SELECT id, total FROM orders WHERE total > 5;
""",
    ),
    (
        "academic",
        "paper",
        """Sleep and memory in honey bees

Abstract
We study whether sleep helps bees to remember flowers. Forty bees were observed.

1 Introduction
Sleep consolidates memory in mammals [1]. For insects less is known (Klein et al., 2010).

2 Methods
Bees were kept in two hives. Half were disturbed at night.

3 Results
Undisturbed bees found the flower 1.8 times as often [2, 3].

4 Conclusion
Bees need their sleep.

References
[1] Born J. Sleep and memory. 2006.
[2] Klein B. Sleep in bees. 2010.
[3] Menzel R. Learning in honey bees. 1999.
""",
    ),
    (
        "academic",
        "arxiv in markdown",
        """# Ranking with two legs

## Abstract

We combine lexical and dense retrieval and report nDCG on three sets.

## 1. Introduction

Lexical search remains strong (Thakur et al., 2021). Dense models fail out of domain [4].

## 5. Experiments

All figures carry intervals [5, 6].

## References

[4] Thakur N. et al. A benchmark. 2021.
[5] Efron B. Bootstrap methods. 1979.
""",
    ),
    (
        "academic",
        "论文",
        """城市绿地对居民睡眠的影响

摘要：本文以三座城市为例，研究绿地面积与居民睡眠时间的关系。
关键词：绿地；睡眠；城市

1 引言
已有研究表明噪声影响睡眠[1]。绿地的作用尚不清楚（王芳等，2018）。

2 研究方法
对1200名居民进行了为期一年的问卷调查。

3 结果与分析
绿地面积每增加一成，睡眠时间增加六分钟[2]。

4 结论
绿地有益于睡眠。

参考文献
[1] 王芳. 噪声与睡眠[J]. 环境研究, 2018.
[2] 李强. 城市绿地[M]. 北京, 2015.
""",
    ),
    (
        "academic",
        "中文编号论文",
        """稻田养鱼模式的产量分析

【摘要】 稻田养鱼是一种传统的农业模式，本文分析其产量。
【关键词】 水稻；养鱼

一、引言
稻田养鱼已有两千年历史[1-2]。

二、材料与方法
试验在四块稻田中进行。

三、结果
养鱼稻田的产量提高了百分之五。

四、讨论
鱼吃害虫，减少了农药。

参考文献
[1] 张三. 稻鱼共生. 2009.
""",
    ),
    (
        "legal",
        "statute",
        """CHAPTER I
General provisions

Article 1
Subject matter

This Regulation lays down rules on the sale of bread.

Article 2
Definitions

For the purposes of this Regulation, 'baker' shall mean any person who bakes for sale.

Article 3
Obligations

1. Bakers shall display the weight of each loaf.
2. Bakers shall not sell bread older than two days.
""",
    ),
    (
        "legal",
        "contract",
        """SERVICES AGREEMENT

This Agreement is made between Birch Ltd (the "Supplier") and Elm Ltd (the "Customer").

1. Services
1.1 The Supplier shall provide the services set out in Schedule A.
1.2 The Supplier shall perform them with reasonable care.

2. Payment
2.1 The Customer shall pay within thirty days of the invoice.
2.2 Neither party shall be liable for delay caused by banks.

3. Termination
3.1 Either party may terminate this Agreement on notice pursuant to clause 9.
""",
    ),
    (
        "legal",
        "sections",
        """Section 1. Short title. This Act may be cited as the Harbour Act.

Section 2. Licences. No vessel shall enter the harbour without a licence. The master of the vessel
is liable for any breach.

Section 3. Fees. The fee shall be paid before entry, notwithstanding any other agreement.
""",
    ),
    (
        "legal",
        "法律",
        """中华人民共和国面包法

第一章 总则

第一条　为了规范面包的生产和销售，保护消费者的权益，制定本法。

第二条　在中华人民共和国境内生产、销售面包，应当遵守本法。

第二章 生产

第三条　面包师应当标明面包的重量。
违反前款规定的，处五百元以下罚款。

第四条　不得销售超过两日的面包。
""",
    ),
    (
        "legal",
        "合同",
        """房屋租赁合同

甲方（出租人）：王明
乙方（承租人）：李华

第一条 房屋情况
甲方将位于青石路五号的房屋出租给乙方使用。

第二条 租金
乙方应当于每月五日前支付租金三千元。

第三条 违约责任
任何一方违反本合同的，应当承担违约责任，赔偿对方损失。
""",
    ),
    (
        "legal",
        "条例 无空格",
        """图书馆管理条例

第一条为了加强图书馆管理，制定本条例。
第二条读者应当爱护图书，不得涂改。
第三条损坏图书的，应当照价赔偿；拒不赔偿的，依照有关规定处罚。
第四条本条例自公布之日起施行。
""",
    ),
    (
        "markdown",
        "readme",
        """# Harbour

A small tool that counts ships.

## Install

```bash
pip install harbour
harbour --version
```

## Use

- `harbour count` counts
- `harbour watch` waits

See the [guide](docs/guide.md).
""",
    ),
    (
        "markdown",
        "guide with code",
        """## Configure

Put this into your settings:

```python
import harbour

client = harbour.Client(port=8080)
client.start()
```

> Restart afterwards.

| option | meaning |
|---|---|
| port | where it listens |
""",
    ),
    (
        "markdown",
        "说明",
        """# 部署指南

## 准备

1. 安装**依赖**
2. 复制 `config.yaml`

## 启动

```sh
make up
```

详见[常见问题](faq.md)。
""",
    ),
    (
        "markdown",
        "表格文档",
        """### 接口说明

| 参数 | 含义 | 默认 |
|---|---|---|
| page | 页码 | 1 |
| size | 每页条数 | 20 |

### 返回值

返回一个**列表**。
""",
    ),
    (
        "dialogue",
        "support chat",
        """Agent: Good morning, how can I help?
Customer: My parcel has not arrived.
Agent: May I have the order number?
Customer: It is 4711.
Agent: Thank you. It left yesterday
and should be with you tomorrow.
Customer: Great, thanks!
""",
    ),
    (
        "dialogue",
        "transcript",
        """[00:01] Anna Berg: Welcome to the show.
[00:05] Tom: Thanks for having me.
[00:09] Anna Berg: You built a boat out of paper. Why?
[00:15] Tom: Because somebody said it could not be done. We tried it in the bath first, then on
the lake, and in the end we crossed the bay.
[00:31] Anna Berg: And did it float?
[00:34] Tom: For an hour.
""",
    ),
    (
        "dialogue",
        "interview bold",
        """**Q:** Where did you learn to bake?

**A:** From my grandmother, in a kitchen without a window.

**Q:** What was the first thing you made?

**A:** A loaf nobody could cut.
""",
    ),
    (
        "dialogue",
        "客服",
        """客服：您好，请问有什么可以帮您？
顾客：我的快递还没有到。
客服：请提供一下订单号。
顾客：4711。
客服：已经在派送了，预计明天送达。
顾客：好的，谢谢。
""",
    ),
    (
        "dialogue",
        "访谈",
        """记者：您是怎么开始做木工的？

李师傅：小时候跟着父亲学的，那时候家里穷，凳子坏了都自己修。

记者：最难的是什么？

李师傅：耐心。木头不会骗人，你急它就裂。
""",
    ),
    (
        "dialogue",
        "聊天记录",
        """王芳 2024-05-01 10:02
周末去爬山吗？

李强 2024-05-01 10:03
好啊，几点出发？

王芳 2024-05-01 10:05
七点，地铁站见。

李强 2024-05-01 10:05
没问题
""",
    ),
    (
        "general",
        "news",
        """The old harbour bridge was closed on Monday after engineers found cracks in two of its
pillars. The town expects repairs to take until the autumn.

"We had hoped to avoid this," said the mayor. Ferries run every ten minutes instead, and cyclists
travel free of charge. Shops on the north side complain: fewer customers find their way.
""",
    ),
    (
        "general",
        "letter with a list",
        """Dear all,

next week we meet in the small hall. Please bring:
- something to write
- a cup
- your notes

Time: Tuesday, 10:30
Place: first floor

Best wishes
Ruth
""",
    ),
    (
        "general",
        "about a law",
        """The court had to decide whether Article 5 applies to fishing boats.
argued that Section 3 speaks of ships only. The judge did not agree, and the town celebrated.
Nobody had expected the case to take four years.
""",
    ),
    (
        "general",
        "recipe",
        """Bread for beginners

1. Mix flour, water, salt and yeast.
2. Let the dough rest for an hour.
3. Bake it until it is brown.

Note: ovens differ. Summary of the method: patience.
""",
    ),
    (
        "general",
        "新闻",
        """昨日，市图书馆新馆正式对外开放。新馆位于青石路，共有五层，藏书六十万册。

馆长表示，根据《公共图书馆法》第三十三条规定，图书馆应当免费向公众开放。首日共有三千名读者入馆，
其中不少是带着孩子来的家长。
""",
    ),
    (
        "general",
        "散文",
        """清晨的巷子里飘着豆浆的香味。卖早点的阿姨认得每一个人，不用开口，她就知道你要什么。

后来巷子拆了，豆浆店搬到了地铁口。味道没有变，只是再也没有人记得我爱吃咸的。
""",
    ),
    (
        "general",
        "通知",
        """关于中秋节放假的通知

各部门：
中秋节放假三天，时间：九月十五日至十七日。地点：无。联系人：小王。
请大家注意安全，提前安排好工作。
""",
    ),
    ("general", "one line", "Where is the umbrella?"),
]
