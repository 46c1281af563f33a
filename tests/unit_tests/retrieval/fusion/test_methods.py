"""Fusion functions: pure, on small numbers one can check by hand."""

import numpy as np
import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.fusion import methods as fusion
from langchain_switchyard.retrieval.fusion.methods import FUSIONS, LegScores

NAN = float("nan")


def leg(scores, ranks, floor=0.0, mean=None, deviation=None):
    """Short for a leg."""
    return LegScores(np.array(scores), np.array(ranks), floor, mean, deviation)


LEXICAL = leg([8.0, 4.0, 0.0], [1, 2, 0], 0.0, mean=1.0, deviation=2.0)
DENSE = leg([0.2, 0.6, 0.4], [0, 1, 2], -1.0, mean=0.1, deviation=0.1)


def test_corpus_z_uses_the_statistics_of_all_documents():
    """(s - mean) / deviation, weighted."""
    fused = fusion.corpus_z([LEXICAL, DENSE], [0.3, 0.7])
    assert fused == pytest.approx([0.3 * 3.5 + 0.7, 0.3 * 1.5 + 3.5, -0.15 + 2.1])


def test_theoretical_min_max_uses_the_lowest_possible_score():
    """0 for BM25, -1 for cosines."""
    fused = fusion.theoretical_min_max([LEXICAL, DENSE], [0.5, 0.5])
    assert fused == pytest.approx([0.5 + 0.5 * 1.2 / 1.6, 0.25 + 0.5, 0.5 * 1.4 / 1.6])


def test_min_max_spans_the_list():
    """Best of the list 1, last of the list 0."""
    fused = fusion.min_max([LEXICAL, DENSE], [0.5, 0.5])
    assert fused[:2] == pytest.approx([0.5 - 0.5, 0.5])


def test_reciprocal_rank_counts_from_one():
    """1 / (60 + rank), nothing for absent documents."""
    fused = fusion.reciprocal_rank([LEXICAL, DENSE], [0.5, 0.5])
    assert fused == pytest.approx([0.5 / 61, 0.5 / 62 + 0.5 / 61, 0.5 / 62])


def test_unfilled_dbsf_gives_nothing_to_the_absent():
    """Mean minus three deviations is 0."""
    unfilled = leg([3.0, 1.0, NAN], [1, 2, 0])
    assert fusion.distribution([unfilled], [1.0]) == pytest.approx([0.5 + 1 / 6, 0.5 - 1 / 6, 0])


@pytest.mark.parametrize("name", FUSIONS)
def test_a_leg_of_equal_scores_decides_nothing(name):
    """No division by zero, and the other leg's order stands."""
    flat = leg([5.0, 5.0, 5.0], [1, 2, 3] if name != "rrf" else [0, 0, 0], 0.0, 5.0, 0.0)
    fused = FUSIONS[name]([flat, DENSE], [0.5, 0.5])
    assert np.isfinite(fused).all()
    assert list(np.argsort(-fused)) == [1, 2, 0]


@pytest.mark.parametrize("name", FUSIONS)
def test_a_score_that_is_unknown_is_no_better_than_the_last_of_the_list(name):
    """Absence never helps."""
    unknown = leg([NAN, 0.6, 0.4], [0, 1, 2], -1.0)
    fused = FUSIONS[name]([unknown], [1.0])
    assert fused[0] <= fused[2] + 1e-12


@pytest.mark.parametrize("name", FUSIONS)
def test_a_weight_of_zero_silences_a_leg(name):
    """Whatever it holds."""
    fused = FUSIONS[name]([LEXICAL, DENSE], [1.0, 0.0])
    assert fused == pytest.approx(FUSIONS[name]([LEXICAL], [1.0]))


def test_unknown_names_are_refused():
    """With the names there are."""
    with pytest.raises(ConfigurationError, match="corpus_z, tmm"):
        fusion.resolve("magic")
