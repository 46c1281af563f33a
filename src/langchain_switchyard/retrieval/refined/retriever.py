"""``RefinedRetriever``: rewrite the question, search for all of it, rerank what was found."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutine
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.messages import BaseMessage, MessageLikeRepresentation, convert_to_messages
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.runnables.config import ContextThreadPoolExecutor
from pydantic import ConfigDict, Field

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.hit import SearchResult
from langchain_switchyard.retrieval.queries.rewrite import Queries, QueryRewrite
from langchain_switchyard.retrieval.refined.inner import Inner
from langchain_switchyard.retrieval.refined.merge import Candidate, finished, merge, to_rerank
from langchain_switchyard.retrieval.refined.result import RefinedResult

_logger = logging.getLogger(__name__)

Rewrite = QueryRewrite | Callable[[str, Sequence[BaseMessage]], Sequence[str]]
History = Sequence[MessageLikeRepresentation]
Said = tuple[str, Sequence[BaseMessage]]
# A runaway rewrite must not start a hundred searches.
_MOST_QUERIES = 12


@dataclass(frozen=True)
class _Found:
    """The first search: candidates, and what is told of it."""

    candidates: list[Candidate]
    weights: dict[str, float]
    notes: list[str]


class RefinedRetriever(BaseRetriever):
    """Any retriever, with an optional rewrite before and an optional reranker after it.

    Example:
        ```python
        retriever = RefinedRetriever(
            retriever=HybridRetriever.from_documents(documents),
            rewrite=HistoryRewrite(),
            compressor=CrossEncoderRerank("/models/bge-reranker-base"),
        )
        retriever.invoke("它的上限呢？", history=messages)
        ```

    Several queries are searched in parallel and fused by reciprocal rank; one that fails is left
    out, and the result says so. A reranker reads the first query.

    Attributes:
        retriever: Ours or foreign. One with ``search`` and ``asearch`` gives scores as well.
        rewrite: A ``QueryRewrite``, or a function ``(query, history) -> queries``.
        compressor: Any LangChain document compressor; rerankers are those.
        k: Documents returned unless a call says otherwise.
        candidates: Documents asked for each query when there is something to choose from: a
            compressor, or several queries. Never fewer than ``k``.
        parallel: Searches that run at the same time.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: BaseRetriever
    rewrite: Rewrite | None = None
    compressor: BaseDocumentCompressor | None = None
    k: int = Field(default=4, ge=1)
    candidates: int = Field(default=50, ge=1)
    parallel: int = Field(default=4, ge=1)

    def search(
        self, query: str, k: int | None = None, history: History = (), **options: Any
    ) -> RefinedResult:
        """Return the best ``k`` hits.

        Args:
            query: What the user says now.
            k: How many; the retriever's own ``k`` by default.
            history: The messages before it, oldest first; for the rewrite.
            options: Passed on to the retriever inside (``filter``).
        """
        return self._search(query, k, history, options, None)

    async def asearch(
        self, query: str, k: int | None = None, history: History = (), **options: Any
    ) -> RefinedResult:
        """Do the same without blocking the event loop."""
        return await self._asearch(query, k, history, options, None)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        history: History = (),
        **options: Any,
    ) -> list[Document]:
        return [hit.document for hit in self._search(query, k, history, options, run_manager)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        history: History = (),
        **options: Any,
    ) -> list[Document]:
        found = await self._asearch(query, k, history, options, run_manager)
        return [hit.document for hit in found]

    def _search(
        self,
        query: str,
        k: int | None,
        history: History,
        options: dict[str, Any],
        run: CallbackManagerForRetrieverRun | None,
    ) -> RefinedResult:
        count = self._count(k)
        child = None if run is None else run.get_child()
        queries = Queries([query])
        if self.rewrite is not None:
            said = (query, convert_to_messages(history))
            found = self._rewriting().invoke(said, RunnableConfig(callbacks=child))
            queries = _usable(found, query)
        inner = Inner(self.retriever, self._depth(count, queries), options, run)
        pool = _collected(queries, self._each(inner.search, queries))
        documents: Sequence[Document] | None = None
        if self.compressor is not None and pool.candidates:
            given = to_rerank(pool.candidates)
            documents = self.compressor.compress_documents(given, queries[0], callbacks=child)
        return self._result(queries, pool, documents, count)

    async def _asearch(
        self,
        query: str,
        k: int | None,
        history: History,
        options: dict[str, Any],
        run: AsyncCallbackManagerForRetrieverRun | None,
    ) -> RefinedResult:
        count = self._count(k)
        child = None if run is None else run.get_child()
        queries = Queries([query])
        if self.rewrite is not None:
            said = (query, convert_to_messages(history))
            found = await self._rewriting().ainvoke(said, RunnableConfig(callbacks=child))
            queries = _usable(found, query)
        inner = Inner(self.retriever, self._depth(count, queries), options, run)
        pool = _collected(queries, await self._aeach(inner, queries))
        documents: Sequence[Document] | None = None
        if self.compressor is not None and pool.candidates:
            given = to_rerank(pool.candidates)
            documents = await self.compressor.acompress_documents(
                given, queries[0], callbacks=child
            )
        return self._result(queries, pool, documents, count)

    def _count(self, k: int | None) -> int:
        if k is not None and k < 1:
            raise ConfigurationError(f"k must be at least 1, got {k}")
        return self.k if k is None else k

    def _depth(self, count: int, queries: Sequence[str]) -> int:
        chooses = self.compressor is not None or len(queries) > 1
        return max(self.candidates, count) if chooses else count

    def _rewriting(self) -> RunnableLambda[Said, Sequence[str]]:
        # A runnable, so that the rewrite and the model it asks show in the trace.
        return RunnableLambda(self._rewritten, self._arewritten, name="rewrite")

    def _rewritten(self, said: Said) -> Sequence[str]:
        found = self._called(said)
        if iscoroutine(found):
            found.close()
            raise ConfigurationError("this rewrite is asynchronous: use ainvoke or asearch")
        queries: Sequence[str] = found
        return queries

    async def _arewritten(self, said: Said) -> Sequence[str]:
        own = getattr(self.rewrite, "arewrite", None)
        # A function may well be slow, or itself asynchronous.
        found: Any = own(*said) if own else await asyncio.to_thread(self._called, said)
        queries: Sequence[str] = await found if iscoroutine(found) else found
        return queries

    def _called(self, said: Said) -> Any:
        rewrite = self.rewrite
        if isinstance(rewrite, QueryRewrite):
            return rewrite.rewrite(*said)
        return rewrite(*said) if rewrite else [said[0]]

    def _each(
        self, search: Callable[[str], SearchResult], queries: Sequence[str]
    ) -> list[SearchResult | BaseException]:
        if len(queries) == 1:
            # One query has nobody to degrade to: its error is the answer.
            return [search(queries[0])]
        with ContextThreadPoolExecutor(min(self.parallel, len(queries))) as pool:
            futures = [pool.submit(search, query) for query in queries]
        return [future.exception() or future.result() for future in futures]

    async def _aeach(
        self, inner: Inner, queries: Sequence[str]
    ) -> list[SearchResult | BaseException]:
        if len(queries) == 1:
            return [await inner.asearch(queries[0])]
        places = asyncio.Semaphore(self.parallel)

        async def one(query: str) -> SearchResult:
            async with places:
                return await inner.asearch(query)

        return await asyncio.gather(*map(one, queries), return_exceptions=True)

    def _result(
        self,
        queries: Queries,
        found: _Found,
        documents: Sequence[Document] | None,
        count: int,
    ) -> RefinedResult:
        reranker = type(self.compressor).__name__
        hits = finished(found.candidates, documents, count, reranker)
        parts = [f"searched for {' | '.join(queries)}", f"{len(found.candidates)} candidates"]
        if documents is not None:
            parts.append(f"given to {reranker}")
        notes = [*queries.notes, *found.notes, *getattr(documents, "notes", ())]
        return RefinedResult(hits, found.weights, notes, queries, "; ".join(parts))


