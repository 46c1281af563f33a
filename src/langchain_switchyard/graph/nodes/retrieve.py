"""The nodes that look for sources: one for any graph, and the assistant's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.retrievers import RetrieverLike
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.graph.passages import id_of, records_of
from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.search import Search
from langchain_switchyard.graph.state import AssistantState, Update
from langchain_switchyard.search_filter import FilterChoice


def last_question(messages: Sequence[BaseMessage]) -> str:
    """Return the text of the user's last message, or nothing."""
    asked = (message.text for message in reversed(messages) if isinstance(message, HumanMessage))
    return next(asked, "").strip()


def query_of(state: Mapping[str, Any]) -> str:
    """Return `query` of a state, or else the user's last message."""
    return str(state.get("query") or "").strip() or last_question(state.get("messages", []))


def retrieval_node(
    retriever: RetrieverLike,
    *,
    k: int = 4,
    tokens: int = 3_000,
    query: Callable[[Any], str] = query_of,
    filter: FilterChoice = None,  # noqa: A002 - LangChain's word.
) -> Runnable[Any, Update]:
    """Make a node for any graph whose state has the keys of `RetrievalState`.

    It sets `sources` anew each time; to nothing, if there is nothing to search for. `with_sources`
    shows them to a model.

    Args:
        retriever: Any LangChain retriever; one with `search` (`HybridRetriever`) tells scores, too.
        k: Passages at most.
        tokens: Estimated tokens of all passages at most; the first one always goes in.
        query: What to search for, given the state; `query`, or the user's last message.
        filter: Metadata conditions as the retriever knows them, or what makes them of the state.
            Where that returns `None`, everything can be found.

    Raises:
        ConfigurationError: Limits under which nothing could be found, or a filter for a retriever
            that takes none.
    """
    limits = require_limits(k, tokens)
    search = Search(retriever, filter)

    def retrieve(state: Any) -> Update:
        asked = query(state)
        return {"sources": records_of(search.find(asked, k, state) if asked else [], *limits)}

    async def aretrieve(state: Any) -> Update:
        asked = query(state)
        found = await search.afind(asked, k, state) if asked else []
        return {"sources": records_of(found, *limits)}

    return RunnableLambda(retrieve, aretrieve, name="look_up")


def require_limits(k: int, tokens: int) -> tuple[int, int]:
    """Return the limits of a retrieval.

    Raises:
        ConfigurationError: Under them nothing could be found.
    """
    for name, value in (("k", k), ("tokens", tokens)):
        if value < 1:
            raise ConfigurationError(f"{name} must be 1 or more, got {value}")
    return k, tokens


@dataclass(frozen=True)
class _Plan:
    query: str
    k: int
    told: frozenset[str]


def retrieve_node(
    retriever: RetrieverLike, policy: AssistantPolicy
) -> Runnable[AssistantState, Update]:
    """Make the assistant's node that fills `sources`.

    Args:
        retriever: Any LangChain retriever; one with `search` tells scores, too.
        policy: How many passages, and of how many tokens.
    """
    search = Search(retriever)

    def retrieve(state: AssistantState) -> Update:
        plan = _plan(state, policy)
        return _update(search.find(plan.query, plan.k), plan, policy)

    async def aretrieve(state: AssistantState) -> Update:
        plan = _plan(state, policy)
        return _update(await search.afind(plan.query, plan.k), plan, policy)

    return RunnableLambda(retrieve, aretrieve, name="look_up")


def _plan(state: AssistantState, policy: AssistantPolicy) -> _Plan:
    goes_on = state["intent"]["intent_type"] == "task_continuation"
    told = frozenset(state.get("told", [])) if goes_on else frozenset()
    # Asked again because the first sources were not enough: look further down the list.
    wider = 2 if state["attempts"] else 1
    return _Plan(state["query"], policy.sources * wider + len(told), told)


def _update(found: Sequence[Document], plan: _Plan, policy: AssistantPolicy) -> Update:
    fresh = [document for document in found if id_of(document) not in plan.told]
    # Everything was told already: better the same again than nothing.
    sources = records_of(fresh or found, plan.k, policy.source_tokens)
    return {"sources": sources, "searched": True}
