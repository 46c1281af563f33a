"""Filters as a tree: the same answers as our own index gives, on random documents and filters."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.retrieval.storage.conditions import condition, facets, holds

KEYS = st.sampled_from(["a", "b.c", "键", "q'"])
SCALARS = st.one_of(
    st.sampled_from(["x", "y", "中文", ""]),
    st.integers(-3, 3),
    st.sampled_from([0.5, -1.5, 2.0]),
    st.booleans(),
    st.none(),
)
DAYS = st.sampled_from(
    [dt.date(2024, 5, 1), dt.datetime(2024, 5, 1, 8, tzinfo=dt.UTC), "2024-05-01"]
)
VALUES = st.one_of(SCALARS, DAYS, st.lists(SCALARS.filter(lambda v: v is not None), max_size=3))
ORDERED = st.one_of(
    st.sampled_from(["x", "中"]), st.integers(-2, 2), st.sampled_from([0.5, 1.5]), DAYS
)
CLAUSES = st.one_of(
    st.builds(lambda v: v, st.one_of(SCALARS, DAYS)),
    st.builds(lambda o, v: {o: v}, st.sampled_from(["$eq", "$ne"]), VALUES),
    st.builds(lambda o, v: {o: v}, st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, max_size=3)),
    st.builds(lambda o, v: {o: v}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), ORDERED),
    st.builds(lambda v: {"$exists": v}, st.booleans()),
    st.builds(
        lambda v: {"$contains": v}, st.one_of(st.sampled_from(["x", "文"]), st.integers(0, 2))
    ),
)
FILTERS = st.recursive(
    st.dictionaries(KEYS, CLAUSES, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"$and": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda parts: {"$or": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda part: {"$not": part}, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=6), FILTERS)
def test_conditions_mean_what_filters_mean(metadata, wanted):
    """Our own index answers by columns, the engines by facets: the documents are the same."""
    documents = [
        Document(id=str(number), page_content="word", metadata=each)
        for number, each in enumerate(metadata)
    ]
    found = HybridRetriever.from_documents(documents, k=9).invoke("word", filter=wanted)
    tree = condition(wanted)
    passing = [d.id for d in documents if holds(tree, d.id, facets(d.metadata))]
    assert sorted(d.id for d in found) == passing


def test_dates_are_ordered():
    """As dates and as the ISO texts they are stored as."""
    held = facets({"day": dt.date(2024, 5, 1)})
    assert holds(condition({"day": {"$gt": dt.date(2024, 4, 30)}}), "x", held)
    assert holds(condition({"day": {"$lt": "2024-05-02"}}), "x", held)
    assert holds(condition({"day": dt.date(2024, 5, 1)}), "x", held)


def test_long_values_are_still_told_apart():
    """By their digest."""
    held = facets({"text": "长" * 5_000})
    assert all(len(facet) <= 200 for facet in held.exact)
    assert holds(condition({"text": "长" * 5_000}), "x", held)
    assert not holds(condition({"text": "长" * 4_999}), "x", held)


def test_keys_and_values_cannot_be_mistaken_for_each_other():
    """Facets are texts; what looks like one is not one."""
    held = facets({"a": "b", "c=1": 2})
    assert not holds(condition({"c": 1}), "x", held)
    assert not holds(condition({"a": '"b"'}), "x", held)
    assert not holds(condition({'"a"="b"': {"$exists": True}}), "x", held)
    assert not holds(condition({"a": {"$contains": '"b'}}), "x", held)


@pytest.mark.parametrize(
    "wrong",
    [
        "lang",
        {"$xor": []},
        {1: 2},
        {"$or": {"a": 1}},
        {"a": {"$regex": "x"}},
        {"a": {"$gt": None}},
        {"a": {"$in": "text"}},
        {"a": {"$in": None}},
        {"a": ["x", "y"]},
        {"a": {"$eq": "x", "y": 1}},
    ],
)
def test_malformed_filters_are_refused(wrong):
    """With the part that is wrong."""
    with pytest.raises(ConfigurationError):
        condition(wrong)
