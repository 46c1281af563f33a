"""Engines that hold documents, words and vectors: PostgreSQL, Qdrant, Elasticsearch, OpenSearch.

``HybridRetriever.from_documents(documents, embeddings, backend=PostgresBackend(url))`` keeps
everything in the engine and searches it as it would search an index of our own. Importing this
loads no client.
"""

from langchain_switchyard.retrieval.backends.backend import (
    Backend,
    BackendError,
    Found,
    FusionUnsupported,
    NewDocument,
    StoredDocument,
)
from langchain_switchyard.retrieval.backends.backend_index import BackendIndex
from langchain_switchyard.retrieval.backends.elasticsearch import ElasticsearchBackend
from langchain_switchyard.retrieval.backends.postgres import PostgresBackend
from langchain_switchyard.retrieval.backends.qdrant import QdrantBackend
from langchain_switchyard.retrieval.backends.rank_bm25 import RankBM25Backend

__all__ = [
    "Backend",
    "BackendError",
    "BackendIndex",
    "ElasticsearchBackend",
    "Found",
    "FusionUnsupported",
    "NewDocument",
    "PostgresBackend",
    "QdrantBackend",
    "RankBM25Backend",
    "StoredDocument",
]
