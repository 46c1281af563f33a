"""Metadata filters: every operator, dates, missing keys, mistakes."""

import datetime as dt

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import Index

DAY = dt.date(2020, 1, 1)
METADATA = {
    "a": {"n": 1, "lang": "zh", "ok": True, "tags": ["x", "y"], "名": "甲"},
    "b": {"n": 2.5, "lang": "en", "ok": False, "tags": []},
    "c": {"n": "2", "lang": None, "day": DAY, "map": {"day": DAY}, "days": [DAY]},
    "d": {"day": dt.datetime(2022, 1, 1, 12, tzinfo=dt.UTC)},
}


@pytest.fixture(scope="module")
def index():
    """Four documents."""
    index = Index()
    index.add_documents(
        Document(id=name, page_content=name, metadata=data) for name, data in METADATA.items()
    )
    return index


def passing(index, wanted):
    """Ids that pass, as one string."""
    mask = index.mask(wanted)
    rows = index.catalog.rows_of(list("abcd"))
    return "".join(name for name in "abcd" if name in rows and mask[rows[name]])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"lang": "zh"}, "a"),
        ({"名": "甲"}, "a"),
        ({"n": 1}, "a"),
        ({"n": "2"}, "c"),
        ({"ok": True}, "a"),
        ({"n": {"$gt": 1}}, "b"),
        ({"n": {"$gte": 1, "$lt": 2}}, "a"),
        ({"lang": {"$in": ["zh", "en"]}}, "ab"),
        ({"lang": {"$nin": ["zh"]}}, "bcd"),
        ({"lang": {"$ne": "zh"}}, "bcd"),
        ({"n": {"$exists": True}}, "abc"),
        ({"n": {"$exists": False}}, "d"),
        ({"tags": {"$contains": "x"}}, "a"),
        ({"lang": "zh", "n": 2.5}, ""),
        ({"$or": [{"lang": "zh"}, {"n": 2.5}]}, "ab"),
        ({"$and": [{"lang": "zh"}, {"n": 1}]}, "a"),
        ({"$not": {"lang": "zh"}}, "bcd"),
        ({"absent": 1}, ""),
        ({"lang": None}, "cd"),
        ({"day": DAY}, "c"),
        ({"day": "2020-01-01"}, "c"),
        ({"day": {"$in": [DAY, "2022-01-01T12:00:00+00:00"]}}, "cd"),
        ({"day": {"$gte": dt.date(2021, 1, 1)}}, "d"),
        ({"day": {"$lt": dt.datetime(2022, 1, 1, 13, tzinfo=dt.UTC)}}, "cd"),
        ({"day": {"$gt": 2019}}, ""),
        ({"map": {"day": DAY}}, "c"),
        ({"days": {"$contains": DAY}}, "c"),
        ({"$or": []}, "abcd"),
    ],
)
def test_operators(index, wanted, expected):
    """One by one."""
    assert passing(index, wanted) == expected


def test_no_filter_is_no_mask(index):
    """Nothing to compute."""
    assert index.mask(None) is None
    assert index.mask({}) is None


@pytest.mark.parametrize("wrong", [{"$xor": []}, {"n": {"$near": 1}}, ["lang"], {'a"b': 1}])
def test_mistakes_are_named(index, wrong):
    """Rather than matching nothing in silence."""
    with pytest.raises(ConfigurationError):
        index.mask(wrong)


def test_columns_follow_later_writes():
    """New documents and new values."""
    index = Index()
    index.add_documents([Document(id="a", page_content="x", metadata={"n": 1})])
    assert passing(index, {"n": 1}) == "a"
    index.add_documents([Document(id="b", page_content="x", metadata={"n": 1})])
    index.add_documents([Document(id="a", page_content="x", metadata={"n": 7})])
    assert passing(index, {"n": 1}) == "b"
    assert passing(index, {"n": 7}) == "a"
