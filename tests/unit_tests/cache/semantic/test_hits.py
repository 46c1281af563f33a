"""The id of a hit, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.hits import HitId
from langchain_switchyard.cache.semantic_contract import Place

PLACES = st.builds(
    Place, st.text("0123456789abcdef", max_size=16), st.binary(min_size=12, max_size=12)
)


@given(PLACES, st.binary(max_size=32), st.binary(min_size=6, max_size=6))
def test_an_id_says_where_it_was_served(place, key, nonce):
    """Whatever the key is."""
    back = HitId.parse(str(HitId(place, key, nonce)))
    assert (back.place, back.nonce) == (place, nonce)
    assert back.is_of(key)


def test_an_id_is_of_no_other_key():
    """Nor of another beginning."""
    hit = HitId(Place("", bytes(12)), b"refund-1", bytes(6))
    assert not hit.is_of(b"money")
    assert not hit.is_of(b"")


@given(st.text())
def test_any_text_is_an_id_or_none(text):
    """Never an exception: it may come from a browser."""
    hit = HitId.parse(text)
    assert hit is None or str(hit) == text


@pytest.mark.parametrize("text", ["", "no such id", "x" * 31, "é" * 32, "=" * 32])
def test_what_is_no_id_is_none(text):
    """Too short, or not of its letters."""
    assert HitId.parse(text) is None
