"""From an entry to a reply: replayed whole or as a stream, and told in the answer's metadata."""

from __future__ import annotations

import copy
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.cache.codec import decode
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.replay import chunks, free_of_charge, whole
from langchain_switchyard.cache.tally import Tally
from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.effects import Emit, Steps


def serve(
    call: Call,
    entry: Entry,
    tally: Tally,
    *,
    namespace: str,
    level: str,
    result: str,
    now: float,
    details: dict[str, Any] | None = None,
) -> Steps[Reply]:
    """Answer a call with an entry.

    Args:
        call: Who asks; streamed or not.
        entry: What is served.
        tally: Counts it.
        namespace: For the statistics.
        level: Where the entry came from.
        result: `exact`, `semantic`, `stale` or `coalesced`.
        now: Seconds since the epoch.
        details: More to tell in `cache_detail`.
    """
    message = decode(entry.body)
    saved = free_of_charge(message)
    degraded = (details or {}).get("degraded")
    cause = f"outage: {degraded}" if degraded else "revalidating"
    tally.hit(namespace, level, result, entry, saved, cause=cause)
    detail = {"level": level, "age": round(max(0.0, now - entry.created), 3), **(details or {})}
    if entry.source:
        detail["source"] = entry.source
    # A coalesced answer is as exact as can be; how it came about is a detail.
    word = "exact" if result == "coalesced" else result
    call.cache = {"cache": word, "cache_detail": detail}
    if saved is not None:
        call.cache["saved_usage"] = saved
    if entry.cost:
        call.cache["saved_cost"] = dict(entry.cost)
    if not call.streamed:
        return Reply(None, whole(message))
    return (yield from _stream(call, message))


def _stream(call: Call, message: AIMessage) -> Steps[Reply]:
    # The router ends every stream with a chunk of its own; usage belongs on the last one.
    usage, message.usage_metadata = message.usage_metadata, None
    for chunk in chunks(message, is_whole_stream=False):
        call.shown.append(chunk)
        yield Emit(chunk)
    return Reply(None, metadata=message.response_metadata, usage=usage)


def copied(chunk: ChatGenerationChunk, **changes: Any) -> ChatGenerationChunk:
    """A live chunk for one reader: what it does to the chunk reaches nobody else."""
    message = chunk.message
    twin: BaseMessageChunk
    is_plain = isinstance(message.content, str) and not message.additional_kwargs
    if is_plain and isinstance(message, AIMessageChunk) and not message.tool_call_chunks:
        metadata = dict(message.response_metadata)
        twin = message.model_copy(update={"response_metadata": metadata, **changes})
    else:
        twin = copy.deepcopy(message).model_copy(update=changes)
    info = dict(chunk.generation_info) if chunk.generation_info else None
    # Not built anew: validation would cost more than the copy.
    return chunk.model_copy(update={"message": twin, "generation_info": info})


def free_copy(chunk: ChatGenerationChunk) -> ChatGenerationChunk:
    """A copy for a reader who did not pay for the call: no id of that run, no usage."""
    return copied(chunk, id=None, usage_metadata=None)
