"""A stored answer as a new one: whole, or as a stream.

A replay is not the old message. It has no id yet (LangChain gives each run's answer its own; the
old id would make LangGraph overwrite the older turn), shares nothing with other replays, and bills
nothing: what it cost when it was made becomes `saved_usage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_switchyard.cache.graphemes import pieces

_PIECE = 24
"""Characters per chunk: a line is a handful of chunks, a page not a thousand."""

_REASONING = "reasoning_content"


def free_of_charge(message: AIMessage) -> UsageMetadata | None:
    """Set a message's usage to zero and return what it was."""
    saved = message.usage_metadata
    message.usage_metadata = UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
    return saved


def whole(message: AIMessage) -> ChatResult:
    """A message as a model would return it."""
    return ChatResult(generations=[ChatGeneration(message=message)])


def chunks(
    message: AIMessage, size: int = _PIECE, *, is_whole_stream: bool = True
) -> Iterator[ChatGenerationChunk]:
    """A message as a model would stream it; the chunks add up to it.

    Reasoning comes first, then content in its own order, then tool calls; the last chunk carries
    metadata and usage and says that it is the last. Text in blocks is cut where chunks are joined
    again, that is in blocks with an index: providers' streams have one, whole answers may not.

    Args:
        message: What to replay.
        size: About how many characters a piece of text has; cuts respect grapheme clusters.
        is_whole_stream: Whether nothing comes after these chunks.
    """
    extra = dict(message.additional_kwargs)
    reasoning = extra.pop(_REASONING, None)
    if isinstance(reasoning, str):
        for piece in pieces(reasoning, size):
            yield _chunk(_nothing_like(message), additional_kwargs={_REASONING: piece})
    elif reasoning is not None:
        extra[_REASONING] = reasoning
    for content in _contents(message.content, size):
        yield _chunk(content)
    for index, call in enumerate(message.tool_calls):
        arguments = orjson.dumps(call["args"]).decode()
        part = tool_call_chunk(name=call["name"], args=arguments, id=call["id"], index=index)
        yield _chunk(_nothing_like(message), tool_call_chunks=[part])
    yield _chunk(
        _nothing_like(message),
        additional_kwargs=extra,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        name=message.name,
        chunk_position="last" if is_whole_stream else None,
    )


def _chunk(content: Any, **facts: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=content, **facts))


def _contents(content: str | list[Any], size: int) -> Iterator[Any]:
    """Content in parts that add up to it: text in pieces, blocks in their order."""
    if isinstance(content, str):
        yield from pieces(content, size)
        return
    for block in content:
        yield from _parts(block, size)


def _parts(block: Any, size: int) -> Iterator[list[Any]]:
    """A block in parts that chunks join again: what is no text comes once, with the first part."""
    text = block.get("text") if isinstance(block, dict) else None
    cut = list(pieces(text, size)) if isinstance(text, str) and _is_joined(block) else []
    if not cut:
        yield [block]
        return
    first, *rest = cut
    yield [{**block, "text": first}]
    place = {name: block[name] for name in ("type", "index") if name in block}
    for piece in rest:
        yield [{**place, "text": piece}]


def _is_joined(block: dict[str, Any]) -> bool:
    """Whether LangChain adds up parts of this block, as it does by number or by its own names."""
    index = block.get("index")
    return isinstance(index, int) or (isinstance(index, str) and index.startswith("lc_"))


def _nothing_like(message: AIMessage) -> Any:
    """Empty content of the form the message's content has."""
    return "" if isinstance(message.content, str) else []
