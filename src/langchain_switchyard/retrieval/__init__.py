"""Hybrid retrieval, Chinese and English, over documents that come and go.

``HybridRetriever`` replaces ``EnsembleRetriever([BM25Retriever, Chroma])``; ``Index`` keeps the
documents, in memory or in a folder; ``StructureSplitter`` and ``load_file`` make documents of
files. Importing this needs numpy (extra ``retrieval``) and loads no model, no store and no
dictionary.
"""

from langchain_switchyard.retrieval.adjust import Recency
from langchain_switchyard.retrieval.batched_embeddings import BatchedEmbeddings, Batching
from langchain_switchyard.retrieval.chunking import StructureSplitter
from langchain_switchyard.retrieval.citations import as_context, citation
from langchain_switchyard.retrieval.evaluation import Evaluation, evaluate
from langchain_switchyard.retrieval.hit import Hit, LegScore, SearchResult
from langchain_switchyard.retrieval.hybrid import HybridRetriever
from langchain_switchyard.retrieval.index import Index
from langchain_switchyard.retrieval.loaders import load_file
from langchain_switchyard.retrieval.local_embeddings import LocalEmbeddings
from langchain_switchyard.retrieval.search_config import SearchConfig
from langchain_switchyard.retrieval.surroundings import section, surroundings
from langchain_switchyard.retrieval.sync import SyncReport, sync_folder
from langchain_switchyard.retrieval.tool import search_tool
from langchain_switchyard.retrieval.tuning import Tuning, tune
from langchain_switchyard.retrieval.vector_cache import VectorCache

__all__ = [
    "BatchedEmbeddings",
    "Batching",
    "Evaluation",
    "Hit",
    "HybridRetriever",
    "Index",
    "LegScore",
    "LocalEmbeddings",
    "Recency",
    "SearchConfig",
    "SearchResult",
    "StructureSplitter",
    "SyncReport",
    "Tuning",
    "VectorCache",
    "as_context",
    "citation",
    "evaluate",
    "load_file",
    "search_tool",
    "section",
    "surroundings",
    "sync_folder",
    "tune",
]