def _usable(rewritten: Sequence[str], query: str) -> Queries:
    """Each query once, blank ones left out; the plain query when none is left."""
    notes = list(getattr(rewritten, "notes", ()))
    if isinstance(rewritten, str):
        rewritten = [rewritten]
    unique = list(dict.fromkeys(each for each in rewritten if each.strip()))
    if not unique:
        notes.append("the rewrite gave no query, so the plain one was searched for")
    if len(unique) > _MOST_QUERIES:
        notes.append(f"of {len(unique)} queries the first {_MOST_QUERIES} were searched for")
    return Queries(unique[:_MOST_QUERIES] or [query], notes)


def _collected(queries: Sequence[str], outcomes: Sequence[SearchResult | BaseException]) -> _Found:
    """Merge the lists of the queries that were answered, and say what became of the others.

    Raises:
        Exception: Every search failed; the first one's error.
    """
    lists: list[SearchResult] = []
    notes: dict[str, None] = {}
    errors: list[BaseException] = []
    for query, outcome in zip(queries, outcomes, strict=True):
        if isinstance(outcome, SearchResult):
            lists.append(outcome)
            notes.update(dict.fromkeys(outcome.notes))
            continue
        if not isinstance(outcome, Exception):
            raise outcome
        errors.append(outcome)
        # Its place stays, so that "query 2" means the second one everywhere.
        lists.append(SearchResult())
        notes[f"the search for {query!r} failed: {type(outcome).__name__}: {outcome}"] = None
        _logger.warning("retrieval goes on without the query %.80r", query, exc_info=outcome)
    if len(errors) == len(queries):
        raise errors[0]
    weights = next((found.weights for found in lists if found), {})
    return _Found(merge(lists), weights, list(notes))
