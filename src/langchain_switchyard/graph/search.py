"""A search in a graph is a retriever run: traces, events and callbacks see it, scores included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, RetrieverLike

from langchain_switchyard.search_filter import FilterChoice, SearchFilter

SCORE = "relevance_score"
"""Where LangChain's compressors, and we, write a document's score into its metadata."""


class Found(Protocol):
    """A document and how well it fits; `retrieval.Hit` is one."""

    @property
    def document(self) -> Document:
        """The passage."""
        ...

    @property
    def score(self) -> float:
        """Higher is better."""
        ...


@runtime_checkable
class ScoredSearch(Protocol):
    """A retriever that tells scores and takes `k`; `retrieval.HybridRetriever` is one."""

    def search(self, query: str, k: int) -> Sequence[Found]:
        """Return the best `k`; takes `filter`, too, where one is given."""
        ...

    async def asearch(self, query: str, k: int) -> Sequence[Found]:
        """Return the best `k`; takes `filter`, too, where one is given."""
        ...


class Search:
    """Asks a retriever, each time in a retriever run.

    Args:
        retriever: Any LangChain retriever, or a runnable from query to documents. One that tells
            scores (`ScoredSearch`) is asked for them.
        filter: Metadata conditions, or what makes them of those who ask.

    Raises:
        ConfigurationError: A filter for a retriever that takes none.
    """

    def __init__(
        self,
        retriever: RetrieverLike,
        filter: FilterChoice = None,  # noqa: A002 - LangChain's word.
    ) -> None:
        """Remember whom to ask."""
        self._filter = SearchFilter(retriever, filter)
        self._tells_scores = isinstance(retriever, BaseRetriever) and isinstance(
            retriever, ScoredSearch
        )
        self._retriever = _scored(retriever) if self._tells_scores else retriever

    def find(self, query: str, k: int, *asker: object) -> list[Document]:
        """Return what was found, best first; `k` at most where the retriever can be told.

        Args:
            query: What to search for.
            k: How many.
            asker: What the filter is made of, if it is made: a state, a runtime.
        """
        return self._retriever.invoke(query, **self._arguments(k, asker))

    async def afind(self, query: str, k: int, *asker: object) -> list[Document]:
        """Do the same without blocking."""
        return await self._retriever.ainvoke(query, **self._arguments(k, asker))

    def _arguments(self, k: int, asker: tuple[object, ...]) -> dict[str, Any]:
        wanted = self._filter.arguments(*asker)
        return {"k": k, **wanted} if self._tells_scores else wanted


class _ScoredRun(BaseRetriever):
    """The retriever run around `search`, whose scores `invoke` would not tell."""

    inner: Any

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int = 4, **wanted: Any
    ) -> list[Document]:
        del run_manager
        return [_with_score(found) for found in self.inner.search(query, k, **wanted)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int = 4,
        **wanted: Any,
    ) -> list[Document]:
        del run_manager
        return [_with_score(found) for found in await self.inner.asearch(query, k, **wanted)]


def _scored(retriever: Any) -> _ScoredRun:
    return _ScoredRun(
        inner=retriever,
        # Traces shall name whom the user named.
        name=retriever.get_name(),
        tags=retriever.tags,
        metadata=retriever.metadata,
    )


def _with_score(found: Found) -> Document:
    document = found.document
    metadata = {**document.metadata, SCORE: found.score}
    return document.model_copy(update={"metadata": metadata})
