"""Observe: tell the story of a request, in its answer's metadata and to whoever listens."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.deployment import cache_read
from langchain_switchyard.routing.effects import Emit, Steps
from langchain_switchyard.routing.events import Audience, RequestEnded, RequestStarted
from langchain_switchyard.routing.layer import Candidates, Handler, Layer


def observe(audience: Audience, clock: Clock) -> Layer:
    """Open the record of a request, write the story into its answer, close it whatever happens."""
    is_heard = bool(audience)

    def layer(inner: Handler) -> Handler:
        def handle(call: Call, candidates: Candidates) -> Steps[Reply]:
            call.started = clock.now()
            if is_heard:
                audience.tell(RequestStarted(call))
            error: BaseException | None = None
            try:
                reply = yield from inner(call, candidates)
                story = _story(call, reply, clock.now())
                if reply.result is None:
                    yield Emit(_last_chunk(call, reply, story))
                else:
                    _annotate(reply, story)
                return reply
            except BaseException as raised:
                error = raised
                raise
            finally:
                if is_heard:
                    audience.tell(RequestEnded(call, clock.now() - call.started, error))

        return handle

    return layer


def _story(call: Call, reply: Reply, now: float) -> dict[str, Any]:
    """What `response_metadata["switchyard"]` holds: plain values, fit for a checkpoint."""
    told: dict[str, Any] = {}
    if reply.attempt is not None:
        deployment = reply.attempt.state.deployment
        told = {"deployment": deployment.id, "tier": deployment.tier}
    told["attempts"] = [attempt.summary() for attempt in call.attempts]
    told["elapsed"] = round(now - call.started, 6)
    if call.cache is not None:
        told.update(call.cache)
    if costs := _costs(call):
        told["cost"] = costs
    if (read := _cache_read(call)) is not None:
        told["cache_read"] = read
    return told


def _cache_read(call: Call) -> int | None:
    """Input tokens that providers read from their own prompt caches; None if nobody told."""
    read = [cache_read(attempt.usage) for attempt in call.attempts]
    told = [tokens for tokens in read if tokens is not None]
    return sum(told) if told else None


def _costs(call: Call) -> dict[str, float]:
    """Currency -> money of all attempts whose usage and price are known."""
    costs: dict[str, float] = {}
    for attempt in call.attempts:
        price = attempt.state.deployment.price
        if price is not None and attempt.cost is not None:
            spent = costs.get(price.currency, 0.0) + attempt.cost
            costs[price.currency] = round(spent, 12)
    return costs


def _annotate(reply: Reply, story: dict[str, Any]) -> None:
    """Put the story, and the name of the model that answered, on the message."""
    result = reply.result
    if result is None:
        return
    message = result.generations[0].message
    metadata = {**message.response_metadata, "switchyard": story}
    is_named = "model_name" in metadata or "model_name" in (result.llm_output or {})
    if reply.attempt is not None and not is_named:
        metadata["model_name"] = reply.attempt.state.deployment.model_name
    message.response_metadata = metadata


def _last_chunk(call: Call, reply: Reply, story: dict[str, Any]) -> ChatGenerationChunk:
    """The chunk that ends a stream, with the story on it."""
    metadata: dict[str, Any] = {"switchyard": story}
    if reply.attempt is not None and "model_name" not in reply.metadata:
        metadata["model_name"] = reply.attempt.state.deployment.model_name
    message: BaseMessage = AIMessageChunk(
        content=_nothing_like(call),
        response_metadata=metadata,
        usage_metadata=reply.usage,
        chunk_position="last",
        id=call.message_id,
    )
    return ChatGenerationChunk(message=message)


def _nothing_like(call: Call) -> Any:
    """Empty content of the form the stream's content has: text, or a list of blocks."""
    return [] if call.shown and isinstance(call.shown[-1].message.content, list) else ""
