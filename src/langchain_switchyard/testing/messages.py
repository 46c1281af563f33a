"""LangChain messages made of what happens in a scripted call."""

from __future__ import annotations

import json
from copy import copy
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCall, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel

from langchain_switchyard.testing.steps import Finish, ToolPiece
from langchain_switchyard.testing.tokens import count_tokens

M = TypeVar("M", bound=BaseModel)

_BLANK_MESSAGE = AIMessage(
    content="",
    additional_kwargs={},
    response_metadata={},
    tool_calls=[],
    invalid_tool_calls=[],
    usage_metadata=UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0),
)
_BLANK_GENERATION = ChatGeneration(message=_BLANK_MESSAGE)
_BLANK_RESULT = ChatResult(generations=[_BLANK_GENERATION])


def _filled(blank: M, **values: Any) -> M:
    """Return a copy of a blank with our own values, unchecked.

    Validating them would take most of the time of a call. Give every mutable field: what is left
    out is shared with the blank.
    """
    fresh = copy(blank)
    fresh.__dict__.update(values)
    return fresh


def plain_result(
    text: str, calls: list[ToolPiece], usage: UsageMetadata | None, metadata: dict[str, Any]
) -> ChatResult:
    """Return a whole answer, as a plain call returns it."""
    message = _filled(
        _BLANK_MESSAGE,
        content=text,
        additional_kwargs={},
        tool_calls=_join(calls) if calls else [],
        invalid_tool_calls=[],
        usage_metadata=usage,
        response_metadata=metadata,
    )
    generation = _filled(_BLANK_GENERATION, message=message, text=text)
    return _filled(_BLANK_RESULT, generations=[generation])


def usage_of(messages: list[BaseMessage], finish: Finish) -> UsageMetadata | None:
    """Return the scripted usage, or an estimate that depends on the texts alone."""
    if isinstance(finish.usage, dict):
        return finish.usage
    if finish.usage is False:
        return None
    read = 3
    for message in messages:
        content = message.content
        read += 3 + count_tokens(content if isinstance(content, str) else message.text)
    wrote = finish.output_tokens
    return UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)


def text_chunk(text: str) -> ChatGenerationChunk:
    """Return one streamed piece of text."""
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def tool_chunk(piece: ToolPiece) -> ChatGenerationChunk:
    """Return one streamed fragment of a tool call."""
    chunk = tool_call_chunk(name=piece.name, args=piece.args, id=piece.id, index=piece.slot)
    return ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[chunk]))


def last_chunk(usage: UsageMetadata | None, metadata: dict[str, Any]) -> ChatGenerationChunk:
    """Return the chunk that ends a stream and says what it cost."""
    message = AIMessageChunk(
        content="", chunk_position="last", usage_metadata=usage, response_metadata=metadata
    )
    return ChatGenerationChunk(message=message)


def _join(fragments: list[ToolPiece]) -> list[ToolCall]:
    """Put streamed fragments of tool calls together again."""
    first = [piece for piece in fragments if piece.name is not None]
    texts = ["".join(p.args for p in fragments if p.slot == head.slot) for head in first]
    return [
        tool_call(name=head.name or "", args=json.loads(text), id=head.id)
        for head, text in zip(first, texts, strict=True)
    ]
