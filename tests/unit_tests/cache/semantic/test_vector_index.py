"""Both indexes find what a plain search finds."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic import graph_index
from langchain_switchyard.cache.semantic.graph_index import GraphIndex, GrowingIndex
from langchain_switchyard.cache.semantic.vector_index import ExactIndex, unit
from langchain_switchyard.errors import ConfigurationError, MissingExtra

NEEDS_HNSWLIB = pytest.mark.skipif(
    importlib.util.find_spec("hnswlib") is None,
    reason="hnswlib is built on installation: pip install langchain-switchyard[hnsw]",
)


def vectors(count, dimensions=24, seed=0):
    """Return unit vectors, shape `(count, dimensions)`."""
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions))
    return [unit(row) for row in drawn]


def plain(stored, vector, count):
    """Search one by one."""
    scored = sorted(((float(one @ vector), number) for number, one in stored.items()), reverse=True)
    return [number for _, number in scored[:count]]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=80), st.integers(1, 8))
def test_an_exact_search_is_right_after_any_adding_and_removing(actions, count):
    """Rows move when others leave."""
    pool, index, stored = vectors(31), ExactIndex(), {}
    for adds, number in actions:
        if adds and number not in stored:
            index.add(number, pool[number])
            stored[number] = pool[number]
        elif not adds:
            index.remove(number)
            stored.pop(number, None)
    query = vectors(1, seed=9)[0]
    assert len(index) == len(stored)
    assert [number for number, _ in index.nearest(query, count)] == plain(stored, query, count)
    for number, one in stored.items():
        assert np.array_equal(index.vector(number), one)


@pytest.mark.parametrize(
    "make",
    [
        ExactIndex,
        pytest.param(GraphIndex, marks=NEEDS_HNSWLIB),
        pytest.param(lambda: GrowingIndex(limit=100), marks=NEEDS_HNSWLIB),
    ],
)
def test_every_index_finds_the_nearest_after_growing_and_shrinking(make):
    """300 vectors, every third removed and half of those replaced."""
    pool, index, stored = vectors(400), make(), {}
    for number in range(300):
        index.add(number, pool[number])
        stored[number] = pool[number]
    for number in range(0, 300, 3):
        index.remove(number)
        del stored[number]
    for number in range(300, 350):
        index.add(number, pool[number])
        stored[number] = pool[number]
    assert len(index) == len(stored)
    for query in vectors(40, seed=5):
        found = index.nearest(query, 5)
        assert [number for number, _ in found] == plain(stored, query, 5)
        assert [similarity for _, similarity in found] == pytest.approx(
            [float(stored[number] @ query) for number, _ in found], abs=1e-5
        )


@pytest.mark.parametrize(
    "make", [ExactIndex, GrowingIndex, pytest.param(GraphIndex, marks=NEEDS_HNSWLIB)]
)
def test_an_empty_index_finds_nothing(make):
    """Also after everything was removed."""
    index, (one,) = make(), vectors(1)
    assert index.nearest(one, 3) == []
    index.add(7, one)
    index.remove(7)
    index.remove(7)
    assert index.nearest(one, 3) == []


@NEEDS_HNSWLIB
def test_a_growing_index_turns_into_a_graph_above_its_limit():
    """And finds the same."""
    index = GrowingIndex(limit=50)
    pool = vectors(51)
    for number, one in enumerate(pool[:50]):
        index.add(number, one)
    assert index.is_exact
    index.add(50, pool[50])
    assert not index.is_exact
    assert index.nearest(pool[3], 1)[0][0] == 3


def test_without_hnswlib_a_growing_index_stays_exact_and_says_so(monkeypatch, caplog):
    """Slower, never an error."""

    def missing(name):
        if name == "hnswlib":
            raise ImportError(name)
        return importlib.import_module(name)

    monkeypatch.setattr(graph_index, "import_module", missing)
    index = GrowingIndex(limit=10)
    for number, one in enumerate(vectors(30)):
        index.add(number, one)
    assert index.is_exact
    assert len(index) == 30
    assert "langchain-switchyard[hnsw]" in caplog.text
    with pytest.raises(MissingExtra, match="hnsw"):
        GraphIndex()


def test_another_number_of_dimensions_is_refused_with_the_reason():
    """The embedding model was changed under a running cache."""
    index = ExactIndex()
    index.add(0, unit([1.0, 0.0]))
    with pytest.raises(ConfigurationError, match="one embedding model"):
        index.add(1, unit([1.0, 0.0, 0.0]))
    with pytest.raises(ConfigurationError, match="one embedding model"):
        index.nearest(unit([1.0, 0.0, 0.0]), 1)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [float("nan"), 1.0], [[1.0]], [float("inf")]])
def test_what_is_no_direction_is_refused(values):
    """Empty, zero, not finite, or not one vector."""
    with pytest.raises(ConfigurationError, match="no usable vector"):
        unit(values)


@NEEDS_HNSWLIB
def test_a_graph_grows_and_uses_the_places_of_removed_vectors_again():
    """Beyond its first size, after most were removed, and after new ones took their places."""
    index, pool, stored = GraphIndex(), vectors(1400, dimensions=8), {}
    for number in range(1100):
        index.add(number, pool[number])
        stored[number] = pool[number]
    for number in range(1060):
        index.remove(number)
        del stored[number]
    for query in vectors(20, dimensions=8, seed=2):
        assert [number for number, _ in index.nearest(query, 20)] == plain(stored, query, 20)
    for number in range(1100, 1400):
        index.add(number, pool[number])
        stored[number] = pool[number]
    for query in vectors(20, dimensions=8, seed=3):
        assert [number for number, _ in index.nearest(query, 5)] == plain(stored, query, 5)
    assert np.allclose(index.vector(1399), pool[1399])
