"""Negation and excluding words, in English and Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.opposites import are_opposed, is_negated, sides


@pytest.mark.parametrize(
    "text",
    ["i can't log in", "a non-refundable fare",
     "do not send it", "it doesn’t work", "never again", "without a card",
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
        ("礼拜一营业吗", "星期天营业吗"),
        ("怎么打开自动续费", "怎么取消自动续费"),
        ("如何开通会员", "如何取消会员"),
        ("怎么充值", "怎么提现"),
        ("升级套餐", "降级套餐"),
        ("放大图片", "缩小图片"),
        ("怎么加热", "怎么冷却"),
        ("同意协议", "反对协议"),
        ("上半年业绩", "下半年业绩"),
        ("早上几点开", "晚上几点开"),
        ("is the first step hard", "is the second step hard"),
        ("once a week", "twice a week"),
        ("is half enough", "is a quarter enough"),
        ("the daily limit", "the monthly limit"),
        ("summer hours", "winter hours"),
        ("an expired card", "a valid card"),
        ("pause my plan", "resume my plan"),
        ("怎么隐藏头像", "怎么显示头像"),
        ("白天营业吗", "夜里营业吗"),
        ("activate my plan", "cancel my plan"),
    ],
)
def test_opposites_are_opposed_both_ways(left, right):
    """Order of the two texts does not matter."""
    ours, theirs = sides(left), sides(right)
    assert are_opposed(ours, theirs)
    assert are_opposed(theirs, ours)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("how do i subscribe", "how do i unsubscribe"),
        ("how to follow somebody", "unfollowing somebody"),
        ("i like it", "i dislike it"),
        ("connected devices", "disconnected devices"),
        ("a valid form", "an invalid form"),
        ("upgrade my plan", "downgrade my plan"),
        ("inbound calls", "outbound calls"),
        ("enable it", "disable it"),
        ("zoom in", "zoom out"),
    ],
)
def test_a_prefix_or_a_particle_turns_any_word_round(left, right):
    """No list names the word."""
    assert are_opposed(sides(left), sides(right))
    assert are_opposed(sides(right), sides(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [("左转", "右转"), ("我要买股票", "我要卖股票"), ("怎么借钱", "怎么还钱"),
     ("婚前财产", "婚后财产"), ("男装", "女装"),
     ("年费多少", "月费多少"), ("进门", "出门"), ("增值税怎么交", "增值税怎么退")],
)  # fmt: skip
def test_characters_exclude_each_other_beside_the_same_character(left, right):
    """No list names the word."""
    assert are_opposed(sides(left), sides(right))
    assert are_opposed(sides(right), sides(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [("如何订阅", "如何取消订阅"), ("怎么开通服务", "怎么终止服务"), ("共享文件", "停止共享文件")],
)
def test_a_sign_of_taking_back_turns_what_follows_it_round(left, right):
    """In either order of the two."""
    assert are_opposed(sides(left), sides(right))
    assert are_opposed(sides(right), sides(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("怎么取消会员", "会员怎么退"),
        ("怎么取消会员", "怎么关闭会员"),
        ("订单如何取消", "取消订单"),
        ("要多少钱", "要多钱"),
        ("网上怎么买", "怎么在网上购买"),
        ("东西坏了", "商品坏了"),
        ("上海天气", "下单"),
        ("discover the cards", "cards you cover"),
        ("the discount", "count it"),
        ("charged more than once", "charged twice"),
        ("周一营业吗", "星期一营业吗"),
        ("how do i unsubscribe", "how to cancel my subscription"),
        ("turn the light on", "switch the light on"),
        ("credit or debit", "credit"),
        ("a new card", "a card"),
        ("打开通知", "开通通知"),
        ("only on sunday", "the button"),
    ],
)
def test_texts_that_take_no_opposite_sides_are_not_opposed(left, right):
    """Naming both sides, or none, opposes nothing."""
    assert not are_opposed(sides(left), sides(right))


@given(st.text(), st.text())
def test_opposition_is_symmetric_and_never_with_oneself(left, right):
    """For any two texts."""
    ours, theirs = sides(left.casefold()), sides(right.casefold())
    assert are_opposed(ours, theirs) == are_opposed(theirs, ours)
    assert not are_opposed(ours, ours)
