"""From a model's reply to an entry: what is stored, and how long it is good."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message

from langchain_switchyard.cache.admission import answer_rule
from langchain_switchyard.cache.codec import encode
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.subject import tenant_mark
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.plan import Plan
from langchain_switchyard.cache.policy import CENTURY, CachePolicy
from langchain_switchyard.routing.call import Attempt, Call, Reply
from langchain_switchyard.routing.clock import World

_log = logging.getLogger(__name__)


def message_of(call: Call, reply: Reply) -> AIMessage | None:
    """The whole message of a reply, with what the provider said about it; None if there is none."""
    facts: dict[str, Any] = {}
    if reply.result is not None:
        generation = reply.result.generations[0]
        message: Any = generation.message
        facts = {**(reply.result.llm_output or {}), **(generation.generation_info or {})}
    elif call.shown:
        first, *rest = (chunk.message for chunk in call.shown)
        summed = first if not rest else first + rest
        message = message_chunk_to_message(summed)
        facts = dict(reply.metadata)
    else:
        return None
    if not isinstance(message, AIMessage) or isinstance(message, AIMessageChunk):
        return None
    metadata = {**facts, **message.response_metadata}
    if reply.attempt is not None:
        metadata.setdefault("model_name", reply.attempt.state.deployment.model_name)
    return message.model_copy(update={"response_metadata": metadata})


def entry_from(
    message: AIMessage,
    plan: Plan,
    policy: CachePolicy,
    world: World,
    *,
    fresh_for: float | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Entry | None:
    """An entry that lives as the policy says; None if the message has no JSON form.

    Args:
        message: The answer.
        plan: Whom it is about, and the epochs from before the model was asked.
        policy: How long it is good.
        world: Time, and chance for the jitter.
        fresh_for: Instead of the policy's, in seconds.
        facts: `took`, `source` and `cost` of the call that made it.
    """
    try:
        body = encode(message)
    except Uncacheable:
        return None
    request = plan.request
    whose = {} if request.subject is None else {"tenant": tenant_mark(request.tenant)}
    about = {**(facts or {}), "subject": request.subject, "epochs": plan.epochs, **whose}
    return timed(body, policy, world, fresh_for=fresh_for, about=about)


def timed(
    body: bytes,
    policy: CachePolicy,
    world: World,
    *,
    fresh_for: float | None = None,
    about: Mapping[str, Any],
) -> Entry:
    """An entry with its times; `about` holds its other fields."""
    rule, now = policy.freshness, world.clock.wall()
    life = rule.fresh_for if fresh_for is None else fresh_for
    life *= 1 + rule.jitter * (2 * world.random.random() - 1)
    fresh_until = now + min(life, CENTURY)
    stale_until = fresh_until + min(rule.stale_while_revalidate, CENTURY)
    keeps = policy.degradation.mode != "off"
    return Entry(
        body=body,
        created=now,
        fresh_until=fresh_until,
        stale_until=stale_until,
        outage_until=fresh_until + min(rule.stale_if_error, CENTURY) if keeps else stale_until,
        **about,
    )


def facts_of(attempt: Attempt | None) -> dict[str, Any]:
    """What the call cost that made an answer."""
    if attempt is None:
        return {}
    price, usage = attempt.state.deployment.price, attempt.usage
    cost = {} if price is None or usage is None else {price.currency: price.cost(usage)}
    return {"took": attempt.elapsed, "source": attempt.deployment_id, "cost": cost}


def why_not_stored(parts: Parts, plan: Plan, call: Call, message: AIMessage) -> str | None:
    """Why an answer is not stored, or None if it may be."""
    if plan.options.no_store:
        return "no_store"
    if call.prefix:
        return "continued by another model"
    return answer_rule(message, plan.request.parameters, plan.options, parts.policy.admission)


def redacted(parts: Parts, message: AIMessage) -> AIMessage | None:
    """The message as it may be stored; None if it may not, or if the hook failed."""
    if parts.redact is None:
        return message
    try:
        fit = parts.redact(message.model_copy(deep=True))
        if fit is not None and not isinstance(fit, AIMessage):
            raise TypeError(f"it returns an AIMessage or None, and returned {fit!r}")  # noqa: TRY301 - reported like what it raises itself.
    except Exception:  # noqa: BLE001 - a hook may raise anything, and it is logged.
        # Storing what could not be redacted would be worse than not storing it.
        _log.exception("the redaction hook failed; the answer is not stored")
        return None
    return fit
