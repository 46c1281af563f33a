"""The lexical leg against the formula and against rank-bm25, through adds and deletes."""

import math
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical import lexical_index as lexical_module
from langchain_switchyard.retrieval.lexical import scorer
from langchain_switchyard.retrieval.lexical.bm25 import BM25
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.segment import term_key
from langchain_switchyard.retrieval.lexical.tail import Tail


class Words:
    """White space only, so that tests see through it."""

    name = "words/1"

    def tokens(self, text):
        """Split."""
        return text.split()


def reference(documents, query, k1=1.2, b=0.75):
    """The formula, written out slowly: ``row -> score`` of documents with a common term."""
    tokenised = {row: text.split() for row, text in documents.items()}
    count = len(tokenised)
    mean = sum(map(len, tokenised.values())) / max(count, 1)
    containing = Counter(term for words in tokenised.values() for term in set(words))
    scores = {}
    for row, words in tokenised.items():
        frequency, total = Counter(words), 0.0
        for term, repeated in Counter(query.split()).items():
            df = containing[term]
            tf = frequency[term]
            norm = k1 * (1 - b + b * len(words) / mean) if mean else 0.0
            if tf:
                idf = math.log(1 + (count - df + 0.5) / (df + 0.5))
                total += repeated * idf * (k1 + 1) * tf / (tf + norm)
        if total:
            scores[row] = total
    return scores


def found(index, query):
    """What the index says: ``row -> score``."""
    match = index.match(query)
    if match is None:
        return {}
    rows, scores = match.top(10_000)
    assert list(scores) == sorted(scores, reverse=True)
    return dict(zip(rows.tolist(), scores.tolist(), strict=True))


WORD = st.sampled_from(["a", "b", "c", "d", "e", "f", "甲", "乙", "丙"])
TEXT = st.lists(WORD, max_size=12).map(" ".join)
STEP = st.one_of(
    st.tuples(st.just("add"), TEXT),
    st.tuples(st.just("delete"), st.integers(0, 60)),
    st.just(("freeze", None)),
    st.just(("settle", None)),
    st.just(("optimize", None)),
)


def apply(index, alive, row, step):
    """Run one step on index and model; return the next row."""
    name, value = step
    if name == "add":
        index.add([row], [value])
        alive[row] = value
        return row + 1
    if name == "delete" and value in alive:
        index.delete(value, index.terms(alive.pop(value)))
    elif name == "freeze":
        index.freeze()
    elif name in ("settle", "optimize"):
        index.settle(everything=name == "optimize")
    return row


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=60), TEXT)
def test_scores_follow_the_formula_after_any_history(steps, query):
    """Adds, deletes, freezes and merges in any order change no score by more than 1e-6."""
    index, alive, row = LexicalIndex(Words()), {}, 1
    for step in steps:
        row = apply(index, alive, row, step)
    expected = reference(alive, query)
    assert found(index, query) == pytest.approx(expected, abs=1e-6)
    assert len(index) == len(alive)


def test_ten_thousand_random_operations_leave_exact_scores(monkeypatch):
    """With small tails, so that many merges happen on the way."""
    monkeypatch.setattr(lexical_module, "TAIL_LIMIT", 50)
    rng = np.random.default_rng(5)
    words = [f"w{number}" for number in range(300)]
    index, alive = LexicalIndex(Words()), {}
    for row in range(1, 10_001):
        if alive and rng.random() < 0.4:
            victim = int(rng.choice(list(alive)))
            index.delete(victim, index.terms(alive.pop(victim)))
        else:
            text = " ".join(rng.choice(words, rng.integers(1, 20)))
            index.add([row], [text])
            alive[row] = text
        index.settle()
    assert len(index.segments) < 10
    for _ in range(20):
        query = " ".join(rng.choice(words, 4))
        assert found(index, query) == pytest.approx(reference(alive, query), abs=1e-6)


def test_rank_bm25_agrees_where_its_idf_is_the_same():
    """rank-bm25's Okapi scores, with its idf exchanged for Lucene's, are ours."""
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(list("abcdefghij"), rng.integers(3, 30))) for _ in range(200)]
    peer = BM25Okapi([text.split() for text in texts], k1=1.2, b=0.75)
    index = LexicalIndex(Words())
    index.add(range(200), texts)
    for term in peer.idf:
        df = sum(term in text.split() for text in texts)
        peer.idf[term] = BM25().idf(200, df)
    for query in ("a b", "c c d", "j"):
        ours = index.match(query).scores_of(np.arange(200))
        assert ours == pytest.approx(peer.get_scores(query.split()), abs=1e-6)


