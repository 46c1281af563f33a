"""Every backend that needs no server fulfils the same suite, our own index among them."""

import pytest

from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.retrieval.backends import ElasticsearchBackend, QdrantBackend
from langchain_switchyard.retrieval.backends.conformance import BackendConformance
from langchain_switchyard.retrieval.dense import graph_vectors
from tests.unit_tests.retrieval.backends.elasticsearch_loopback import Loopback


class TestIndexWithNumpy(BackendConformance):
    """Our own index, exact vectors."""

    @pytest.fixture
    def make(self):
        return lambda embeddings=None, **kwargs: HybridRetriever.from_documents(
            [], embeddings, **kwargs
        )


class TestIndexWithUsearch(BackendConformance):
    """Our own index, most vectors in a graph."""

    @pytest.fixture
    def make(self, monkeypatch):
        monkeypatch.setattr(graph_vectors, "_LATE", 2)
        return lambda embeddings=None, **kwargs: HybridRetriever.from_documents(
            [], embeddings, vector_store="usearch", **kwargs
        )


class TestIndexWithChroma(BackendConformance):
    """Our own index, vectors in Chroma."""

    @pytest.fixture
    def make(self):
        return lambda embeddings=None, **kwargs: HybridRetriever.from_documents(
            [], embeddings, vector_store="chroma", **kwargs
        )


class TestRankBM25(BackendConformance):
    """The reference package."""

    @pytest.fixture
    def make(self):
        return lambda embeddings=None, **kwargs: HybridRetriever.from_documents(
            [], embeddings, backend="rank_bm25", **kwargs
        )


class TestQdrantInMemory(BackendConformance):
    """Qdrant's embedded engine; the same client and requests as for a server."""

    orders_texts = False

    @pytest.fixture
    def make(self):
        return lambda embeddings=None, **kwargs: HybridRetriever.from_documents(
            [], embeddings, backend=QdrantBackend(":memory:"), **kwargs
        )


class TestElasticsearch(BackendConformance):
    """Elasticsearch's own client against a loopback server that refuses what it does not know."""

    dialect = "elasticsearch"

    @pytest.fixture
    def make(self):
        servers = []

        def make(embeddings=None, **kwargs):
            servers.append(Loopback(opensearch=self.dialect == "opensearch"))
            backend = ElasticsearchBackend(servers[-1].url, dialect=self.dialect)
            return HybridRetriever.from_documents([], embeddings, backend=backend, **kwargs)

        yield make
        for server in servers:
            server.close()
            assert server.refused == []


class TestOpenSearch(TestElasticsearch):
    """The same with OpenSearch's client and dialect."""

    dialect = "opensearch"
