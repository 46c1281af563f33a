"""Hybrid retrieval, Chinese and English, over documents that come and go.

``HybridRetriever`` replaces ``EnsembleRetriever([BM25Retriever, Chroma])``; ``Index`` keeps the
documents, in memory or in a folder; ``StructureSplitter`` and ``load_file`` make documents of
files. Importing this needs numpy (extra ``retrieval``) and loads no model, no store and no
dictionary.
"""

from langchain_switchyard.retrieval.chunking import StructureSplitter
from langchain_switchyard.retrieval.hit import Hit, LegScore, SearchResult
from langchain_switchyard.retrieval.hybrid import HybridRetriever
from langchain_switchyard.retrieval.index import Index
from langchain_switchyard.retrieval.loaders import load_file
from langchain_switchyard.retrieval.search_config import SearchConfig
from langchain_switchyard.retrieval.sync import SyncReport, sync_folder

__all__ = [
    "Hit",
    "HybridRetriever",
    "Index",
    "LegScore",
    "SearchConfig",
    "SearchResult",
    "StructureSplitter",
    "SyncReport",
    "load_file",
    "sync_folder",
]
