"""Cuts never fall inside what a reader sees as one character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.graphemes import pieces


@given(st.text(max_size=300), st.integers(1, 40))
def test_pieces_add_up_to_the_text(text: str, size: int) -> None:
    """Nothing is lost, nothing is empty."""
    cut = list(pieces(text, size))
    assert "".join(cut) == text
    assert all(cut)


@pytest.mark.parametrize(
    "whole",
    ["👩‍🚀", "👨‍👩‍👧‍👦", "👍🏽", "🇨🇳", "e\u0301", "\u1100\u1161\u11a8", "\r\n", "कि", "✍️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
)
def test_one_character_stays_whole(whole: str) -> None:
    """Families, flags, accents, syllables, line ends: at every size of piece."""
    text = f"中{whole}文{whole}{whole}"
    for size in range(1, 6):
        cut = list(pieces(text, size))
        assert sum(piece.count(whole) for piece in cut) == 3


def test_english_is_cut_after_spaces() -> None:
    """So that words appear whole."""
    assert list(pieces("one two three four", 9)) == ["one two ", "three ", "four"]


def test_chinese_is_cut_between_characters() -> None:
    """There are no spaces to wait for."""
    assert [len(piece) for piece in pieces("今天天气很好我们去公园", 4)] == [4, 4, 3]
