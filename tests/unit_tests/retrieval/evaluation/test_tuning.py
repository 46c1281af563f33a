"""Tuning on the user's own queries: moves when it must, stays when in doubt."""

import random

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, SearchConfig
from langchain_switchyard.retrieval.evaluation.tuning import tune

WORDS = [f"w{chr(97 + a)}{chr(97 + b)}" for a in range(20) for b in range(20)]


@pytest.fixture(scope="module")
def judged():
    """Documents, and queries of five of their words."""
    rng = random.Random(2)
    texts = {str(number): rng.sample(WORDS, 25) for number in range(120)}
    documents = [Document(id=name, page_content=" ".join(text)) for name, text in texts.items()]
    queries = {name: " ".join(rng.sample(text, 5)) for name, text in texts.items()}
    return documents, queries, {name: {name: 1} for name in queries}


def test_a_useless_leg_loses_its_weight(judged):
    """The held-out half confirms the gain."""
    documents, queries, judgements = judged
    config = SearchConfig(vector_weight=0.9, keyword_weight=0.1, fusion="corpus_z")
    retriever = HybridRetriever.from_documents(
        documents, DeterministicFakeEmbedding(size=16), config=config
    )
    result = tune(retriever, queries, judgements, weights=(0.0, 0.5, 0.9))
    assert result.weight == 0.0
    assert result.config.vector_weight == 0.0
    assert result.gain.low > 0
    assert result.chosen_on + result.held_out == 120
    assert set(result.tried) == {0.0, 0.5, 0.9}


def test_without_a_clear_gain_nothing_moves(judged, embeddings):
    """The own configuration stays, and the gain is exactly nothing."""
    documents, queries, judgements = judged
    retriever = HybridRetriever.from_documents(documents, embeddings)
    result = tune(retriever, queries, judgements, weights=(0.5, 0.6))
    assert result.weight is None
    assert result.config == retriever.config
    assert result.gain.mean == 0


def test_too_few_queries_or_legs_are_refused(judged, embeddings):
    """The message says what is missing."""
    documents, queries, judgements = judged
    retriever = HybridRetriever.from_documents(documents[:5], embeddings)
    few = dict(list(queries.items())[:20])
    with pytest.raises(ConfigurationError, match="50"):
        tune(retriever, few, judgements)
    with pytest.raises(ConfigurationError, match="no dense leg"):
        tune(HybridRetriever.from_documents(documents[:5]), queries, judgements)
