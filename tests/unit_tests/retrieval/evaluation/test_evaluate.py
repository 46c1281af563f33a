"""The evaluation kit on rankings one can check by hand."""

import math

import numpy as np
import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.retrieval.evaluation.evaluate import evaluate, interval, measures


def test_measures_by_hand():
    """Relevant at places 2 and 3; one relevant document is not found."""
    found = measures(["x", "a", "b"], {"a": 1, "b": 1, "c": 1})
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / 2) / ideal)
    assert found["recall@10"] == pytest.approx(2 / 3)
    assert found["mrr@10"] == 0.5
    assert found["map"] == pytest.approx((1 / 2 + 2 / 3) / 3)


def test_a_document_that_comes_twice_counts_once():
    """Nobody gains by repeating."""
    assert measures(["a", "a"], {"a": 1, "b": 1}) == measures(["a"], {"a": 1, "b": 1})


def test_grades_count():
    """The better document first is better."""
    grades = {"a": 3, "b": 1}
    assert measures(["a", "b"], grades)["ndcg@10"] == 1
    assert measures(["b", "a"], grades)["ndcg@10"] < 1


def test_a_retriever_is_measured_on_its_judged_queries():
    """Queries without judgements are left out."""
    texts = [Document(id=name, page_content=name) for name in ("apple", "pear")]
    retriever = HybridRetriever.from_documents(texts)
    queries = {"1": "apple", "2": "pear", "3": "unjudged"}
    result = evaluate(retriever, queries, {"1": {"apple": 1}, "2": {"apple": 1}, "3": {"x": 0}})
    assert result.queries == ("1", "2")
    assert result["recall@100"].mean == 0.5
    assert "ndcg@10" in str(result)


def test_differences_are_paired():
    """A constant gain has no spread, however much the queries differ."""
    queries = {str(number): str(number) for number in range(30)}
    judgements = {name: {name: 1} for name in queries}
    good = evaluate(lambda query: [query], queries, judgements)
    half = evaluate(lambda query: ["other", query], queries, judgements)
    gain = good.difference(half, "mrr@10")
    assert (gain.mean, gain.low, gain.high) == (0.5, 0.5, 0.5)
    with pytest.raises(ConfigurationError, match="same queries"):
        good.difference(evaluate(lambda query: [query], {"1": "1"}, judgements), "map")


def test_the_interval_holds_the_mean_and_is_the_same_every_time():
    """A fixed seed."""
    values = np.random.default_rng(1).random(200)
    found = interval(values)
    assert found.low < values.mean() < found.high
    assert interval(values) == found


def test_no_judged_query_is_an_error():
    """Most likely the ids do not fit."""
    with pytest.raises(ConfigurationError, match="ids"):
        evaluate(lambda _: [], {"1": "x"}, {"2": {"a": 1}})
