"""Local models: what is said when the library or the model is missing."""

import sys
import types

import pytest

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.dense.local_embeddings import LocalEmbeddings


def test_a_missing_library_names_the_extra(monkeypatch):
    """The command to type is in the message."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[local-embeddings\]"):
        LocalEmbeddings("some/model")


def test_a_model_that_is_not_here_is_not_downloaded(monkeypatch):
    """Unless asked; the message says how."""
    asked = {}

    def offline(name, **options):
        asked.update(options)
        raise OSError("not in the local cache")

    library = types.SimpleNamespace(SentenceTransformer=offline)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    with pytest.raises(ConfigurationError, match="download=True"):
        LocalEmbeddings("some/model")
    assert asked["local_files_only"] is True
