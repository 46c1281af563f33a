"""Remembered digests stay bounded."""

from __future__ import annotations

from langchain_switchyard.cache.keys.texts import TextDigests


def test_a_full_generation_is_replaced_and_still_right() -> None:
    """Whatever is forgotten is computed again, to the same digest."""
    texts = TextDigests(texts=4, characters=1000)
    first = texts.digest("first")
    for number in range(20):
        texts.digest(f"text {number}")
    assert texts.digest("first") == first
    assert len(texts._young) + len(texts._old) <= 8


def test_long_texts_are_not_held() -> None:
    """A book is hashed each time rather than kept in memory."""
    texts = TextDigests(texts=4, characters=1000)
    texts.digest("x" * 500)
    assert not texts._young
