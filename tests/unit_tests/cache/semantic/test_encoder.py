"""What an encoder says about itself."""

from __future__ import annotations

from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.cache.embeddings import CachedEmbeddings
from langchain_switchyard.cache.semantic import NgramEmbeddings, SemanticCache
from langchain_switchyard.cache.semantic.encoder import encoder_name


class Named(DeterministicFakeEmbedding):
    """As most of LangChain's: the name is a field."""

    model_name: str


def test_two_models_of_one_class_have_two_names():
    """And equal ones the same."""
    assert encoder_name(Named(size=3, model_name="a")) != encoder_name(
        Named(size=3, model_name="b")
    )
    assert encoder_name(Named(size=3, model_name="a")) == encoder_name(
        Named(size=3, model_name="a")
    )
    assert encoder_name(NgramEmbeddings(64)) != encoder_name(NgramEmbeddings(128))


def test_a_cached_model_is_named_by_what_it_was_given():
    """Its wrapper knows the model's name."""
    cached = [CachedEmbeddings(NgramEmbeddings(), name) for name in ("a", "b")]
    assert encoder_name(cached[0]) != encoder_name(cached[1])


def test_a_dialect_holds_no_secret():
    """Only names and dimensions."""
    encoder = Named(size=3, model_name="a")
    encoder.__dict__["api_key"] = "sk-secret"
    assert "sk-secret" not in SemanticCache(encoder).dialect
