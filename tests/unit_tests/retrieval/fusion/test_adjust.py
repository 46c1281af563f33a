"""Recency and diversity on numbers one can check."""

import datetime as dt

import numpy as np
import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, SearchConfig
from langchain_switchyard.retrieval.fusion.adjust import Recency, diverse, recent
from langchain_switchyard.retrieval.fusion.dates import moment

NOW = dt.datetime(2025, 1, 31, tzinfo=dt.UTC)


def clock():
    """The same moment, always."""
    return NOW


def test_age_halves_the_share_every_half_life():
    """Dates of every accepted form, and none."""
    metadata = [
        {"date": dt.date(2025, 1, 31)},
        {"date": "2025-01-01T00:00:00+00:00"},
        {"date": dt.datetime(2025, 1, 1)},  # noqa: DTZ001 - a naive time is what is tested.
        {"date": dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp()},
        {},
        {"date": "soon"},
    ]
    found = recent(np.ones(6), metadata, Recency(half_life=30, share=0.5, clock=clock))
    assert found == pytest.approx([1, 0.75, 0.75, 0.75, 0.5, 0.5])


def test_the_future_is_not_rewarded():
    """A date ahead counts as today."""
    found = recent(np.ones(1), [{"date": "2030-01-01"}], Recency(clock=clock))
    assert found == pytest.approx([1])


def test_negative_scores_are_weakened_not_strengthened():
    """Fused scores may lie below zero."""
    metadata = [{"date": "2000-01-01"}, {"date": "2025-01-31"}]
    old, new = recent(np.array([-1.0, -1.0]), metadata, Recency(clock=clock))
    assert new > old


def test_the_last_candidate_can_rise():
    """Two pages that fit nearly alike: the new one first, whatever scale their scores are on."""
    metadata = [{"date": "2015-01-01"}, {"date": "2025-01-30"}]
    for scores in ([2.0, 1.8], [1.1, 0.9], [0.016, 0.0155]):
        old, new = recent(np.array(scores), metadata, Recency(clock=clock))
        assert new > old
    old, new = recent(np.array([1.0, -1.0]), metadata, Recency(share=0.9, clock=clock))
    assert new > old
    old, new = recent(np.array([2.0, 0.1]), metadata, Recency(clock=clock))
    assert old > new


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2023-05-01", "2023-05-01"),
        ("2023/05/01", "2023-05-01"),
        ("2023/5/1 08:30", "2023-05-01"),
        ("2023年5月1日", "2023-05-01"),
        ("2023 年 5 月 1 日 星期一", "2023-05-01"),
        ("2023.5.1", "2023-05-01"),
        ("20230501", "2023-05-01"),
        (dt.date(2023, 5, 1), "2023-05-01"),
        (1_700_000_000, "2023-11-14"),
        (1_700_000_000_000, "2023-11-14"),
        (1_700_000_000_000_000_000, "2023-11-14"),
        (1e25, None),
        (float("nan"), None),
        (-1e25, None),
        (True, None),
        ("2023年13月1日", None),
        ("now", None),
        (None, None),
    ],
)
def test_dates_are_read_as_people_and_machines_write_them(written, day):
    """What is none counts as undated, and never fails a search."""
    found = moment(written)
    assert (None if found is None else found.date().isoformat()) == day


def test_copies_come_after_everything_that_is_none():
    """However relevant they are, and however little difference counts."""
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0.9, 0.435], [0, 1]], np.float32)
    relevance = np.array([1.0, 0.99, 0.98, 0.5, 0.1])
    assert diverse(relevance, vectors, 5, 0.9) == [0, 3, 4, 1, 2]
    assert diverse(relevance, vectors, 3, 1.0) == [0, 1, 2]


def test_diversity_passes_over_a_copy():
    """The second best is a twin of the best; the third is something else."""
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    relevance = np.array([1.0, 0.9, 0.5])
    assert diverse(relevance, vectors, 2, 0.5) == [0, 2]
    assert diverse(relevance, vectors, 2, 1.0) == [0, 1]
    assert sorted(diverse(relevance, vectors, 9, 0.5)) == [0, 1, 2]


def test_impossible_values_are_refused():
    """At once."""
    with pytest.raises(ConfigurationError):
        Recency(half_life=0)
    with pytest.raises(ConfigurationError):
        diverse(np.ones(1), np.ones((1, 1), np.float32), 1, 2)


def test_a_retriever_prefers_the_newer_of_two_equal_texts():
    """When asked to."""
    texts = [
        Document(id="a-old", page_content="same text", metadata={"date": "2020-01-01"}),
        Document(id="b-new", page_content="same text", metadata={"date": "2025-01-30"}),
    ]
    config = SearchConfig(recency=Recency(clock=clock))
    plain = HybridRetriever.from_documents(texts)
    assert [hit.id for hit in plain.search("same")] == ["a-old", "b-new"]
    newer = HybridRetriever.from_documents(texts, config=config)
    assert [hit.id for hit in newer.search("same")] == ["b-new", "a-old"]


def test_a_retriever_passes_over_copies(embeddings):
    """The second hit says something else."""
    texts = [
        Document(id="1", page_content="apple pie recipe"),
        Document(id="2", page_content="apple pie recipe"),
        Document(id="3", page_content="apple tree in the garden"),
    ]
    plain = HybridRetriever.from_documents(texts, embeddings)
    assert [hit.id for hit in plain.search("apple pie", k=2)] == ["1", "2"]
    varied = HybridRetriever.from_documents(texts, embeddings, config=SearchConfig(diversity=0.8))
    assert [hit.id for hit in varied.search("apple pie", k=2)] == ["1", "3"]


def test_diversity_without_vectors_says_what_is_missing():
    """Rather than doing nothing."""
    texts = [Document(id="1", page_content="apple")]
    retriever = HybridRetriever.from_documents(texts, config=SearchConfig(diversity=0.5))
    with pytest.raises(ConfigurationError, match="embeddings"):
        retriever.search("apple")
