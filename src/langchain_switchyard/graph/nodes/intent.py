"""The first node: what is this message for, and what should be searched?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

from langchain_core.messages import AnyMessage, HumanMessage, RemoveMessage

from langchain_switchyard.conversation import IntentTracker, standalone_query, topic_after
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.state import AssistantState, IntentRecord, Update


def intent_node(
    tracker: IntentTracker, policy: AssistantPolicy
) -> Callable[[AssistantState], Update]:
    """Make the node that begins a turn.

    Args:
        tracker: Tells the intent.
        policy: How many messages a thread keeps.
    """

    def intent(state: AssistantState) -> Update:
        earlier, message = _split(state.get("messages", []))
        repeated = _unanswered(earlier, message)
        earlier = earlier[: len(earlier) - len(repeated)]
        found = tracker.track(message.text, earlier)
        # Without a checkpointer the caller's own history tells what the talk is about.
        before = state.get("topic") or _last_question(earlier)
        topic = topic_after(message.text, found, before)
        return {
            "messages": [
                RemoveMessage(id=str(old.id)) for old in [*_surplus(earlier, policy), *repeated]
            ],
            "intent": cast("IntentRecord", asdict(found)),
            "query": standalone_query(message.text, found, before),
            "topic": topic,
            "told": state.get("told", []) if topic == state.get("topic") else [],
            "searched": False,
            "sources": [],
            "citations": [],
            "quality": None,
            "attempts": 0,
            "draft": None,
        }

    return intent


def _split(messages: Sequence[AnyMessage]) -> tuple[list[AnyMessage], HumanMessage]:
    if not messages or not isinstance(messages[-1], HumanMessage):
        raise ConfigurationError(
            'a turn begins with a message of the user: {"messages": [("user", "...")]}'
        )
    return list(messages[:-1]), messages[-1]


def _unanswered(earlier: Sequence[AnyMessage], message: HumanMessage) -> list[AnyMessage]:
    """The same question from turns that failed: asked again, it stands in the thread once."""
    begin = len(earlier)
    while begin and _is_same(earlier[begin - 1], message):
        begin -= 1
    return list(earlier[begin:])


def _is_same(old: AnyMessage, new: HumanMessage) -> bool:
    return isinstance(old, HumanMessage) and old.content == new.content


def _last_question(earlier: Sequence[AnyMessage]) -> str:
    asked = (message.text for message in reversed(earlier) if isinstance(message, HumanMessage))
    return next(asked, "")


def _surplus(earlier: list[AnyMessage], policy: AssistantPolicy) -> list[AnyMessage]:
    """The oldest messages beyond what a thread keeps, up to the beginning of a turn."""
    end = len(earlier) + 1 - policy.kept_messages
    if end <= 0:
        return []
    while end < len(earlier) and not isinstance(earlier[end], HumanMessage):
        end += 1
    return earlier[:end]
