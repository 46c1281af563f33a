"""The node that judges the answer, and decides whether there is another one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

from langchain_core.callbacks import dispatch_custom_event
from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage
from langchain_core.messages.base import message_to_dict
from langchain_core.messages.utils import messages_from_dict
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp

from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.state import AssistantState, Draft, Update, VerdictRecord
from langchain_switchyard.quality import Evaluator, Exchange, Verdict
from langchain_switchyard.routing.reset import ResetMessageChunk

RESET_EVENT = "switchyard_reset"
"""Name of the custom event by which readers of `astream_events` hear of a rejected answer."""

_logger = logging.getLogger(__name__)


def evaluate_node(
    evaluator: Evaluator, policy: AssistantPolicy
) -> Callable[[AssistantState, RunnableConfig], Update]:
    """Make the node that ends a turn, or sends it back for a better answer.

    A rejected answer leaves the thread, and whoever streams is told to discard it by the same
    reset chunk with which the router announces a restarted stream. Who reads events, where such a
    chunk of the graph's own does not come by, is told by a custom event. After the last try the
    best answer stays, with the verdict that it was not accepted.

    Args:
        evaluator: Judges the answer.
        policy: How often an answer may be generated anew.
    """

    def evaluate(state: AssistantState, config: RunnableConfig) -> Update:
        update = decide(state)
        if "notice" in update:
            _tell(update, config)
        return update

    def decide(state: AssistantState) -> Update:
        answer = state["messages"][-1]
        verdict = _judge(evaluator, state, answer)
        record = _record(verdict)
        if verdict.accepted:
            return {"quality": record, "step": "end", "draft": None}
        if state["attempts"] <= policy.regenerations:
            return _send_back(state, answer, verdict)
        draft = state.get("draft")
        if draft is not None and (draft["quality"]["score"] or 0) > (verdict.score or 0):
            return _restore(draft, answer)
        return {"quality": record, "step": "end", "draft": None}

    return evaluate


def _judge(evaluator: Evaluator, state: AssistantState, answer: AnyMessage) -> Verdict:
    sources = {record["n"]: record["text"] for record in state["sources"]}
    try:
        return evaluator.evaluate(Exchange(state["query"], answer.text, sources))
    except GraphBubbleUp:
        raise
    except Exception as error:
        # Whatever it was: the answer is there, and must not be lost to a broken evaluator.
        _logger.exception("the evaluator failed; the answer stands unevaluated")
        return Verdict.unmeasured(type(error).__name__, type(evaluator).__name__)


def _send_back(state: AssistantState, answer: AnyMessage, verdict: Verdict) -> Update:
    record = _record(verdict)
    draft = Draft(
        message=message_to_dict(answer),
        sources=state["sources"],
        citations=state["citations"],
        quality=record,
    )
    return {
        "notice": _reset(verdict.reason),
        "messages": [RemoveMessage(id=str(answer.id))],
        "citations": [],
        "quality": record,
        "draft": draft,
        "step": "retrieve" if verdict.remedy == "retrieve" else "generate",
    }


def _restore(draft: Draft, worse: AnyMessage) -> Update:
    [message] = messages_from_dict([draft["message"]])
    # A new id: under the old one it has left the thread, and streams have seen it.
    better = AIMessage(**{**_fields(message), "id": None})
    return {
        "notice": _reset("the answer before was better"),
        "messages": [RemoveMessage(id=str(worse.id)), better],
        "sources": draft["sources"],
        "citations": draft["citations"],
        "quality": draft["quality"],
        "draft": None,
        "step": "end",
    }


def _tell(update: Update, config: RunnableConfig) -> None:
    """Tell readers of events to discard the text so far, and what stands in its place, if known."""
    told = update["notice"].response_metadata["switchyard"]
    instead = [message.text for message in update["messages"] if isinstance(message, AIMessage)]
    dispatch_custom_event(RESET_EVENT, {**told, "text": "".join(instead)}, config=config)


def _fields(message: Any) -> dict[str, Any]:
    kept = ("content", "additional_kwargs", "response_metadata", "usage_metadata", "name")
    return {field: getattr(message, field) for field in kept}


def _reset(reason: str) -> ResetMessageChunk:
    """What makes readers of chunks discard the text so far, and sums forget it."""
    told = {"reset": True, "node": "evaluate", "reason": reason}
    return ResetMessageChunk(content="", response_metadata={"switchyard": told})


def _record(verdict: Verdict) -> VerdictRecord:
    values = asdict(verdict)
    values["unsupported"] = list(verdict.unsupported)
    values["broken_citations"] = list(verdict.broken_citations)
    return cast("VerdictRecord", values)
