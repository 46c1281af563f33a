"""What every reranker promises: copies with a score, in a stable order."""

import pytest
from langchain_core.documents import Document

from langchain_switchyard.retrieval.rerank.reranked import as_given, by_score, read_text


@pytest.fixture
def documents():
    """Three, of which two share their text."""
    return [
        Document(id="a", page_content="same", metadata={"source": "1"}),
        Document(id="b", page_content="same", metadata={"source": "2", "relevance_score": 0.1}),
        Document(id="c", page_content="其他", metadata={}),
    ]


def test_best_first_with_ids_metadata_and_score(documents):
    """Nothing of a document is lost; the score stands where LangChain's rerankers write it."""
    ranked = by_score(documents, [0.1, 0.9, 0.5], None)
    assert [each.id for each in ranked] == ["b", "c", "a"]
    assert ranked[0].metadata == {"source": "2", "relevance_score": 0.9}
    assert ranked[2].metadata == {"source": "1", "relevance_score": 0.1}


def test_the_given_documents_stay_as_they_are(documents):
    """They may be in somebody's cache."""
    before = [each.model_dump() for each in documents]
    ranked = by_score(documents, [1.0, 2.0, 3.0], None)
    kept = as_given(documents, None, [])
    assert [each.model_dump() for each in documents] == before
    assert not {id(each) for each in [*ranked, *kept]} & {id(each) for each in documents}


def test_equal_scores_keep_the_given_order(documents):
    """A reranker without an opinion changes nothing."""
    assert [each.id for each in by_score(documents, [1.0, 1.0, 1.0], None)] == ["a", "b", "c"]


def test_a_score_that_is_no_number_comes_last(documents):
    """NaN compares to nothing: sorted naively it would scramble the rest."""
    ranked = by_score(documents, [float("nan"), -5.0, 2.0], None)
    assert [each.id for each in ranked] == ["c", "b", "a"]


@pytest.mark.parametrize(("top_n", "count"), [(1, 1), (3, 3), (9, 3), (None, 3)])
def test_top_n_is_the_most_that_comes_back(documents, top_n, count):
    """Also where there are fewer, and where nothing was scored."""
    assert len(by_score(documents, [1.0, 2.0, 3.0], top_n)) == count
    assert [each.id for each in as_given(documents, top_n, [])] == ["a", "b", "c"][:count]


def test_headings_are_read_with_the_text():
    """A passage of a section is about the section's title."""
    document = Document(page_content="上限为百分之三十。", metadata={"heading": "合同法 > 违约金"})
    assert read_text(document) == "合同法\n违约金\n上限为百分之三十。"
