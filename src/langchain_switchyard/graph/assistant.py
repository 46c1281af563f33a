"""The assistant: all nodes and edges on one screen."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.retrievers import RetrieverLike
from langchain_core.runnables import Runnable, RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer

from langchain_switchyard.conversation import Intent, IntentTracker, RuleIntentTracker
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.graph.nodes.evaluate import evaluate_node
from langchain_switchyard.graph.nodes.generate import generate_node
from langchain_switchyard.graph.nodes.intent import intent_node
from langchain_switchyard.graph.nodes.retrieve import retrieve_node
from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.state import AssistantInput, AssistantOutput, AssistantState, Update
from langchain_switchyard.quality import Evaluator, HeuristicEvaluator

Assistant = CompiledStateGraph[AssistantState, None, AssistantInput, AssistantOutput]
"""What `build_assistant` returns."""


def build_assistant(
    model: Runnable[LanguageModelInput, AIMessage],
    *,
    retriever: RetrieverLike | None = None,
    checkpointer: Checkpointer = None,
    tracker: IntentTracker | None = None,
    evaluator: Evaluator | None = None,
    policy: AssistantPolicy | None = None,
) -> Assistant:
    """Build the graph `intent -> retrieve -> generate -> evaluate`.

    ```text
    START -> intent -+-> retrieve -> generate -> evaluate -+-> END
                     |                  ^                  |
                     +- small talk -----+                  |
                             ^          +------------------+  not accepted, at most
                             +-----------------------------+  `policy.regenerations` times
    ```

    With `stream_mode="messages"` only `generate` streams tokens, each exactly once. Where an answer
    is rejected after it was streamed, a reset chunk says so before the next one begins.

    Args:
        model: Who answers; a `ChatSwitchyard`, or any chat model.
        retriever: Where sources come from; without one the assistant answers from the model alone.
        checkpointer: Where threads are kept; without one each call stands alone.
        tracker: Tells what a message is for; by rules, unless given.
        evaluator: Judges answers; by overlap with the sources, unless given.
        policy: Limits.

    Raises:
        ConfigurationError: Model or retriever is something else.

    Returns:
        The compiled graph: `invoke({"messages": [("user", "...")]})`.
    """
    _require_runnable("model", model, "a chat model, such as ChatSwitchyard")
    if retriever is not None:
        _require_runnable("retriever", retriever, "a LangChain retriever, such as HybridRetriever")
    policy = policy or AssistantPolicy()
    graph = StateGraph(AssistantState, input_schema=AssistantInput, output_schema=AssistantOutput)
    graph.add_node("intent", _unheard(intent_node(tracker or RuleIntentTracker(), policy)))
    graph.add_node("generate", generate_node(model, policy))
    graph.add_node("evaluate", _unheard(evaluate_node(evaluator or HeuristicEvaluator(), policy)))

    search = "generate" if retriever is None else "retrieve"
    if retriever is not None:
        graph.add_node("retrieve", retrieve_node(retriever, policy))
        graph.add_edge("retrieve", "generate")
    graph.add_edge(START, "intent")
    graph.add_conditional_edges("intent", _first_step, {"look up": search, "talk": "generate"})
    graph.add_edge("generate", "evaluate")
    graph.add_conditional_edges(
        "evaluate",
        lambda state: state["step"],
        {"retrieve": search, "generate": "generate", "end": END},
    )
    return graph.compile(checkpointer=checkpointer, name="assistant")


def _require_runnable(name: str, value: object, wanted: str) -> None:
    if not isinstance(value, Runnable):
        raise ConfigurationError(f"build_assistant: {name} is {wanted}; got {value!r:.80}")


def _first_step(state: AssistantState) -> Literal["look up", "talk"]:
    needs_sources = Intent(**state["intent"]).needs_sources
    # "Go on" at the beginning of a thread has nothing that could be searched.
    return "look up" if needs_sources and state["query"] else "talk"


def _unheard(node: Any) -> Runnable[AssistantState, Update]:
    """Keep whatever model a node may ask out of the answer's stream."""
    return RunnableLambda(node).with_config(tags=["nostream"])
