"""Spelling for equality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.words import content, plain, words


@pytest.mark.parametrize(
    ("left", "right"),
    [("How much?", "how  much"), ("ＡＢＣ", "abc"), ("退款吗？", "退款吗"), ("a\u200bb", "ab")],
)
def test_case_width_space_and_final_punctuation_do_not_matter(left, right):
    """One spelling for one text."""
    assert plain(left) == plain(right)


@pytest.mark.parametrize(
    ("left", "right"), [("C++", "C"), ("1.5", "15"), ("a-b", "ab"), ("a/b", "ab")]
)
def test_punctuation_inside_a_text_stays(left, right):
    """It may be the point."""
    assert plain(left) != plain(right)


@given(st.text())
def test_spelling_twice_changes_nothing(text):
    """The result is a fixed point."""
    assert plain(plain(text)) == plain(text)


def test_chinese_is_cut_into_characters_and_english_into_words():
    """Mixed text keeps its order."""
    assert words("用 Apple Pay 付款 3 次") == ("用", "apple", "pay", "付", "款", "3", "次")


def test_a_text_of_politeness_alone_keeps_its_words():
    """Two greetings are not equal for being empty."""
    assert content("你好") == ("你", "好")
    assert content("谢谢") != content("你好")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("如何退款？", "您好，请问一下如何退款呢？谢谢"),
        ("怎么改密码", "麻烦您告诉我一下怎么改密码，谢谢"),
        ("如何退款", "請問如何退款嗎？謝謝"),
        ("Reset password", "Hi, please kindly reset the password, thanks"),
        ("hours", "I'd like to know the hours, thank you very much"),
    ],
)
def test_politeness_is_no_content_in_either_script(left, right):
    """However much of it there is."""
    assert content(left) == content(right)
