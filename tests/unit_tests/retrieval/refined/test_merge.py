"""Lists become candidates and documents become hits: nothing is lost, nothing comes twice."""

import math

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from langchain_switchyard.retrieval.hit import Hit, SearchResult
from langchain_switchyard.retrieval.refined.merge import finished, merge, to_rerank

LISTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=4)


def result(names):
    """Hits by id, best first."""
    return SearchResult(
        Hit(Document(id=name, page_content=name), 10.0 - at, at + 1)
        for at, name in enumerate(names)
    )


@given(LISTS)
def test_every_document_is_there_once_at_its_best_places(lists):
    """Whatever the lists hold, repetitions and empty ones included."""
    merged = merge([result(names) for names in lists])
    assert sorted(each.hit.id for each in merged) == sorted({n for names in lists for n in names})
    for candidate in merged:
        for names, rank in zip(lists, candidate.ranks, strict=True):
            unique = list(dict.fromkeys(names))
            expected = unique.index(candidate.hit.id) + 1 if candidate.hit.id in unique else 0
            assert rank == expected
    scores = [each.hit.score for each in merged]
    assert scores == sorted(scores, reverse=True)


@given(LISTS)
def test_the_fused_score_is_the_sum_of_reciprocal_ranks(lists):
    """With the customary 60; a single list keeps its own scores."""
    merged = merge([result(names) for names in lists])
    for candidate in merged:
        expected = sum(1 / (60 + rank) for rank in candidate.ranks if rank)
        if len(lists) > 1:
            assert math.isclose(candidate.hit.score, expected)
        else:
            assert candidate.hit.score == 10.0 - lists[0].index(candidate.hit.id)


@given(LISTS, st.integers(1, 6), st.randoms())
def test_any_order_of_a_compressor_becomes_hits_with_clean_metadata(lists, k, random):
    """At most k, ranked from 1, and no score of the first search left in them."""
    candidates = merge([result(names) for names in lists])
    documents = to_rerank(candidates)
    assert all("relevance_score" not in each.hit.document.metadata for each in candidates)
    random.shuffle(documents)
    hits = finished(candidates, documents, k, "Shuffles")
    assert [hit.id for hit in hits] == [document.id for document in documents[:k]]
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(hit.document.metadata == {} for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_document_of_its_own_metadata_gets_it_back():
    """A score that was the caller's own is the caller's still."""
    own = Document(id="a", page_content="a", metadata={"relevance_score": 0.25})
    candidates = merge([SearchResult([Hit(own, 3.0, 1)])])
    (hit,) = finished(candidates, to_rerank(candidates), 1, "Keeps")
    assert hit.document.metadata == {"relevance_score": 0.25}
    assert hit.score == 3.0


def test_a_score_that_is_no_number_is_nobody_s_score():
    """A word in that place stays the document's, and the order decides."""
    candidates = merge([result("ab")])
    graded = [
        each.hit.document.model_copy(update={"metadata": {"relevance_score": "high"}})
        for each in reversed(candidates)
    ]
    hits = finished(candidates, graded, 5, "Grades")
    assert [(hit.id, hit.score) for hit in hits] == [("b", 1.0), ("a", 0.5)]
    assert hits[0].document.metadata == {"relevance_score": "high"}


def test_what_a_compressor_makes_up_or_shortens_is_a_hit_too():
    """Without a way to tell of; never an error."""
    candidates = merge([result("ab")])
    made = [Document(page_content="a summary"), Document(id="b", page_content="shorter")]
    hits = finished(candidates, made, 5, "Summary")
    assert [(hit.text, hit.score) for hit in hits] == [("a summary", 1.0), ("shorter", 0.5)]
    assert "it was #2" in hits[1].explanation
