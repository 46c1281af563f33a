"""What no answer may be served across."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.vetoes import marks, strict_veto, veto

ANY = st.text(
    alphabet=st.sampled_from("aB1 .,'\"`()不能三天0年月Paris London on off not ~/@"), max_size=40
)


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("Meet me on 2024-01-02", "Meet me on 2024-02-01", "date"),
        ("2024年1月2日的会议", "2024年1月3日的会议", "date"),
        ("wait 3 days", "wait 5 days", "number"),
        ("等三天", "等五天", "number"),
        ("what does foo() do", "what does bar() do", "code"),
        ("open `a.py`", "open `b.py`", "code"),
        ("see https://a.example/x", "see https://a.example/y", "code"),
        ("C++ loops", "C loops", "code"),
        ('what does "foo" mean', 'what does "bar" mean', "quote"),
        ("《红楼梦》的作者", "《西游记》的作者", "quote"),
        ("I can cancel it", "I cannot cancel it", "negation"),
        ("可以退款吗", "不可以退款吗", "negation"),
        ("turn it on", "turn it off", "opposite"),
        ("怎么打开提醒", "怎么关闭提醒", "opposite"),
        ("如何打開通知", "如何關閉通知", "opposite"),
        ("如何開啟藍牙", "如何關閉藍牙", "opposite"),
        ("半小时能到吗", "一小时能到吗", "number"),
        ("兩萬以上", "三萬以上", "number"),
        ("為什麼無法登入", "為什麼登入", "negation"),
        ("the weather in Paris", "the weather in London", "name"),
        ("flights from rome to oslo", "flights from oslo to rome", "order"),
        ("从北京到上海", "从上海到北京", "order"),
    ],
)
def test_a_difference_that_counts_is_named(left, right, reason):
    """In either order of the two."""
    assert veto(marks(left), marks(right)) == reason
    assert veto(marks(right), marks(left)) == reason


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("How do I top up?", "how can i add money"),
        ("What is my PIN", "what's my pin?"),
        ("Meet on 2024-01-02", "meet on 2024/1/2"),
        ("wait three days", "WAIT 3 days!"),
        ("能不能退款", "可以退款吗"),
        ("三个小时能到吗", "3 小时能到吗"),
        ("兩個星期", "2周"),
        ("The card is lost", "My card got lost"),
        ("I lost my Card", "where is my card"),
    ],
)
def test_a_difference_in_wording_alone_is_let_through(left, right):
    """Meaning is the encoder's business."""
    assert veto(marks(left), marks(right)) is None


@given(ANY)
def test_a_text_is_never_vetoed_against_itself(text):
    """Nor does the strict veto."""
    assert veto(marks(text), marks(text)) is None
    assert strict_veto(marks(text), marks(text)) is None


@given(ANY, ANY)
def test_vetoes_are_symmetric(left, right):
    """Who was asked first does not matter."""
    assert veto(marks(left), marks(right)) == veto(marks(right), marks(left))


@given(ANY, ANY)
def test_the_strict_veto_lets_nothing_through_that_the_plain_one_stops(left, right):
    """It only adds."""
    if veto(marks(left), marks(right)):
        assert strict_veto(marks(left), marks(right))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_any_two_different_numbers_are_vetoed(left, right):
    """However alike the sentences are."""
    reason = veto(marks(f"transfer {left} euros"), marks(f"transfer {right} euros"))
    assert (reason == "number") == (left != right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("请问怎么退款？", "怎么退款"), ("Could you tell me the hours please", "hours"),
     ("您好，请问营业时间是几点", "营业时间是几点呢")],
)  # fmt: skip
def test_politeness_passes_the_strict_veto(left, right):
    """It means nothing."""
    assert strict_veto(marks(left), marks(right)) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [("他喜欢苹果", "他讨厌苹果"), ("the red house", "the big house"), ("打开", "打开了")],
)
def test_any_other_wording_does_not(left, right):
    """Without an encoder nothing is known of synonyms."""
    assert strict_veto(marks(left), marks(right)) is not None
