"""What is told between processes: written and read, and never believed blindly."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.notes import (
    Checked,
    Doubted,
    Settled,
    Stored,
    pack,
    unpack,
)
from langchain_switchyard.cache.semantic.vector_index import unit

KEYS = st.binary(max_size=32)
STAMPS = st.lists(st.tuples(st.text(), st.integers(0, 1 << 60)), max_size=3).map(tuple)
VECTORS = st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3).map(
    lambda values: unit([1.0, *values])
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
COUNTS = st.lists(st.integers(0, 1 << 40), min_size=6, max_size=6).map(tuple)
OTHERS = st.one_of(
    st.builds(Settled, st.none() | KEYS, KEYS, st.floats(-1, 1), st.booleans()),
    st.builds(Checked, KEYS, st.lists(KEYS, max_size=4).map(tuple), st.booleans(), COUNTS, KEYS),
    st.builds(Doubted, KEYS),
)
STORED = st.builds(Stored, KEYS, TEXTS, TEXTS, VECTORS, st.none() | TEXTS, STAMPS, st.booleans())


@given(st.lists(OTHERS, max_size=6))
def test_events_come_back_as_they_were(events):
    """In their order, with who told them."""
    assert unpack(pack("me", events)) == ("me", events)


@given(STORED)
def test_a_stored_question_comes_back_with_nearly_its_vector(stored):
    """Half precision: the cosine with the original is 1 to three digits."""
    _, (back,) = unpack(pack("me", [stored]))
    for name in ("key", "text", "answer", "user", "epochs", "timely"):
        assert getattr(back, name) == getattr(stored, name)
    assert float(back.vector @ stored.vector) == pytest.approx(1, abs=1e-3)
    assert back.vector.dtype == np.float32


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_a_value_error(raw):
    """Never another exception: they may come from anybody."""
    try:
        unpack(raw)
    except ValueError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | TEXTS
    | st.sampled_from(["stored", "settled", "checked", "doubted", "AAAA"]),
    lambda inner: st.lists(inner, max_size=8),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_any_json_is_a_note_or_a_value_error(form):
    """Also what looks like a note."""
    try:
        unpack(orjson.dumps(["me", form]))
    except ValueError:
        return


@pytest.mark.parametrize("vector", ["", "AAAAAAAA", "////////"])
def test_a_vector_that_is_none_is_refused(vector):
    """Empty, zero, not a number."""
    form = ["stored", "AAAA", "text", "answer", vector, None, [], False]
    with pytest.raises(ValueError, match="unit vector"):
        unpack(orjson.dumps(["me", form]))


def test_counts_are_not_below_zero():
    """A bar cannot stand below its first height."""
    form = ["checked", "AAAA", [], True, [-1, 0, 0, 0, 0, 0], ""]
    with pytest.raises(ValueError, match="count"):
        unpack(orjson.dumps(["me", form]))
