"""One streamed attempt: the commit gate, the relay, and the proof that the answer is whole.

Nothing is shown before the first real content, reasoning or tool-call delta, so that everything
until then can fail unseen. After it, what broke is made good only in ways the consumer can follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.exceptions import ModelAPIError, ModelConnectionError
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.routing.call import Attempt, Call, Reply
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Open, Relay, Steps, emit, read
from langchain_switchyard.routing.reset import ResetGenerationChunk, first_chunk, reset_chunk
from langchain_switchyard.routing.timeouts import Timeouts, earliest

FOREVER = float("inf")

_FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason", "status")
"""How providers call the reason why an answer ended."""

_SHOWN_BESIDE = ("reasoning_content", "refusal", "function_call", "audio")
"""What some providers answer beside the content."""


class BegunAnew(Exception):
    """A router behind this one takes back what this one's consumer cannot take back."""


def streamed(
    attempt: Attempt, until: float | None, timeouts: Timeouts, clock: Clock
) -> Steps[Reply]:
    """Open, wait unseen for the first content, then hand over chunk by chunk."""
    call = attempt.call
    first = timeouts.first_token
    silence = earliest(until, None if first is None else attempt.started + first)
    yield Open(attempt, silence, _longest_silence(timeouts, until, attempt.started))
    held = yield from _until_content(silence)
    shows = bool(held) and _shows(held[-1].message)
    if shows:
        attempt.first_token = clock.now() - attempt.started
    else:
        _collect(attempt, held, is_empty=not held)  # What is wrong with it is still unseen.
    succeeds = bool(call.shown)
    if succeeds and not call.prefix:
        call.shown.clear()
        marker = reset_chunk(attempt.deployment_id, attempt.number, call.message_id)
        attempt.paused += yield from emit(marker)
    elif held and not succeeds:
        call.message_id = held[0].message.id
    telling: list[ChatGenerationChunk] = []
    note = _noting(call, telling, keeps_id=succeeds)
    for index, chunk in enumerate(held):
        note(chunk)
        is_summable = index == 0 and call.recovery != "error"
        attempt.paused += yield from emit(first_chunk(chunk) if is_summable else chunk)
        if call.message_id is None:
            call.message_id = chunk.message.id  # LangChain gives a run's own id to who has none.
    if shows:
        yield Relay(attempt, note, timeouts.stall or FOREVER, until or FOREVER)
    return Reply(attempt, metadata=_collect(attempt, telling))


def _longest_silence(timeouts: Timeouts, until: float | None, now: float) -> float | None:
    """Seconds after which no limit of this stream could still be waiting for bytes."""
    total = None if until is None else until - now
    if timeouts.first_token is None or timeouts.stall is None:
        return total
    return earliest(max(timeouts.first_token, timeouts.stall), total)


def _until_content(silence: float | None) -> Steps[list[ChatGenerationChunk]]:
    """The commit gate: read until a chunk shows something, or the stream ends."""
    held: list[ChatGenerationChunk] = []
    while True:
        chunk = yield from read(silence)
        if chunk is None:
            return held
        held.append(chunk)
        if _shows(chunk.message):
            return held


def _noting(
    call: Call, telling: list[ChatGenerationChunk], *, keeps_id: bool
) -> Callable[[ChatGenerationChunk], bool]:
    """A function that remembers each chunk handed out and tells whether it is progress.

    Args:
        call: Whose consumer holds the chunks.
        telling: Gets those that say something of the answer: its end, its model, its usage.
        keeps_id: Whether an earlier attempt was shown: then its message id goes on.
    """
    remember = call.shown.append

    def note(chunk: ChatGenerationChunk) -> bool:
        # Pydantic's dicts, fetched once each: asking for every field costs four times as much.
        outer: dict[str, Any] = chunk.__dict__
        message = outer["message"]
        fields: dict[str, Any] = message.__dict__
        remember(chunk)
        if keeps_id or fields["id"] is None:
            fields["id"] = call.message_id
        if outer["generation_info"] or fields["response_metadata"] or fields["usage_metadata"]:
            _hear(chunk)
        if fields["chunk_position"] is not None:
            message.chunk_position = None  # The last chunk is ours: it has the whole story.
        content = fields["content"]
        # Text is by far the most frequent answer, and a call costs as much as all of the above.
        return True if content.__class__ is str and content else _shows(message)

    def _hear(chunk: ChatGenerationChunk) -> None:
        if isinstance(chunk, ResetGenerationChunk):
            if call.recovery != "restart" and any(_shows(one.message) for one in call.shown):
                call.shown.pop()
                raise BegunAnew
            # A router behind this one began anew: what it had shown is gone.
            call.shown[:] = [chunk]
            telling.clear()
        else:
            # Its story is not ours to tell twice.
            chunk.message.response_metadata.pop("switchyard", None)
            telling.append(chunk)

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
    beside = message.additional_kwargs
    return bool(beside) and any(beside.get(key) for key in _SHOWN_BESIDE)


def _block_shows(block: str | dict[str, Any]) -> bool:
    if isinstance(block, str):
        return bool(block)
    return any(value for key, value in block.items() if key not in {"type", "index", "id"})


def _collect(
    attempt: Attempt, telling: list[ChatGenerationChunk], *, is_empty: bool = False
) -> dict[str, Any]:
    """What the chunks said of the answer; raises if they do not add up to a whole one."""
    metadata: dict[str, Any] = {}
    usage: UsageMetadata | None = None
    for chunk in telling:
        message = chunk.message
        metadata.update(chunk.generation_info or {})
        metadata.update(message.response_metadata)
        if isinstance(message, AIMessageChunk) and message.usage_metadata:
            usage = add_usage(usage, message.usage_metadata)
    attempt.usage = usage
    state = attempt.state
    if any(metadata.get(key) for key in _FINISH_KEYS):
        state.finishes = True
    elif state.finishes:
        raise ModelConnectionError("the stream ended without a finish reason: it was cut")
    if is_empty:
        raise ModelAPIError("the stream ended without a single chunk")
    return metadata
