"""The exact dense leg against arithmetic in double precision, whatever was added and deleted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.vectors import ExactVectors, dots


def units(count, seed, dimensions=16):
    """Random unit vectors."""
    made = np.random.default_rng(seed).normal(size=(count, dimensions))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def filled(count, seed=1, dimensions=16):
    """An index of rows 1 to ``count``, and their vectors."""
    vectors = units(count, seed, dimensions)
    index = ExactVectors()
    index.add(np.arange(1, count + 1), vectors)
    return index, vectors


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (5_000, 384), (0, 8)])
def test_products_equal_those_in_double_precision(shape):
    """To a few units of single precision, tall, small and empty alike."""
    rng = np.random.default_rng(2)
    matrix, vector = rng.normal(size=shape), rng.normal(size=shape[1])
    found = dots(matrix.astype(np.float32), vector.astype(np.float32))
    assert found.shape == (shape[0],)
    assert np.allclose(found, matrix @ vector, rtol=1e-5, atol=1e-4)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 400), st.integers(0, 10_000), st.floats(0, 0.9), st.integers(1, 30))
def test_the_nearest_are_those_of_a_full_comparison(count, seed, gone, wanted):
    """After random deletes, with scores equal to 1e-6 and exact statistics."""
    index, vectors = filled(count, seed)
    rng = np.random.default_rng(seed)
    dead = rng.choice(np.arange(1, count + 1), int(gone * count), replace=False)
    index.delete(dead.tolist())
    query = units(1, seed + 1)[0]
    live = np.setdiff1d(np.arange(1, count + 1), dead)
    expected = vectors[live - 1].astype(np.float64) @ query.astype(np.float64)
    match = index.match(query)
    rows, scores = match.top(wanted)
    assert np.abs(scores - np.sort(expected)[::-1][:wanted]).max() < 1e-6
    assert set(rows.tolist()) <= set(live.tolist())
    assert match.mean == pytest.approx(expected.mean(), abs=1e-6)
    assert match.deviation == pytest.approx(expected.std(), abs=1e-6)


def test_a_filter_leaves_out_before_the_choice():
    """The best of those allowed, not those allowed of the best."""
    index, vectors = filled(300)
    allowed = np.zeros(301, bool)
    allowed[[5, 250, 299]] = True
    rows, _ = index.match(vectors[0]).top(10, allowed)
    assert set(rows.tolist()) == {5, 250, 299}


def test_a_deleted_document_has_no_score_and_never_returns():
    """Nor does one that was never there; others keep theirs through compaction."""
    index, vectors = filled(500)
    index.delete(range(1, 400))
    match = index.match(vectors[450])
    assert len(index) == 101
    assert np.isnan(match.scores_of(np.array([3, 399, 900]))).all()
    assert match.scores_of(np.array([451]))[0] == pytest.approx(1.0, abs=1e-6)
    assert match.top(1)[0].tolist() == [451]


def test_a_reader_keeps_what_it_saw_while_others_write():
    """A match is of one moment."""
    index, vectors = filled(10)
    match = index.match(vectors[0])
    index.add(np.array([11]), vectors[:1])
    index.delete([1])
    assert match.top(20)[0].tolist()[0] == 1
    assert 11 not in match.top(20)[0]


def test_vectors_of_another_model_are_refused_with_advice():
    """Both as documents and as a question."""
    index, _ = filled(3)
    with pytest.raises(ConfigurationError, match="16 dimensions"):
        index.add(np.array([9]), units(1, 1, 8))
    with pytest.raises(ConfigurationError, match="the query has 8"):
        index.match(units(1, 1, 8)[0])


def test_an_empty_index_finds_nothing():
    """And divides by nothing."""
    match = ExactVectors().match(units(1, 1)[0])
    assert match.top(5)[0].tolist() == []
    assert (match.mean, match.deviation) == (0.0, 0.0)


def test_statistics_of_an_index_that_was_emptied_are_zero():
    """No division by the number of live documents, which is none."""
    index, vectors = filled(3)
    index.delete([1, 2, 3])
    match = index.match(vectors[0])
    assert match.top(5)[0].tolist() == []
    assert (match.mean, match.deviation) == (0.0, 0.0)
