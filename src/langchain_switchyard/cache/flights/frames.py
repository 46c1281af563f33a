"""A call under way as bytes: each chunk of its stream, and in the end its whole answer.

A schema of our own like the stored one: bytes can become a chunk or an entry, and nothing else.
"""

from __future__ import annotations

from typing import Any

import orjson
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import ValidationError

from langchain_switchyard.cache.entry import Entry, packed, unpacked
from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.routing.reset import (
    FirstGenerationChunk,
    ResetGenerationChunk,
    ResetMessageChunk,
    first_chunk,
)

_CHUNK, _FIRST, _RESET, _END = b"c", b"f", b"r", b"e"
_CONTENT, _CALLS, _EXTRA, _META = "c", "t", "a", "r"


def chunk_frame(chunk: ChatGenerationChunk) -> bytes:
    """A chunk as it may be shown to others: no id of its run, no usage.

    Raises:
        Uncacheable: A part of it has no JSON form.
    """
    message: Any = chunk.message
    form = {
        _CONTENT: message.content,
        _CALLS: getattr(message, "tool_call_chunks", []),
        _EXTRA: message.additional_kwargs,
        _META: message.response_metadata,
    }
    try:
        data = orjson.dumps({name: value for name, value in form.items() if value})
    except (TypeError, ValueError, RecursionError) as error:
        raise Uncacheable(f"the chunk has no JSON form: {error}") from error
    return _kind(chunk) + data


def end_frame(entry: Entry) -> bytes:
    """The whole answer, after which nothing comes."""
    return _END + packed(entry)


def read_frame(frame: bytes) -> ChatGenerationChunk | Entry:
    """The chunk or the answer.

    Raises:
        ValueError: The bytes are neither.
    """
    kind, data = frame[:1], frame[1:]
    if kind == _END:
        return unpacked(data)
    form = orjson.loads(data)
    if kind not in (_CHUNK, _FIRST, _RESET) or not isinstance(form, dict):
        raise ValueError("not a frame of this version")
    if kind == _RESET:
        reset = ResetMessageChunk(content="", response_metadata=form.get(_META, {}))
        return ResetGenerationChunk(message=reset)
    try:
        message = AIMessageChunk(
            content=form.get(_CONTENT, ""),
            tool_call_chunks=form.get(_CALLS, []),
            additional_kwargs=form.get(_EXTRA, {}),
            response_metadata=form.get(_META, {}),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise ValueError(f"not a chunk: {error!r}") from error
    chunk = ChatGenerationChunk(message=message)
    return first_chunk(chunk) if kind == _FIRST else chunk


def _kind(chunk: ChatGenerationChunk) -> bytes:
    if isinstance(chunk, ResetGenerationChunk):
        return _RESET
    return _FIRST if isinstance(chunk, FirstGenerationChunk) else _CHUNK
