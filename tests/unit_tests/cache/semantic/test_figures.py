"""Figures are the same in digits and in words, and different when they differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.figures import figures


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3 days", "三天"),
        ("wait three days", "wait 3 days"),
        ("twenty five people", "25 people"),
        ("two hundred and ten euros", "210 euros"),
        ("my 1,000 dollars", "my 1000 dollars"),
        ("5万元", "五万元"),
        ("5万元", "50000元"),
        ("两千三百", "2300"),
        ("百分之五", "5%"),
        ("5 percent", "5%"),
        ("$30", "30 usd"),
        ("三点五公里", "3.5公里"),
        ("三个小时", "3 hours"),
        ("两个月", "2 months"),
        ("两星期", "2 weeks"),
        ("一个半小时", "1.5小时"),
        ("两年半", "2.5年"),
        ("半小时", "half an hour"),
        ("一半", "50%"),
    ],
)
def test_one_figure_spelled_in_two_ways_is_one_figure(left, right):
    """Digits, words, separators and scales do not matter."""
    assert figures(left)
    assert figures(left) == figures(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3 days", "30 days"),
        ("3 days", "3 weeks"),
        ("三天", "三年"),
        ("5%", "5"),
        ("$30", "€30"),
        ("version 3.1", "version 3.10"),
        ("-5 degrees", "5 degrees"),
        ("第三章", "第四章"),
        ("第三章", "三章"),
        ("5万", "5亿"),
        ("半小时", "一小时"),
        ("两点", "两点半"),
        ("半年", "一年"),
        ("half an hour", "an hour"),
    ],
)
def test_figures_that_differ_in_value_or_unit_differ(left, right):
    """A veto that overlooks one of these serves a wrong answer."""
    assert figures(left) != figures(right)


@pytest.mark.parametrize(
    "text",
    [
        "no figure here",
        "一下",
        "十分感谢",
        "万一失败",
        "一个苹果",
        "this one",
        "统一标准",
        "一起去",
        "上半年",
        "半价",
    ],
)
def test_numerals_inside_ordinary_words_are_no_figures(text):
    """An idiom is not a count."""
    assert figures(text) == ()


def _chinese(number: int) -> str:
    digits, out = "零一二三四五六七八九", ""
    for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // scale % 10
        if digit:
            out += digits[digit] + name
        elif out and number % scale and not out.endswith("零"):
            out += "零"
    return out


@given(st.integers(min_value=2, max_value=9999))
def test_every_chinese_numeral_equals_its_digits(number):
    """Checked against a writer of numerals of its own."""
    assert figures(f"{_chinese(number)}天") == figures(f"{number}天") == figures(f"{number} days")


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9))
def test_equal_figures_mean_equal_numbers(left, right):
    """Never may two numbers be read as one."""
    assert (figures(f"pay {left} now") == figures(f"pay {right} now")) == (left == right)


@given(st.integers(min_value=1000, max_value=10**12))
def test_separators_of_thousands_do_not_matter(number):
    """1,234 is 1234."""
    assert figures(f"{number:,}") == figures(str(number))


@given(st.text())
def test_any_text_can_be_read(text):
    """No input makes the reader fail, and its result is sorted."""
    found = figures(text.casefold())
    assert list(found) == sorted(found)