def test_unknown_terms_find_nothing():
    """No list at all, rather than arbitrary documents."""
    index = LexicalIndex(Words())
    index.add([1, 2], ["a b", "c"])
    assert index.match("zzz") is None
    assert LexicalIndex(Words()).match("a") is None


def test_a_bulk_load_scores_like_single_adds():
    """The layout must not show."""
    texts = [f"w{number % 7} w{number % 11} w{number % 13}" for number in range(2_500)]
    bulk, single = LexicalIndex(Words()), LexicalIndex(Words())
    bulk.add(range(1, 2_501), texts)
    for row, text in enumerate(texts, start=1):
        single.add([row], [text])
    single.settle()
    assert found(bulk, "w1 w3") == pytest.approx(found(single, "w1 w3"), abs=1e-9)


def test_deleting_twice_or_a_stranger_changes_nothing():
    """Deletes are idempotent."""
    index = LexicalIndex(Words())
    index.add([1, 2], ["a b", "a"])
    for _ in range(2):
        index.delete(1, index.terms("a b"))
    index.delete(77, index.terms("a"))
    assert len(index) == 1
    assert found(index, "a") == pytest.approx(reference({2: "a"}, "a"))


def test_merging_drops_the_dead_and_says_which():
    """Their tombstones can go, too."""
    index = LexicalIndex(Words())
    index.add([1, 2, 3], ["a", "b", "a c"])
    index.delete(2, index.terms("b"))
    assert index.settle(everything=True) == [2]
    assert [segment.size for segment in index.segments] == [2]
    assert index.match("b") is None


def test_common_terms_are_skipped_only_when_asked_and_large(monkeypatch):
    """Small collections and exact indexes score every term."""
    texts = ["common rare" if number % 50 == 0 else "common" for number in range(500)]
    quick, exact = LexicalIndex(Words()), LexicalIndex(Words(), exact=True)
    for index in (quick, exact):
        index.add(range(500), texts)
    assert quick.match("common rare").skipped == ()
    monkeypatch.setattr(scorer, "_SKIP_FROM", 100)
    assert quick.match("common rare").skipped == ("common",)
    assert quick.match("common").skipped == ()
    assert exact.match("common rare").skipped == ()


def test_a_filter_is_applied_before_the_choice():
    """The best of the allowed, not the allowed of the best."""
    index = LexicalIndex(Words())
    index.add(range(1, 301), ["a " * (301 - row) for row in range(1, 301)])
    allowed = np.zeros(301, bool)
    allowed[[150, 299]] = True
    rows, _ = index.match("a").top(5, allowed)
    assert sorted(rows.tolist()) == [150, 299]


def test_statistics_cover_all_live_documents():
    """Zeros of documents without a common term included."""
    index = LexicalIndex(Words())
    index.add([1, 2, 3, 4], ["a", "a b", "c", "a"])
    index.delete(4, index.terms("a"))
    scores = reference({1: "a", 2: "a b", 3: "c"}, "a")
    values = [scores.get(row, 0.0) for row in (1, 2, 3)]
    match = index.match("a")
    assert match.mean == pytest.approx(np.mean(values))
    assert match.deviation == pytest.approx(np.std(values))


def test_impossible_parameters_are_refused():
    """At construction, not at the first query."""
    with pytest.raises(ConfigurationError):
        BM25(k1=-1)
    with pytest.raises(ConfigurationError):
        BM25(b=1.5)


def test_a_writer_is_not_disturbed_by_those_who_read():
    """Looking at the postings of recent documents never makes an addition fail."""
    tail = Tail()
    for row in range(5_000):
        tail.add(row, ["word"])
    done = threading.Event()

    def read():
        while not done.is_set():
            tail.rows(5_000)
            tail.lengths(5_000)
            tail.postings(term_key("word"), 5_000)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for row in range(5_000, 8_000):
            tail.add(row, ["word"])
    finally:
        done.set()
        for reader in readers:
            reader.join()
    slots, counts = tail.postings(term_key("word"), 7_000)
    assert slots.tolist() == list(range(7_000))
    assert counts.tolist() == [1] * 7_000
