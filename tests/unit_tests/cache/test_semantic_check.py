"""What is given as a semantic level."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_switchyard.cache.policy import CachePolicy, Degradation
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.semantic import NgramEmbeddings, SemanticCache
from langchain_switchyard.errors import ConfigurationError
from tests.unit_tests.cache.builders import yard

SIMILAR = CachePolicy(degradation=Degradation(mode="similar"))


@pytest.mark.parametrize("given", [NgramEmbeddings(), SemanticCache, object(), "semantic", True])
def test_what_is_no_semantic_level_is_refused_with_what_to_write(given: Any) -> None:
    """Embeddings above all."""
    with pytest.raises(ConfigurationError, match=r"SemanticCache\(embeddings\)"):
        ResponseCache(semantic=given)


def test_similar_answers_in_an_outage_need_a_semantic_level() -> None:
    """Said when the cache is made, not when everybody has failed."""
    with pytest.raises(ConfigurationError, match="no semantic level"):
        ResponseCache(policy=SIMILAR)
    assert ResponseCache(policy=SIMILAR, semantic=SemanticCache()).policy is SIMILAR


def test_an_empty_conversation_is_no_question() -> None:
    """The model may say what it thinks of it."""
    router, model = yard(ResponseCache(semantic=SemanticCache()), "hm?")
    assert router.invoke([]).content == "hm?"
    assert len(model.calls) == 1


@pytest.mark.parametrize("given", [None, 5, "", "x", b"id"])
def test_what_is_no_hit_id_was_never_served(given: Any) -> None:
    """And is no error."""
    assert not ResponseCache(semantic=SemanticCache()).report_wrong(given)
