"""``HybridRetriever``: a LangChain retriever with a lexical and, given embeddings, a dense leg."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, Self

import numpy as np
from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, PrivateAttr

from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg
from langchain_switchyard.retrieval.dense.stores import StoreChoice
from langchain_switchyard.retrieval.fusion.adjust import diverse, recent
from langchain_switchyard.retrieval.fusion.combine import Ranking, finish, rank
from langchain_switchyard.retrieval.fusion.legs import LegResult, collect, search_lexical
from langchain_switchyard.retrieval.hit import SearchResult
from langchain_switchyard.retrieval.lexical.segment import Bools
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer
from langchain_switchyard.retrieval.search_config import SearchConfig
from langchain_switchyard.retrieval.storage.filters import Filter
from langchain_switchyard.retrieval.storage.index import Index
from langchain_switchyard.retrieval.storage.records import decode
from langchain_switchyard.retrieval.sync.folder import sync_folder
from langchain_switchyard.retrieval.sync.report import SyncReport

Leg = Callable[[], LegResult | None]
# Seconds; the lexical leg takes about as long, so no more can be gained by a second thread.
_WORTH_A_THREAD = 0.002
AsyncLeg = Callable[[], Awaitable[LegResult | None]]


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

    index: Index = Field(repr=False)
    k: int = Field(default=4, ge=1)
    config: SearchConfig = SearchConfig()
    _clock: Callable[[], float] = PrivateAttr(default=time.perf_counter)
    # How long the dense leg took last, embedding included; unknown counts as long.
    _dense_seconds: float = PrivateAttr(default=math.inf)
    # Threads start when first needed, so an unused pool costs nothing.
    _pool: ThreadPoolExecutor = PrivateAttr(
        default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="retrieval-leg")
    )

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        embeddings: Embeddings | None = None,
        k: int = 4,
        *,
        path: str | Path | None = None,
        config: SearchConfig | None = None,
        vector_store: StoreChoice = "numpy",
        tokenizer: str | Tokenizer | None = None,
    ) -> Self:
        """Index documents, in memory or under ``path`` (where earlier ones are kept, too)."""
        index = Index(path, embeddings, vector_store, tokenizer)
        index.add_documents(documents)
        return cls(index=index, k=k, config=config or SearchConfig())

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
        cls, path: str | Path, embeddings: Embeddings | None = None, k: int = 4, **kwargs: Any
    ) -> Self:
        """Open a saved index; ``kwargs`` as for ``from_documents``."""
        return cls.from_documents([], embeddings, k, path=path, **kwargs)

    def add_documents(self, documents: Iterable[Document]) -> list[str]:
        """Add documents, replacing those whose id exists; return the ids."""
        return self.index.add_documents(documents)

    def sync_folder(self, folder: str | Path, **kwargs: Any) -> SyncReport:
        """Bring the index in step with a folder of files; ``kwargs`` as for ``sync_folder``."""
        return sync_folder(self.index, folder, **kwargs)

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents; unknown ids are ignored."""
        self.index.delete(ids)

    def close(self) -> None:
        """Close the index's files."""
        self._pool.shutdown(wait=False, cancel_futures=True)
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
        allowed, depth = self._prepare(k, filter)
        results, notes = self._run(self._legs(query, depth, allowed))
        return self._finish(results, notes, k)

    async def asearch(
        self,
        query: str,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
    ) -> SearchResult:
        """Do the same without blocking the event loop."""
        allowed, depth = await asyncio.to_thread(self._prepare, k, filter)
        results, notes = await self._arun(self._async_legs(query, depth, allowed))
        return await asyncio.to_thread(self._finish, results, notes, k)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
        **_: Any,
    ) -> list[Document]:
        del run_manager
        return [hit.document for hit in self.search(query, k, filter)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - LangChain's word.
        **_: Any,
    ) -> list[Document]:
        del run_manager
        return [hit.document for hit in await self.asearch(query, k, filter)]

    def _prepare(self, k: int | None, wanted: Filter | None) -> tuple[Bools | None, int]:
        self.index.refresh()
        return self.index.mask(wanted), max(self.config.depth, self.k if k is None else k)

    def _wanted_dense(self) -> DenseLeg | None:
        return None if self.config.strategy == "lexical" else self.index.dense

    def _legs(self, query: str, depth: int, allowed: Bools | None) -> dict[str, Leg]:
        legs: dict[str, Leg] = {}
        dense = self._wanted_dense()
        if dense is not None:

            def nearest() -> LegResult | None:
                start = self._clock()
                found = dense.search(query, dense.query_vector(query), depth, allowed)
                self._note_time(self._clock() - start)
                return found

            legs["dense"] = nearest
        if self.config.strategy != "dense":
            legs["lexical"] = lambda: search_lexical(self.index.lexical, query, depth, allowed)
        return legs

    def _note_time(self, seconds: float) -> None:
        # Smoothed, so that one interruption by the system does not count as a slow leg.
        known = seconds if math.isinf(self._dense_seconds) else self._dense_seconds
        self._dense_seconds = 0.8 * known + 0.2 * seconds

    def _async_legs(self, query: str, depth: int, allowed: Bools | None) -> dict[str, AsyncLeg]:
        legs: dict[str, AsyncLeg] = {}
        dense = self._wanted_dense()
        if dense is not None:

            async def nearest() -> LegResult | None:
                vector = await dense.aquery_vector(query)
                return await asyncio.to_thread(dense.search, query, vector, depth, allowed)

            legs["dense"] = nearest
        if self.config.strategy != "dense":

            async def matching() -> LegResult | None:
                return await asyncio.to_thread(
                    search_lexical, self.index.lexical, query, depth, allowed
                )

            legs["lexical"] = matching
        return legs

    def _run(self, legs: dict[str, Leg]) -> tuple[list[LegResult], list[str]]:
        if len(legs) == 1 and self.config.leg_timeout is None:
            # One leg has nobody to degrade to: its error is the answer.
            found = next(iter(legs.values()))()
            return ([] if found is None else [found]), []
        limit = self.config.leg_timeout
        names = list(legs)
        # Without a limit the last leg runs right here: a thread less to wake. So does the dense
        # leg once it is known to take less time than waking a thread is worth.
        sent = names if limit is not None else names[:-1]
        if limit is None and self._dense_seconds < _WORTH_A_THREAD:
            sent = []
        futures: dict[str, Future[LegResult | None]] = {
            name: self._pool.submit(copy_context().run, legs[name]) for name in sent
        }
        outcomes: dict[str, LegResult | BaseException | None] = {}
        for name in [*(name for name in names if name not in sent), *sent]:
            try:
                future = futures.get(name)
                outcomes[name] = legs[name]() if future is None else future.result(limit)
            except Exception as error:  # noqa: BLE001 - judged and logged in collect.
                outcomes[name] = error
        return collect({name: outcomes[name] for name in names})

    async def _arun(self, legs: dict[str, AsyncLeg]) -> tuple[list[LegResult], list[str]]:
        waits = [asyncio.wait_for(leg(), self.config.leg_timeout) for leg in legs.values()]
        found = await asyncio.gather(*waits, return_exceptions=True)
        return collect(dict(zip(legs, found, strict=True)))

    def _finish(
        self, results: Sequence[LegResult], notes: Sequence[str], k: int | None
    ) -> SearchResult:
        count = self.k if k is None else k
        share = self.config.dense_share
        if share is None:
            share = self.index.dense_weight
            check = self.index.check
            if check is not None and check.warning and len(results) > 1:
                notes = [*notes, check.warning]
        ranking = rank(results, share, self.config.fuse())
        if self.config.recency is not None or self.config.diversity is not None:
            ranking = self._adjusted(ranking, count)
        records = self.index.catalog.by_row(ranking.contenders(count).tolist())
        return finish(ranking, records, count, notes)

    def _adjusted(self, ranking: Ranking, count: int) -> Ranking:
        """Apply recency and diversity to the candidates."""
        recency, diversity = self.config.recency, self.config.diversity
        if recency is not None:
            records = self.index.catalog.by_row(ranking.rows.tolist())
            found = [
                decode(records[r]).metadata if r in records else {} for r in ranking.rows.tolist()
            ]
            scores = recent(ranking.scores, found, recency)
            order = np.argsort(-scores, kind="stable")
            ranking = ranking.reordered(order, scores[order])
        if diversity is None:
            return ranking
        vectors = self.index.vectors(ranking.rows)
        places = np.array(diverse(ranking.scores, vectors, count, 1 - diversity), np.int64)
        # Places, not scores, carry the order now: later ones may score higher.
        return ranking.reordered(places, -np.arange(len(places), dtype=np.float64))
