"""LangChain's own suites for retrievers and embeddings; nothing overridden."""

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests

from langchain_switchyard.retrieval import BatchedEmbeddings, Index
from langchain_switchyard.retrieval.hybrid import HybridRetriever

# Three documents match, as the suite asks for exactly three: no match would rightly be no result.
TEXTS = ["an example query", "another query, for example", "the third example", "例子"]


def filled(embeddings=None):
    """An index of the texts."""
    index = Index(embeddings=embeddings)
    index.add_documents(Document(page_content=text) for text in TEXTS)
    return index


class TestLexicalRetriever(RetrieversIntegrationTests):
    """Without embeddings."""

    @property
    def retriever_constructor(self):
        """The class under test."""
        return HybridRetriever

    @property
    def retriever_constructor_params(self):
        """Its arguments."""
        return {"index": filled()}

    @property
    def retriever_query_example(self):
        """Known words."""
        return "example query"


class TestHybridRetriever(TestLexicalRetriever):
    """With both legs."""

    @property
    def retriever_constructor_params(self):
        """Its arguments."""
        return {"index": filled(DeterministicFakeEmbedding(size=6))}


class TestBatchedEmbeddings(EmbeddingsIntegrationTests):
    """Shared batches behave like any embeddings."""

    @property
    def embeddings_class(self):
        """The class under test."""
        return BatchedEmbeddings

    @property
    def embedding_model_params(self):
        """Its arguments."""
        return {"model": DeterministicFakeEmbedding(size=6)}


class TestBatchedEmbeddingsUnit(EmbeddingsUnitTests):
    """And are constructed like them."""

    @property
    def embeddings_class(self):
        """The class under test."""
        return BatchedEmbeddings

    @property
    def embedding_model_params(self):
        """Its arguments."""
        return {"model": DeterministicFakeEmbedding(size=6)}
