"""The node that looks for sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.state import AssistantState, SourceRecord, Update
from langchain_switchyard.routing.tokens import estimate_text


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
        """Return the best `k`."""
        ...

    async def asearch(self, query: str, k: int) -> Sequence[Found]:
        """Return the best `k`."""
        ...


@dataclass(frozen=True)
class _Plan:
    query: str
    k: int
    told: frozenset[str]


def retrieve_node(
    retriever: BaseRetriever, policy: AssistantPolicy
) -> Runnable[AssistantState, Update]:
    """Make the node that fills `sources`.

    Args:
        retriever: Any LangChain retriever; one with `search` gives scores, too.
        policy: How many passages, and of how many tokens.
    """
    scored = retriever if isinstance(retriever, ScoredSearch) else None

    def retrieve(state: AssistantState) -> Update:
        plan = _plan(state, policy)
        if scored is None:
            found = [(document, None) for document in retriever.invoke(plan.query)]
            return _update(found, plan, policy)
        return _update(_pairs(scored.search(plan.query, plan.k)), plan, policy)

    async def aretrieve(state: AssistantState) -> Update:
        plan = _plan(state, policy)
        if scored is None:
            found = [(document, None) for document in await retriever.ainvoke(plan.query)]
            return _update(found, plan, policy)
        return _update(_pairs(await scored.asearch(plan.query, plan.k)), plan, policy)

    return RunnableLambda(retrieve, aretrieve, name="look_up")


def _plan(state: AssistantState, policy: AssistantPolicy) -> _Plan:
    goes_on = state["intent"]["intent_type"] == "task_continuation"
    told = frozenset(state.get("told", [])) if goes_on else frozenset()
    # Asked again because the first sources were not enough: look further down the list.
    wider = 2 if state["attempts"] else 1
    return _Plan(state["query"], policy.sources * wider + len(told), told)


def _pairs(found: Sequence[Found]) -> list[tuple[Document, float | None]]:
    return [(each.document, each.score) for each in found]


def _update(
    found: Sequence[tuple[Document, float | None]], plan: _Plan, policy: AssistantPolicy
) -> Update:
    fresh = [pair for pair in found if _id(pair[0]) not in plan.told]
    sources: list[SourceRecord] = []
    tokens = 0
    # Everything was told already: better the same again than nothing.
    for document, score in fresh or found:
        tokens += estimate_text(document.page_content)
        if sources and (tokens > policy.source_tokens or len(sources) == plan.k):
            break
        sources.append(_record(len(sources) + 1, document, score))
    return {"sources": sources, "searched": True}


def _record(number: int, document: Document, score: float | None) -> SourceRecord:
    metadata = document.metadata
    return SourceRecord(
        n=number,
        id=_id(document),
        source=str(metadata.get("source", "")),
        heading=str(metadata.get("heading") or metadata.get("title") or ""),
        line=_whole_number(metadata.get("line")),
        page=_whole_number(metadata.get("page")),
        text=document.page_content,
        score=score,
    )


def _id(document: Document) -> str:
    return document.id or document.page_content


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
