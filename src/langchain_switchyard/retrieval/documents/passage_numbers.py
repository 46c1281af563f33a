"""Numbers for passages that no other passage of a thread has, so that ``[3]`` means one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

NUMBER = "passage"
"""Metadata key of a passage's number in what a search tool found."""


def free_numbers(runtime: object, count: int) -> list[int]:
    """Return ``count`` numbers for what one tool call found.

    Args:
        runtime: LangGraph's ``ToolRuntime``; ``None`` outside of a graph, where numbers begin at 1.
        count: How many.
    """
    state = getattr(runtime, "state", None)
    messages = [each for each in _part(state, "messages") if isinstance(each, BaseMessage)]
    last = max(_taken(state, messages), default=0)
    place, calls = _turn(messages, getattr(runtime, "tool_call_id", None))
    # Calls made at once do not see each other's passages: each takes every n-th number.
    return [last + 1 + place + calls * step for step in range(count)]


def _taken(state: object, messages: Sequence[BaseMessage]) -> Iterator[int]:
    """Numbers of passages that tools found, and of sources that a node or a middleware shows."""
    for message in messages:
        artifact = message.artifact if isinstance(message, ToolMessage) else None
        for found in artifact if isinstance(artifact, list) else ():
            # A checkpointer gives documents inside of messages back as mappings.
            metadata = found.get("metadata") if isinstance(found, Mapping) else _metadata(found)
            number = metadata.get(NUMBER) if isinstance(metadata, Mapping) else None
            if isinstance(number, int):
                yield number
    for source in _part(state, "sources"):
        if isinstance(source, Mapping) and isinstance(source.get("n"), int):
            yield source["n"]


def _metadata(found: object) -> Mapping[str, Any]:
    return found.metadata if isinstance(found, Document) else {}


def _turn(messages: Sequence[BaseMessage], call_id: str | None) -> tuple[int, int]:
    """Which of how many calls of the model's last message this is, from 0."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            ids = [call["id"] for call in message.tool_calls]
            return (ids.index(call_id), len(ids)) if call_id in ids else (0, 1)
    return 0, 1


def _part(state: object, name: str) -> Sequence[Any]:
    found = state.get(name) if isinstance(state, Mapping) else getattr(state, name, None)
    return found if isinstance(found, list | tuple) else ()
