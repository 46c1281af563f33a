"""LangChain's own retriever suite, with and without a dense leg; nothing overridden."""

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_tests.integration_tests import RetrieversIntegrationTests

from langchain_switchyard.retrieval import Index
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
