"""Questions that never meet similar ones."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.semantic import TextRules
from langchain_switchyard.cache.semantic.eligible import why_not
from langchain_switchyard.errors import ConfigurationError

RULES = TextRules()


@pytest.mark.parametrize(
    "text",
    ["Is the store open now?", "What's open now", "Who is president now", "who is now in charge",
     "What is the current president", "what's the date", "What day is it", "What time is it?",
     "opening hours next monday", "recent news", "这个月的优惠", "这个星期几号开会", "下星期开会吗",
     "最近的优惠活动", "近期活动", "明早开门吗", "这会儿几点", "本季度业绩", "几号了", "今儿天气",
     "現在開門嗎", "當前利率", "剛才的訂單", "後天開門嗎", "這週有課嗎"],
)  # fmt: skip
def test_a_question_about_now_is_kept_out_in_whatever_words(text):
    """English, simplified and traditional Chinese."""
    assert why_not(text, None, RULES) == "time words"


@pytest.mark.parametrize(
    "text",
    ["I lost my card and now I need one", "what is a current account", "knowledge of snow",
     "What time does the museum open", "What date does it start", "how do I know", "几点开门",
     "上海的餐厅", "下单", "日本在哪", "几号楼", "每年", "现金", "近视", "明白了", "本机号码"],
)  # fmt: skip
def test_words_that_only_look_like_time_keep_nothing_out(text):
    """Or hardly anything could be served."""
    assert why_not(text, None, RULES) is None


@pytest.mark.parametrize(
    "text",
    ["Where is my package?", "where's my refund", "what's my account status", "my next claims",
     "我的包裹到哪了", "我的退款到了吗", "我卡里还有多少钱", "我的訂單在哪", "我帳戶裡有多少錢"],
)  # fmt: skip
def test_what_belongs_to_the_asker_is_personal(text):
    """Unless the asker is known: the partition is then the asker's own."""
    assert why_not(text, None, RULES) == "personal"
    assert why_not(text, "u1", RULES) is None


@pytest.mark.parametrize(
    "text",
    [
        "activate my card",
        "my card does not work",
        "我要退款",
        "我想预约",
        "我怎么申请",
        "我的卡丢了",
    ],
)
def test_what_many_ask_of_their_own_alike_is_not_personal(text):
    """The answer is the same for everybody."""
    assert why_not(text, None, RULES) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("What is the weather today?", "time words"),
        ("今天天气怎么样", "time words"),
        ("the latest news", "time words"),
        ("最新的汇率", "time words"),
        ("What is my account balance", "personal"),
        ("where are my orders", "personal"),
        ("我的订单到哪了", "personal"),
        ("查一下我的账户余额", "personal"),
        ("word " * 300, "too long"),
        ("字" * 300, "too long"),
        ("  ?! ", "empty"),
        ("How do I close an account?", None),
        ("怎么退款", None),
        ("What does a balance sheet show?", None),
    ],
)
def test_a_question_that_means_something_else_every_time_is_kept_out(text, reason):
    """In both languages, with the reason."""
    assert why_not(text, None, RULES) == reason


def test_a_known_user_may_ask_about_an_account():
    """The partition is then the user's own."""
    assert why_not("what is my balance", "u1", RULES) is None
    assert why_not("what is my balance today", "u1", RULES) == "time words"


def test_each_rule_can_be_switched_off():
    """For partitions that hold the date, or answers that are the same for everybody."""
    assert why_not("the weather today", None, TextRules(time_words=True)) is None
    assert why_not("my balance", None, TextRules(personal=True)) is None
    assert why_not("word " * 300, None, TextRules(longest=400)) is None


def test_a_length_that_lets_nothing_through_is_refused():
    """With its name."""
    with pytest.raises(ConfigurationError, match="longest"):
        TextRules(longest=0)
