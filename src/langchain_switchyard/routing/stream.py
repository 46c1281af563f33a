"""One streamed attempt: the commit gate, the relay, and the proof that the answer is whole.

Nothing is shown before the first real content, reasoning or tool-call delta, so that everything
until then can fail unseen. After it, what broke is made good only in ways the consumer can follow.
"""

from __future__ import annotations

from typing import Any

from langchain_core.exceptions import ModelAPIError, ModelConnectionError
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.routing.call import Attempt, Call, Reply
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Emit, Open, Relay, Steps, read
from langchain_switchyard.routing.reset import first_chunk, reset_chunk
from langchain_switchyard.routing.timeouts import Timeouts, earliest

_FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason", "status")
"""How providers call the reason why an answer ended."""


def streamed(
    attempt: Attempt, until: float | None, timeouts: Timeouts, clock: Clock
) -> Steps[Reply]:
    """Open, wait unseen for the first content, then hand over chunk by chunk."""
    yield Open(attempt, _longest_silence(timeouts, until, attempt.started))
    held = yield from _until_content(attempt, until, timeouts)
    attempt.first_token = clock.now() - attempt.started
    seen: list[ChatGenerationChunk] = []
    if held and _shows(held[-1].message):
        yield from _commit(attempt.call, attempt)
        note = _noting(attempt.call, seen)
        for index, chunk in enumerate(held):
            note(chunk)
            opens = index == 0 and attempt.call.recovery == "restart"
            yield Emit(first_chunk(chunk) if opens else chunk)
        yield Relay(note, timeouts.stall, until)
    else:
        seen = held
    metadata = _collect(attempt, seen)
    if not attempt.call.shown:
        for chunk in held:
            yield Emit(chunk)
    return Reply(attempt, metadata=metadata)


def _longest_silence(timeouts: Timeouts, until: float | None, now: float) -> float | None:
    """Seconds after which no limit of this stream could still be waiting for bytes."""
    total = None if until is None else until - now
    if timeouts.first_token is None or timeouts.stall is None:
        return total
    return earliest(max(timeouts.first_token, timeouts.stall), total)


def _until_content(
    attempt: Attempt, until: float | None, timeouts: Timeouts
) -> Steps[list[ChatGenerationChunk]]:
    """The commit gate: read until a chunk shows something, or the stream ends."""
    first = timeouts.first_token
    silence = earliest(until, None if first is None else attempt.started + first)
    held: list[ChatGenerationChunk] = []
    while True:
        chunk = yield from read(silence)
        if chunk is None:
            return held
        held.append(chunk)
        if _shows(chunk.message):
            return held


def _commit(call: Call, attempt: Attempt) -> Steps[None]:
    """From here on the consumer sees this attempt; what it holds of an earlier one is reset."""
    if call.shown and not call.prefix:
        call.shown.clear()
        yield Emit(reset_chunk(attempt.deployment_id, attempt.number, call.message_id))


def _noting(call: Call, seen: list[ChatGenerationChunk]) -> Any:
    """A function that remembers each chunk and tells whether it is progress."""
    shown = call.shown
    keep_id = bool(call.attempts[1:])

    def note(chunk: ChatGenerationChunk) -> bool:
        message = chunk.message
        if keep_id:
            message.id = call.message_id
        elif call.message_id is None:
            call.message_id = message.id
        # Ours is the last chunk: it tells the whole story.
        if message.chunk_position is not None:  # type: ignore[attr-defined]
            message.chunk_position = None  # type: ignore[attr-defined]
        seen.append(chunk)
        shown.append(chunk)
        return bool(message.content) or _shows(message)

    return note


def _shows(message: BaseMessage) -> bool:
    """Whether a chunk has anything for a reader: text, reasoning, media or a tool call."""
    content = message.content
    if isinstance(content, str):
        if content:
            return True
    elif any(_block_shows(block) for block in content):
        return True
    if isinstance(message, AIMessageChunk) and message.tool_call_chunks:
        return True
    return bool(message.additional_kwargs.get("reasoning_content"))


def _block_shows(block: str | dict[str, Any]) -> bool:
    if isinstance(block, str):
        return bool(block)
    return any(value for key, value in block.items() if key not in {"type", "index", "id"})


def _collect(attempt: Attempt, seen: list[ChatGenerationChunk]) -> dict[str, Any]:
    """What the chunks said of the answer; raises if they do not add up to a whole one."""
    metadata: dict[str, Any] = {}
    usage: UsageMetadata | None = None
    for chunk in seen:
        if chunk.generation_info:
            metadata.update(chunk.generation_info)
        message = chunk.message
        if message.response_metadata:
            metadata.update(message.response_metadata)
        if isinstance(message, AIMessageChunk) and message.usage_metadata:
            usage = add_usage(usage, message.usage_metadata)
    attempt.usage = usage
    state = attempt.state
    if any(metadata.get(key) for key in _FINISH_KEYS):
        state.finishes = True
    elif state.finishes:
        raise ModelConnectionError("the stream ended without a finish reason: it was cut")
    if not seen:
        raise ModelAPIError("the stream ended without a single chunk")
    return metadata
