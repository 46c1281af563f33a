"""Feedback adds words of the first results, and never loses the question."""

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, PseudoRelevanceFeedback, QueryRewrite


@pytest.fixture
def retriever():
    """Two about one subject, one about another."""
    texts = ["cats purr and nap", "cats purr loudly", "trains have flanged wheels", "违约金与定金"]
    return HybridRetriever.from_documents([Document(page_content=text) for text in texts])


async def test_words_the_first_results_share_are_added(retriever):
    """The question comes first, and weighs double in the second query."""
    rewrite = PseudoRelevanceFeedback(retriever, documents=2, terms=1)
    expected = ["cats", "cats cats purr"]
    assert rewrite.rewrite("cats") == expected
    assert await rewrite.arewrite("cats") == expected
    assert isinstance(rewrite, QueryRewrite)


def test_chinese_words_are_added_as_pairs(retriever):
    """Single characters would match anything."""
    _, expanded = PseudoRelevanceFeedback(retriever, terms=20).rewrite("违约")
    assert "定金" in expanded.split()
    assert all(len(word) > 1 for word in expanded.split())


def test_nothing_found_adds_nothing(retriever):
    """The question stays as it is."""
    assert PseudoRelevanceFeedback(retriever).rewrite("quantum") == ["quantum"]


@pytest.mark.parametrize("options", [{"documents": 0}, {"terms": 0}])
def test_numbers_below_one_are_refused(retriever, options):
    """Where the mistake is made."""
    with pytest.raises(ConfigurationError):
        PseudoRelevanceFeedback(retriever, **options)
