"""Follow-ups carry their topic; what stands by itself is left alone."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_switchyard.retrieval import HistoryRewrite
from langchain_switchyard.testing import Fail, ScriptedChatModel

LAW = "合同法的违约金怎么算？"
APPLE = "What was Apple's revenue in 2023?"


def conversation(*questions):
    """Each question with an answer after it."""
    return [
        message
        for question in questions
        for message in (HumanMessage(question), AIMessage("关于它的回答: it depends on 2019."))
    ]


def rewritten(query, *questions):
    """The one query to search for."""
    (found,) = HistoryRewrite().rewrite(query, conversation(*questions))
    return found


@pytest.mark.parametrize(
    "message",
    [
        "继续", "请继续", "继续说", "好的，继续", "接着讲", "还有呢？", "详细一点", "然后呢",
        "为什么？", "再说说", "展开讲讲", "继续吧。", "请继续解释一下", "举个例子",
        "我们继续刚才的话题", "这是什么意思？", "接下来呢",
    ],
)  # fmt: skip
def test_going_on_in_chinese_searches_for_the_question_before(message):
    """The words themselves would only mislead a search."""
    assert rewritten(message, LAW) == LAW


@pytest.mark.parametrize(
    "message",
    [
        "continue", "Go on, please.", "keep going", "more", "Tell me more about it", "Why?",
        "What else?", "ok, continue", "more details please", "and then?", "Please elaborate",
        "yes, go on", "What's next?", "give me an example", "why not?",
    ],
)  # fmt: skip
def test_going_on_in_english_searches_for_the_question_before(message):
    """With or without politeness."""
    assert rewritten(message, APPLE) == APPLE


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("它的上限呢？", "上限"),
        ("这个怎么理解？", "怎么理解"),
        ("那个有例外吗？", "有例外"),
        ("他们要承担责任吗", "要承担责任"),
        ("那定金呢？", "定金"),
        ("上述规定适用于个人吗？", "适用于个人"),
        ("这是强制性的吗", "强制性"),
        ("第二点适用于谁", "适用于谁"),
        ("去年呢？", "去年"),
        ("该法何时生效", "何时生效"),
        ("其适用范围是什么", "适用范围"),
    ],
)
def test_chinese_pronouns_bring_their_topic(message, words):
    """The topic, and what the message says itself."""
    query = rewritten(message, LAW)
    assert query.startswith(LAW)
    assert words in query


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Who audits it?", "Who audits"),
        ("How did they report it?", "report"),
        ("What about Microsoft?", "Microsoft"),
        ("and its profit?", "profit"),
        ("Does that include taxes?", "include taxes"),
        ("How does it compare to Google?", "Google"),
        ("What does this mean?", "mean"),
        ("explain that in short", "in short"),
        ("how is that calculated?", "calculated"),
        ("Is it similar to Microsoft's?", "Microsoft"),
        ("in euros?", "euros"),
        ("which one is larger?", "larger"),
    ],
)
def test_english_pronouns_bring_their_topic(message, words):
    """As in Chinese."""
    query = rewritten(message, APPLE)
    assert query.startswith(APPLE)
    assert words in query


@pytest.mark.parametrize(
    ("message", "topic", "query"),
    [
        ("and in 2024?", APPLE, "What was Apple's revenue in 2024?"),
        ("那2024年呢？", "2023年的营收是多少？", "2024年的营收是多少？"),
        ("那么第二季度呢？", "2023年第一季度的营收是多少？", "2023年第二季度的营收是多少？"),
        ("and in China in 2024?", APPLE, "What was Apple's revenue in 2024? in China"),
        ("and Q2?", "Revenue of Apple in Q1 2023", "Revenue of Apple in Q2 2023"),
    ],
)
def test_a_year_or_quarter_replaces_the_one_before(message, topic, query):
    """Both in one query would search for the wrong one as well."""
    assert rewritten(message, topic) == query


def test_a_span_of_years_is_not_replaced():
    """Which of them is meant cannot be told."""
    query = rewritten("and in 2024?", "Revenue from 2020 to 2023")
    assert all(year in query for year in ("2020", "2023", "2024"))


@pytest.mark.parametrize(
    "message",
    [
        "劳动合同法规定的试用期多长？",
        "尤其是合同法第三条怎么说",
        "其他国家怎么规定的",
        "吉他多少钱",
        "被他人恶作剧惊吓，能否要求对方赔偿？",
        "家庭成员考公务员，其承包地会被收回吗？",
        "我该怎么办？",
        "为什么要缴税？",
        "python create list of columns with their dtype",
        "How does Kubernetes work and why should I use it?",
        "How do I configure a retry policy?",
        "Is it legal to drive at 16?",
        "What is the law that governs divorce?",
        "What time is it in Beijing?",
        "Android or iOS for elderly people",
        "Soviet history",
        "谢谢",
        "thanks!",
        "？",
        "",
        "x" * 70 + " it " + "y" * 70,
    ],
)
def test_what_stands_by_itself_is_left_alone(message):
    """Words that look like pointers, empty pronouns, courtesies, and long messages."""
    assert rewritten(message, LAW, APPLE) == message


def test_the_topic_is_the_last_question_of_its_own():
    """Thanks and greetings set none; follow-ups in between do not replace it."""
    assert rewritten("继续", APPLE, LAW, "谢谢", "好的") == LAW
    query = rewritten("它的上限呢？", APPLE, LAW, "那定金呢？")
    assert query.startswith(LAW)
    assert "定金" in query
    assert "上限" in query
    assert "Apple" not in query


@pytest.mark.parametrize(
    "history", [[], [AIMessage("你好")], [SystemMessage("x")], [HumanMessage("你好")]]
)
def test_without_a_question_before_it_nothing_is_carried(history):
    """Neither instructions nor answers are a topic."""
    assert HistoryRewrite().rewrite("继续", history) == ["继续"]
    assert HistoryRewrite().rewrite("继续") == ["继续"]


def test_an_endless_question_is_carried_in_part():
    """A pasted document must not become the query of every turn."""
    assert len(rewritten("继续", "长" * 10_000)) <= 500


async def test_a_model_rewrites_where_there_is_something_before():
    """It sees the conversation as data, and its one line is the query."""
    model = ScriptedChatModel(script="<think>hm</think>\n合同法违约金的上限是多少？\n")
    rewrite = HistoryRewrite(model)
    expected = ["合同法违约金的上限是多少？"]
    assert rewrite.rewrite("它的上限呢？", conversation(LAW)) == expected
    assert await rewrite.arewrite("它的上限呢？", conversation(LAW)) == expected
    shown = model.calls[0].messages[-1].text
    assert f"user: {LAW}" in shown
    assert "<query>\n它的上限呢？\n</query>" in shown
    assert rewrite.rewrite("第一个问题", []) == ["第一个问题"]
    assert await rewrite.arewrite("第一个问题", [AIMessage("你好")]) == ["第一个问题"]
    assert len(model.calls) == 2


@pytest.mark.parametrize(
    "line", [Fail(TimeoutError("late")), "", "one\ntwo", "长" * 501, "<think>never ends"]
)
async def test_where_the_model_fails_the_rules_step_in_and_it_is_said(line, caplog):
    """Errors, silence, and answers in place of a query."""
    rewrite = HistoryRewrite(ScriptedChatModel(script=line))
    for found in (
        rewrite.rewrite("继续", conversation(LAW)),
        await rewrite.arewrite("继续", conversation(LAW)),
    ):
        assert found == [LAW]
        assert "history_rewrite" in found.notes[0]
    assert "history_rewrite" in caplog.text
