"""``HybridRetriever``: a LangChain retriever with a lexical and, given embeddings, a dense leg."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, PrivateAttr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.backend import Backend
from langchain_switchyard.retrieval.backends.backend_index import BackendIndex, open_backend
from langchain_switchyard.retrieval.call_arguments import (
    checked_count,
    checked_query,
    refuse_unknown,
)
from langchain_switchyard.retrieval.dense.stores import StoreChoice
from langchain_switchyard.retrieval.fusion.leg_runner import LegRunner
from langchain_switchyard.retrieval.fusion.leg_runs import AsyncLegRuns, LegRuns
from langchain_switchyard.retrieval.hit import SearchResult
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer
from langchain_switchyard.retrieval.search import Search, check_fusion
from langchain_switchyard.retrieval.search_config import SearchConfig
from langchain_switchyard.retrieval.storage.database import IndexUnavailable, holds_index
from langchain_switchyard.retrieval.storage.filters import Filter
from langchain_switchyard.retrieval.storage.index import Index
from langchain_switchyard.retrieval.sync.documents import sync_documents
from langchain_switchyard.retrieval.sync.folder import sync_folder
from langchain_switchyard.retrieval.sync.report import SyncReport
from langchain_switchyard.retrieval.views import Searchable


class HybridRetriever(BaseRetriever):
    """Keyword and vector search as one retriever over documents that can change.

    Without ``embeddings`` it is an exact BM25 retriever; a query none of whose words is known then
    finds nothing rather than noise. With them both legs run in parallel and are fused; a leg that
    fails or is too slow is left out, and the result says so.

    Example:
        ```python
        retriever = HybridRetriever.from_documents(documents, embeddings=model, path="my-index")
        retriever.invoke("合同法第三条", k=3)
        for hit in retriever.search("refund policy", filter={"lang": "en"}):
            print(hit.score, hit.explanation, hit.text)
        ```

    Attributes:
        index: Where documents live; share it between retrievers as you like.
        k: Documents returned unless a call says otherwise.
        config: Strategy, weights, fusion and limits.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Searchable = Field(repr=False)
    k: int = Field(default=4, ge=1)
    config: SearchConfig = SearchConfig()
    _runner: LegRunner = PrivateAttr(default_factory=LegRunner)

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        embeddings: Embeddings | None = None,
        k: int = 4,
        *,
        path: str | Path | None = None,
        config: SearchConfig | None = None,
        vector_store: StoreChoice = "auto",
        tokenizer: str | Tokenizer | None = None,
        backend: Backend | str | None = None,
    ) -> Self:
        """Index documents: in memory, under ``path``, or in the engine that ``backend`` speaks to.

        Args:
            documents: To be added; those already there are kept.
            embeddings: Embedding model; without one there is no dense leg.
            k: Documents returned unless a call says otherwise.
            path: Folder of an index of our own.
            config: Strategy, weights, fusion and limits.
            vector_store: Where the vectors of an index of our own live.
            tokenizer: ``"mixed"`` (default), ``"jieba"`` or a ``Tokenizer``.
            backend: ``PostgresBackend(...)``, ``QdrantBackend(...)``,
                ``ElasticsearchBackend(...)`` or ``"rank_bm25"``, instead of ``path`` and
                ``vector_store``.

        Raises:
            ConfigurationError: Both a backend and a place for an index of our own are given, or
                fusion is left to an index that cannot do it.
        """
        index: Searchable
        if backend is None:
            index = Index(path, embeddings, vector_store, tokenizer)
        elif path is not None or vector_store != "auto":
            raise ConfigurationError("a backend keeps everything: leave path and vector_store out")
        else:
            index = BackendIndex(open_backend(backend), embeddings, tokenizer)
        chosen = config or SearchConfig()
        check_fusion(index, chosen)
        index.add_documents(documents)
        return cls(index=index, k=k, config=chosen)

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], metadatas: Iterable[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Self:
        """Index plain texts; ``kwargs`` as for ``from_documents``."""
        if metadatas is None:
            documents = [Document(page_content=text) for text in texts]
        else:
            pairs = zip(texts, metadatas, strict=True)
            documents = [Document(page_content=text, metadata=data) for text, data in pairs]
        return cls.from_documents(documents, **kwargs)

    @classmethod
    def open(
        cls,
        path: str | Path,
        embeddings: Embeddings | None = None,
        k: int = 4,
        *,
        create: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Open a saved index.

        Args:
            path: Its folder; one that cannot be written to can be searched.
            embeddings: The model that it was made with; without one there is no dense leg.
            k: As for ``from_documents``.
            create: Begin an empty index if there is none.
            **kwargs: As for ``from_documents``.

        Raises:
            IndexUnavailable: There is no index in the folder, or not one that fits.
        """
        if not create and not holds_index(Path(path)):
            raise IndexUnavailable(
                f"there is no index in {path}: correct the folder, or begin one with create=True"
            )
        return cls.from_documents([], embeddings, k, path=path, **kwargs)

    def add_documents(self, documents: Iterable[Document]) -> list[str]:
        """Add documents, replacing those whose id exists; return the ids."""
        return self.index.add_documents(documents)

    async def aadd_documents(self, documents: Iterable[Document]) -> list[str]:
        """Do the same without blocking the event loop."""
        return await asyncio.to_thread(self.index.add_documents, documents)

    def sync_folder(self, folder: str | Path, **kwargs: Any) -> SyncReport:
        """Bring the index in step with a folder of files; ``kwargs`` as for ``sync_folder``.

        Raises:
            ConfigurationError: The documents live in an engine, which does not keep files' marks.
        """
        return sync_folder(self._own_index("sync_folder"), folder, **kwargs)

    def sync_documents(
        self, documents: Iterable[Document], scope: str = "documents", **kwargs: Any
    ) -> SyncReport:
        """Bring the index in step with an iterable; ``kwargs`` as for ``sync_documents``.

        Raises:
            ConfigurationError: The documents live in an engine.
        """
        return sync_documents(self._own_index("sync_documents"), documents, scope, **kwargs)

    def _own_index(self, purpose: str) -> Index:
        if not isinstance(self.index, Index):
            raise ConfigurationError(
                f"{purpose} keeps marks in an index of our own; for an engine read files with "
                "load_file, cut them with StructureSplitter and add_documents"
            )
        return self.index

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents; unknown ids are ignored, a text instead of a list is refused."""
        self.index.delete(ids)

    async def adelete(self, ids: Iterable[str]) -> None:
        """Do the same without blocking the event loop."""
        await asyncio.to_thread(self.index.delete, ids)

    def close(self) -> None:
        """Close the index's files or connections; a leg that hangs is not waited for."""
        self._runner.close()
        self.index.close()

    def search(
        self,
        query: str,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
    ) -> SearchResult:
        """Return the best ``k`` hits with each leg's rank and score.

        Args:
            query: In any language of the documents.
            k: How many; the retriever's own ``k`` by default.
            filter: Metadata conditions, honoured by every leg (see ``filters``).
        """
        return self._search(query, k, filter, None)

    async def asearch(
        self,
        query: str,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
    ) -> SearchResult:
        """Do the same without blocking the event loop."""
        return await self._asearch(query, k, filter, None)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
        **unknown: Any,
    ) -> list[Document]:
        refuse_unknown(unknown)
        listened = bool(run_manager.inheritable_handlers)
        child = run_manager.get_child() if listened else None
        return [hit.document for hit in self._search(query, k, filter, child)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
        **unknown: Any,
    ) -> list[Document]:
        refuse_unknown(unknown)
        listened = bool(run_manager.inheritable_handlers)
        child = run_manager.get_child() if listened else None
        return [hit.document for hit in await self._asearch(query, k, filter, child)]

    def _search(
        self, query: str, k: int | None, wanted: Filter | None, child: CallbackManager | None
    ) -> SearchResult:
        search = self._begin(query, k, wanted)
        runs = LegRuns(child, query, search.documents)
        while legs := search.asks():
            search.take(self._runner.run(legs, search.encode, self.config.leg_timeout, runs))
        return search.result()

    async def _asearch(
        self, query: str, k: int | None, wanted: Filter | None, child: AsyncCallbackManager | None
    ) -> SearchResult:
        apart, limit = self._runner.apart, self.config.leg_timeout
        search = await apart(partial(self._begin, query, k, wanted))
        runs = AsyncLegRuns(child, query, lambda found: apart(partial(search.documents, found)))
        while legs := search.asks():
            search.take(await self._runner.arun(legs, search.aencode, limit, runs))
        return await apart(search.result)

    def _begin(self, query: str, k: int | None, wanted: Filter | None) -> Search:
        count = self.k if k is None else checked_count(k)
        return Search(self.index, self.config, checked_query(query), count, wanted)
