"""Negation and excluding words, in English and Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.opposites import are_opposed, is_negated, polar_words


@pytest.mark.parametrize(
    "text",
    ["i can't log in", "do not send it", "it doesn’t work", "never again", "without a card",
     "我不能退款", "没有收到", "无法登录", "别发送", "禁止吸烟", "未收到货"],
)  # fmt: skip
def test_denials_are_seen(text):
    """Sign words and contractions, straight and curly apostrophes."""
    assert is_negated(text)


@pytest.mark.parametrize(
    "text",
    ["can i log in", "notify me", "another knot", "能不能退款", "有没有优惠", "是不是真的",
     "非常好",
     "特别好", "不好意思请问一下", "不但便宜", "无论如何", "两者的区别", "没关系"],
)  # fmt: skip
def test_signs_that_deny_nothing_are_passed_over(text):
    """A-not-A questions and fixed words are not negations."""
    assert not is_negated(text)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("turn the light on", "turn the light off"),
        ("open on monday", "open on tuesday"),
        ("enable alerts", "disable alerts"),
        ("the highest fee", "the lowest fee"),
        ("打开通知", "关闭通知"),
        ("之前的订单", "之后的订单"),
        ("最高额度", "最低额度"),
        ("周一营业吗", "周二营业吗"),
    ],
)
def test_opposites_are_opposed_both_ways(left, right):
    """Order of the two texts does not matter."""
    ours, theirs = polar_words(left), polar_words(right)
    assert are_opposed(ours, theirs)
    assert are_opposed(theirs, ours)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("turn the light on", "switch the light on"),
        ("credit or debit", "credit"),
        ("a new card", "a card"),
        ("打开通知", "开通通知"),
        ("only on sunday", "the button"),
    ],
)
def test_texts_that_take_no_opposite_sides_are_not_opposed(left, right):
    """Naming both sides, or none, opposes nothing."""
    assert not are_opposed(polar_words(left), polar_words(right))


@given(st.text(), st.text())
def test_opposition_is_symmetric_and_never_with_oneself(left, right):
    """For any two texts."""
    ours, theirs = polar_words(left.casefold()), polar_words(right.casefold())
    assert are_opposed(ours, theirs) == are_opposed(theirs, ours)
    assert not are_opposed(ours, ours)
