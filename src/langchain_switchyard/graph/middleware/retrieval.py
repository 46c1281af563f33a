"""Retrieval for an agent: sources stand beside the question, and are not kept in the thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NotRequired, cast

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ModelRequest,
    ModelResponse,
    OmitFromInput,
)
from langchain_core.messages import AIMessage, AnyMessage, SystemMessage
from langchain_core.retrievers import RetrieverLike
from langgraph.runtime import Runtime

from langchain_switchyard.graph.nodes.retrieve import last_question, require_limits
from langchain_switchyard.graph.passages import cited, records_of, with_sources
from langchain_switchyard.graph.search import Search
from langchain_switchyard.graph.state import CitationRecord, SourceRecord, Update
from langchain_switchyard.search_filter import FilterChoice


class RetrievalMiddlewareState(AgentState[Any]):
    """What the middleware adds to an agent's state."""

    sources: NotRequired[Annotated[list[SourceRecord], OmitFromInput]]
    """What was found for the last question."""
    citations: NotRequired[Annotated[list[CitationRecord], OmitFromInput]]
    """Those of them that the answer names."""


class RetrievalMiddleware(AgentMiddleware[RetrievalMiddlewareState, Any, Any]):
    """Searches for the user's last message and shows the model what was found.

    Each run searches once, before the first model call, in a retriever run of its own. Every model
    call of that run then sees the sources before the question, marked as data, and is told how to
    cite them. The stored messages stay as they are. The state holds `sources` and `citations`, with
    file, heading and line.

    ```python
    agent = create_agent(model, tools, middleware=[RetrievalMiddleware(retriever)])
    result = agent.invoke({"messages": [("user", "什么是熔断器？")]})
    result["citations"]
    ```

    Args:
        retriever: Any LangChain retriever; one with `search` (`HybridRetriever`) tells scores, too.
        k: Passages at most.
        tokens: Estimated tokens of all passages at most; the first one always goes in.
        query: What to search for, given the messages; the text of the user's last one.
        filter: Metadata conditions as the retriever knows them, or what makes them of the state and
            the runtime, such as `lambda state, runtime: {"tenant": runtime.context.tenant}`. Where
            that returns `None`, everything can be found.

    Raises:
        ConfigurationError: Limits under which nothing could be found, or a filter for a retriever
            that takes none.
    """

    state_schema = RetrievalMiddlewareState

    def __init__(
        self,
        retriever: RetrieverLike,
        *,
        k: int = 4,
        tokens: int = 3_000,
        query: Callable[[Sequence[AnyMessage]], str] = last_question,
        filter: FilterChoice = None,  # noqa: A002 - LangChain's word.
    ) -> None:
        """Remember what to ask, and how much of it to show."""
        super().__init__()
        self._k, self._tokens = require_limits(k, tokens)
        self._search = Search(retriever, filter)
        self._query = query

    def before_agent(self, state: RetrievalMiddlewareState, runtime: Runtime[Any]) -> Update:
        """Find sources for this run."""
        query = self._query(state["messages"])
        found = self._search.find(query, self._k, state, runtime) if query else []
        return {"sources": records_of(found, self._k, self._tokens), "citations": []}

    async def abefore_agent(self, state: RetrievalMiddlewareState, runtime: Runtime[Any]) -> Update:
        """Find sources for this run without blocking."""
        query = self._query(state["messages"])
        found = await self._search.afind(query, self._k, state, runtime) if query else []
        return {"sources": records_of(found, self._k, self._tokens), "citations": []}

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Show the model the sources."""
        return handler(_shown(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Show the model the sources."""
        return await handler(_shown(request))

    def after_agent(self, state: RetrievalMiddlewareState, runtime: Runtime[Any]) -> Update:
        """Tell which sources the answer names."""
        del runtime
        answer = state["messages"][-1]
        text = answer.text if isinstance(answer, AIMessage) else ""
        return {"citations": cited(text, state.get("sources", []))}


def _shown(request: ModelRequest[Any]) -> ModelRequest[Any]:
    sources = cast("RetrievalMiddlewareState", request.state).get("sources")
    if not sources:
        return request
    system = [] if request.system_message is None else [request.system_message]
    shown = with_sources([*system, *request.messages], sources)
    if isinstance(shown[0], SystemMessage):
        return request.override(
            system_message=shown[0], messages=cast("list[AnyMessage]", shown[1:])
        )
    return request.override(messages=cast("list[AnyMessage]", shown))
