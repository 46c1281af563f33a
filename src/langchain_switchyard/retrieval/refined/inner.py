"""The retriever inside another: asked by its own search where it has one, and traced as itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any, Protocol, TypeVar, runtime_checkable

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    BaseCallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.hit import Hit, SearchResult

Manager = TypeVar("Manager", bound=BaseCallbackManager)


@runtime_checkable
class Searches(Protocol):
    """A retriever that tells scores; ``HybridRetriever`` is one."""

    def search(self, query: str, k: int, **options: Any) -> Sequence[Hit]:
        """Return the best ``k``."""
        ...

    async def asearch(self, query: str, k: int, **options: Any) -> Sequence[Hit]:
        """Return the best ``k``."""
        ...


@dataclass(frozen=True)
class Inner:
    """One way to ask the retriever inside.

    Attributes:
        retriever: Ours or foreign.
        k: How many to ask for; a foreign retriever that takes no ``k`` gives what it gives.
        options: Passed on as they are (``filter`` and the like).
        run: The run in whose trace the search shall show; ``None``: the surrounding one's, if any.
    """

    retriever: BaseRetriever
    k: int
    options: Mapping[str, Any] = field(default_factory=dict)
    run: CallbackManagerForRetrieverRun | AsyncCallbackManagerForRetrieverRun | None = None

    def search(self, query: str) -> SearchResult:
        """Return hits; their score is 1 / place where the retriever tells none."""
        if not isinstance(self.retriever, Searches):
            return _hits(self.retriever.invoke(query, self._config(), **self._all_options()))
        if not isinstance(self.run, CallbackManagerForRetrieverRun):
            return _result(self.retriever.search(query, self.k, **self.options))
        name = self.retriever.get_name()
        child = self._labelled(self.run.get_child())
        run = child.on_retriever_start(None, query, name=name)
        try:
            found = _result(self.retriever.search(query, self.k, **self.options))
        except BaseException as error:
            run.on_retriever_error(error)
            raise
        run.on_retriever_end([hit.document for hit in found])
        return found

    async def asearch(self, query: str) -> SearchResult:
        """Do the same without blocking the event loop."""
        if not isinstance(self.retriever, Searches):
            options = self._all_options()
            return _hits(await self.retriever.ainvoke(query, self._config(), **options))
        if not isinstance(self.run, AsyncCallbackManagerForRetrieverRun):
            return _result(await self.retriever.asearch(query, self.k, **self.options))
        name = self.retriever.get_name()
        child = self._labelled(self.run.get_child())
        run = await child.on_retriever_start(None, query, name=name)
        try:
            found = _result(await self.retriever.asearch(query, self.k, **self.options))
        except BaseException as error:
            await run.on_retriever_error(error)
            raise
        await run.on_retriever_end([hit.document for hit in found])
        return found

    def _labelled(self, manager: Manager) -> Manager:
        """Tell the retriever's own tags and metadata, as its ``invoke`` would."""
        manager.add_tags(self.retriever.tags or [], inherit=False)
        manager.add_metadata(self.retriever.metadata or {}, inherit=False)
        return manager

    def _config(self) -> RunnableConfig:
        return (
            RunnableConfig() if self.run is None else RunnableConfig(callbacks=self.run.get_child())
        )

    def _all_options(self) -> dict[str, Any]:
        """What the foreign retriever takes of ours.

        Raises:
            ConfigurationError: It does not take an option the caller gave. LangChain would drop it
                without a word, and a filter that is dropped shows what it should have hidden.
        """
        method = self.retriever._get_relevant_documents  # noqa: SLF001 - what every retriever writes.
        parameters = signature(method).parameters
        if any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values()):
            return {"k": self.k, **self.options}
        refused = sorted(self.options.keys() - parameters.keys())
        if refused:
            raise ConfigurationError(
                f"{type(self.retriever).__name__} takes no {', '.join(refused)}: give it to the "
                "retriever itself when you make it"
            )
        return {**({"k": self.k} if "k" in parameters else {}), **self.options}


def _hits(documents: Iterable[Document]) -> SearchResult:
    return SearchResult(
        Hit(document, 1 / rank, rank) for rank, document in enumerate(documents, start=1)
    )


def _result(found: Sequence[Hit]) -> SearchResult:
    return found if isinstance(found, SearchResult) else SearchResult(found)
