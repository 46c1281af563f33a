"""Legs as child runs of the retriever's run, for whoever traces; nothing happens when nobody does.

Each leg appears as a retriever run of its own (``dense leg``, ``lexical leg``) with its best
documents, or its error, as an ``EnsembleRetriever``'s retrievers do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document

from langchain_switchyard.retrieval.fusion.legs import LegResult

Outcome = LegResult | BaseException | None


class LegRuns:
    """The legs of one synchronous search.

    Args:
        parent: Child manager of the retriever's run; ``None`` when nobody listens.
        query: What is searched.
        documents: Returns a leg's best documents; only asked when somebody listens.
    """

    def __init__(
        self,
        parent: CallbackManager | None,
        query: str,
        documents: Callable[[LegResult], list[Document]],
    ) -> None:
        """Begin nothing yet."""
        self._parent, self._query, self._documents = parent, query, documents
        self._open: dict[str, CallbackManagerForRetrieverRun] = {}

    def begin(self, name: str) -> None:
        """Tell that a leg starts."""
        if self._parent is not None:
            started = self._parent.on_retriever_start(None, self._query, name=f"{name} leg")
            self._open[name] = started

    def end(self, name: str, outcome: Outcome) -> None:
        """Tell what a leg found, or why it did not."""
        run = self._open.pop(name, None)
        if run is None:
            return
        if isinstance(outcome, BaseException):
            run.on_retriever_error(outcome)
        else:
            run.on_retriever_end([] if outcome is None else self._documents(outcome))


class AsyncLegRuns:
    """The legs of one asynchronous search; arguments as for ``LegRuns``."""

    def __init__(
        self,
        parent: AsyncCallbackManager | None,
        query: str,
        documents: Callable[[LegResult], Awaitable[list[Document]]],
    ) -> None:
        """Begin nothing yet."""
        self._parent, self._query, self._documents = parent, query, documents
        self._open: dict[str, AsyncCallbackManagerForRetrieverRun] = {}

    async def begin(self, name: str) -> None:
        """Tell that a leg starts."""
        if self._parent is not None:
            started = await self._parent.on_retriever_start(None, self._query, name=f"{name} leg")
            self._open[name] = started

    async def end(self, name: str, outcome: Outcome) -> None:
        """Tell what a leg found, or why it did not."""
        run = self._open.pop(name, None)
        if run is None:
            return
        if isinstance(outcome, BaseException):
            await run.on_retriever_error(outcome)
        else:
            await run.on_retriever_end([] if outcome is None else await self._documents(outcome))
