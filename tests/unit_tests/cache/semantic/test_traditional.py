"""Traditional characters in the tables of this level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic import excluding_words
from langchain_switchyard.cache.semantic.traditional import simplified


@pytest.mark.parametrize(
    ("traditional", "plain"),
    [("關閉", "关闭"), ("沒有", "没有"), ("這週", "这周"), ("後天", "后天"),
     ("三個鐘頭", "三个钟头"),
     ("訂單", "订单"), ("帳戶裡", "帐户里"), ("隱藏", "隐藏")],
)  # fmt: skip
def test_the_words_of_the_tables_are_found_in_either_script(traditional, plain):
    """Written once, in simplified characters."""
    assert simplified(traditional) == plain


@given(st.text())
def test_a_text_keeps_its_length_and_changes_once(text):
    """Characters stand for characters, and simplified ones stay."""
    once = simplified(text)
    assert len(once) == len(text)
    assert simplified(once) == once


def test_no_table_is_written_in_both_scripts():
    """A traditional character in a table would never be met: texts are simplified before."""
    tables = excluding_words.CHINESE + excluding_words.CHINESE_CHARACTERS
    assert simplified(tables) == tables
