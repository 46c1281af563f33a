"""Hybrid retrieval, Chinese and English, over documents that come and go.

``HybridRetriever`` replaces ``EnsembleRetriever([BM25Retriever, Chroma])``; ``Index`` keeps the
documents, in memory or in a folder; ``StructureSplitter`` and ``load_file`` make documents of
files. Importing this needs numpy (extra ``retrieval``) and loads no model, no store and no
dictionary.
"""

from langchain_switchyard.retrieval.backends import (
    BackendIndex,
    ElasticsearchBackend,
    PostgresBackend,
    QdrantBackend,
)
from langchain_switchyard.retrieval.dense.batched_embeddings import BatchedEmbeddings, Batching
from langchain_switchyard.retrieval.dense.local_embeddings import LocalEmbeddings
from langchain_switchyard.retrieval.dense.retrying import Retrying
from langchain_switchyard.retrieval.dense.vector_cache import VectorCache
from langchain_switchyard.retrieval.document_index import HybridDocumentIndex
from langchain_switchyard.retrieval.documents.chunking import StructureSplitter
from langchain_switchyard.retrieval.documents.citations import as_context, citation
from langchain_switchyard.retrieval.documents.document_type import (
    Detection,
    DocumentType,
    detect_type,
)
from langchain_switchyard.retrieval.documents.loaders import load_file
from langchain_switchyard.retrieval.documents.surroundings import section, surroundings
from langchain_switchyard.retrieval.evaluation.comparison import Comparison, compare
from langchain_switchyard.retrieval.evaluation.evaluate import Evaluation, aevaluate, evaluate
from langchain_switchyard.retrieval.evaluation.significance import Difference
from langchain_switchyard.retrieval.evaluation.tuning import Tuning, tune
from langchain_switchyard.retrieval.fusion.adjust import Recency
from langchain_switchyard.retrieval.hit import Hit, LegScore, SearchResult
from langchain_switchyard.retrieval.hybrid import HybridRetriever
from langchain_switchyard.retrieval.lexical.tokenizer import JiebaTokenizer
from langchain_switchyard.retrieval.progress import ProgressBar
from langchain_switchyard.retrieval.queries.feedback import PseudoRelevanceFeedback
from langchain_switchyard.retrieval.queries.history import HistoryRewrite
from langchain_switchyard.retrieval.queries.hyde import Hyde
from langchain_switchyard.retrieval.queries.multi_query import MultiQuery
from langchain_switchyard.retrieval.queries.rewrite import Queries, QueryRewrite
from langchain_switchyard.retrieval.refined.result import RefinedResult
from langchain_switchyard.retrieval.refined.retriever import RefinedRetriever
from langchain_switchyard.retrieval.rerank.cross_encoder import CrossEncoderRerank
from langchain_switchyard.retrieval.rerank.dashscope import DashScopeRerank
from langchain_switchyard.retrieval.rerank.failure import RerankFailed
from langchain_switchyard.retrieval.rerank.listwise import ListwiseRerank
from langchain_switchyard.retrieval.rerank.proximity import ProximityRerank
from langchain_switchyard.retrieval.rerank.reranked import Reranked
from langchain_switchyard.retrieval.search_config import SearchConfig
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.storage.index import Index
from langchain_switchyard.retrieval.sync.documents import sync_documents
from langchain_switchyard.retrieval.sync.folder import sync_folder
from langchain_switchyard.retrieval.sync.ray_executor import RayExecutor
from langchain_switchyard.retrieval.sync.report import SyncReport
from langchain_switchyard.retrieval.tool import search_tool

__all__ = [
    "BackendIndex",
    "BatchedEmbeddings",
    "Batching",
    "Comparison",
    "CrossEncoderRerank",
    "DashScopeRerank",
    "Detection",
    "Difference",
    "DocumentType",
    "ElasticsearchBackend",
    "Evaluation",
    "HistoryRewrite",
    "Hit",
    "HybridDocumentIndex",
    "HybridRetriever",
    "Hyde",
    "Index",
    "IndexUnavailable",
    "JiebaTokenizer",
    "LegScore",
    "ListwiseRerank",
    "LocalEmbeddings",
    "MultiQuery",
    "PostgresBackend",
    "ProgressBar",
    "ProximityRerank",
    "PseudoRelevanceFeedback",
    "QdrantBackend",
    "Queries",
    "QueryRewrite",
    "RayExecutor",
    "Recency",
    "RefinedResult",
    "RefinedRetriever",
    "RerankFailed",
    "Reranked",
    "Retrying",
    "SearchConfig",
    "SearchResult",
    "StructureSplitter",
    "SyncReport",
    "Tuning",
    "VectorCache",
    "aevaluate",
    "as_context",
    "citation",
    "compare",
    "detect_type",
    "evaluate",
    "load_file",
    "search_tool",
    "section",
    "surroundings",
    "sync_documents",
    "sync_folder",
    "tune",
]
