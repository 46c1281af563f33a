"""Questions that never meet similar ones."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.semantic import TextRules
from langchain_switchyard.cache.semantic.eligible import why_not
from langchain_switchyard.errors import ConfigurationError

RULES = TextRules()


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
