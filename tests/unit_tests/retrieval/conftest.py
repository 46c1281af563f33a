"""Embedding models for tests: deterministic, and meaningful where a test needs meaning."""

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from langchain_switchyard.retrieval.lexical.segment import term_key
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer


class TermEmbeddings(Embeddings):
    """Adds one random direction per term: texts that share terms are near each other."""

    def __init__(self, dimensions=256):
        """Count calls, so that tests can ask what was embedded."""
        self.embedded = []
        self._dimensions = dimensions
        self._tokens = MixedTokenizer().tokens

    def embed_documents(self, texts):
        """Sum of the terms' directions."""
        self.embedded.extend(texts)
        return [self._vector(text) for text in texts]

    def embed_query(self, text):
        """The same for one text, not counted."""
        return self._vector(text)

    def _vector(self, text):
        total = np.full(self._dimensions, 1e-6)
        for term in self._tokens(text):
            total += np.random.default_rng(term_key(term)).normal(size=self._dimensions)
        return total.tolist()


@pytest.fixture
def embeddings():
    """A model that understands common terms."""
    return TermEmbeddings()
