"""The measures: by hand, and held against ir-measures (trec_eval's own code)."""

import math
import sys

import ir_measures
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.evaluation.measures import STANDARD, score, score_one

OURS = {
    "ndcg@10": "nDCG@10",
    "ndcg@3": "nDCG@3",
    "ndcg": "nDCG",
    "recall@10": "R@10",
    "recall@100": "R@100",
    "mrr@10": "RR@10",
    "mrr": "RR",
    "map": "AP",
    "map@5": "AP@5",
    "precision@5": "P@5",
}
IDS = st.sampled_from([f"文档-{n}" for n in range(6)] + [f"d{n}" for n in range(14)])
GRADES = st.dictionaries(IDS, st.integers(-1, 5), min_size=1).filter(
    lambda grades: any(grade > 0 for grade in grades.values())
)
RANKING = st.lists(IDS, unique=True, max_size=20)


@given(st.lists(st.tuples(RANKING, GRADES), min_size=1, max_size=4))
@example([([], {"d0": 1})])
@example([(["d1", "d0"], {"d0": 5, "d1": 5, "d2": 0, "d3": -1})])
@settings(max_examples=150, deadline=None)
def test_our_figures_are_those_of_ir_measures(judged):
    """Graded, negative and equal grades, unjudged documents, empty rankings, Chinese ids."""
    rankings = {f"问{n}": ids for n, (ids, _) in enumerate(judged)}
    qrels = {f"问{n}": grades for n, (_, grades) in enumerate(judged)}
    run = {q: {d: -float(place) for place, d in enumerate(ids)} for q, ids in rankings.items()}
    theirs = {
        (found.query_id, str(found.measure)): found.value
        for found in ir_measures.iter_calc(
            [ir_measures.parse_measure(name) for name in OURS.values()], qrels, run
        )
    }
    both = score(rankings, qrels, list(OURS))
    for name, their_name in OURS.items():
        for place, query in enumerate(rankings):
            relevant = {d: grade for d, grade in qrels[query].items() if grade > 0}
            expected = theirs[query, their_name]
            assert score_one(name, rankings[query], relevant) == pytest.approx(expected, abs=1e-9)
            assert both[name][place] == pytest.approx(expected, abs=1e-9)


@given(RANKING, GRADES)
@settings(max_examples=50, deadline=None)
def test_with_and_without_the_extra_the_figures_are_the_same(ids, grades):
    """Whoever installs it later finds nothing changed."""
    installed = score({"1": ids}, {"1": grades}, STANDARD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ir_measures", None)
        bare = score({"1": ids}, {"1": grades}, STANDARD)
    assert list(installed) == list(bare) == list(STANDARD)
    for name in STANDARD:
        np.testing.assert_allclose(installed[name], bare[name], atol=1e-9)


def test_measures_by_hand():
    """Relevant at places 2 and 3; one relevant document is not found."""
    found = score({"1": ["x", "a", "b"]}, {"1": {"a": 1, "b": 1, "c": 1}}, STANDARD)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found["ndcg@10"][0] == pytest.approx((1 / math.log2(3) + 1 / 2) / ideal)
    assert found["recall@10"][0] == pytest.approx(2 / 3)
    assert found["mrr@10"][0] == 0.5
    assert found["map"][0] == pytest.approx((1 / 2 + 2 / 3) / 3)


def test_a_document_that_comes_twice_counts_once():
    """Nobody gains by repeating."""
    grades = {"1": {"a": 1, "b": 1}}
    names = [*STANDARD, "precision@2"]
    assert score({"1": ["a", "a"]}, grades, names) == score({"1": ["a"]}, grades, names)


def test_fractions_of_a_grade_count_as_they_are():
    """trec_eval knows whole grades only: such judgements are measured by our own code."""
    found = score({"1": ["b", "a"]}, {"1": {"a": 0.5, "b": 0.25}}, ["ndcg@10"])
    expected = (0.25 + 0.5 / math.log2(3)) / (0.5 + 0.25 / math.log2(3))
    assert found["ndcg@10"][0] == pytest.approx(expected)


def test_other_measures_come_from_ir_measures():
    """In its own words; unknown ones and those it cannot compute are refused by name."""
    found = score({"1": ["x", "a"]}, {"1": {"a": 1}}, ["P@2", "Rprec", "nDCG@10", "mrr"])
    assert [values[0] for values in found.values()] == [0.5, 0.0, 1 / math.log2(3), 0.5]
    with pytest.raises(ConfigurationError, match="no such measure: 'elegance@10'"):
        score({"1": ["a"]}, {"1": {"a": 1}}, ["elegance@10"])
    with pytest.raises(ConfigurationError, match="whole grades"):
        score({"1": ["a"]}, {"1": {"a": 0.5}}, ["Rprec"])


def test_other_measures_without_ir_measures_name_the_extra(monkeypatch):
    """The message says what to install, and for which measure."""
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(MissingExtra, match=r"'Rprec'.*\[evaluation\]"):
        score({"1": ["a"]}, {"1": {"a": 1}}, ["map", "Rprec"])


@pytest.mark.parametrize("name", ["recall", "precision"])
def test_a_measure_that_needs_a_cutoff_says_so(name):
    """Recall of everything is 1, and precision of everything tells the size."""
    with pytest.raises(ConfigurationError, match=f"{name}@10"):
        score({"1": ["a"]}, {"1": {"a": 1}}, [name])


def test_a_huge_grade_is_measured_without_trec_eval_s_table():
    """It would be as long as the grade is high."""
    found = score({"1": ["b", "a"]}, {"1": {"a": 10**12, "b": 1}}, ["ndcg@10"])
    assert found["ndcg@10"][0] == pytest.approx(1 / math.log2(3), abs=1e-6)
