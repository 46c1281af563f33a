"""When everybody has failed: a marked answer from the past, if the application agreed to that."""

from __future__ import annotations

import dataclasses
from typing import Any

from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.plan import Plan, question_of
from langchain_switchyard.cache.serving import serve
from langchain_switchyard.errors import AllDeploymentsFailed
from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.failures import Kind

_OUTAGES = frozenset(
    {Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.TIMEOUT, Kind.CONNECTION, Kind.SERVER_ERROR}
)
"""Nothing in the request caused these; other kinds are somebody's to mend, and must be heard."""


def is_outage(error: AllDeploymentsFailed) -> bool:
    """Whether a request failed for no reason of its own.

    Each deployment's last word counts. An open breaker or a throttle counts as the outage that
    caused it; a deadline may have passed before anybody failed.
    """
    last = {attempt.deployment_id: attempt.failure for attempt in error.attempts}
    return all(failure is None or failure.kind in _OUTAGES for failure in last.values())


def degraded(parts: Parts, call: Call, plan: Plan, clock: Clock) -> Steps[Reply | None]:
    """Serve the nearest thing to an answer, or None: stale, a stand-in's, or a like question's."""
    mode = parts.policy.degradation.mode
    if mode == "off" or plan.key is None or plan.options.no_cache or call.shown:
        return None
    reply = yield from _same_request(parts, call, plan, clock, None)
    if reply is not None:
        return reply
    for route in parts.policy.degradation.stand_ins:
        reply = yield from _same_request(parts, call, plan, clock, route)
        if reply is not None:
            return reply
    return (yield from _similar(parts, call, plan, clock)) if mode == "similar" else None


def _same_request(
    parts: Parts, call: Call, plan: Plan, clock: Clock, route: str | None
) -> Steps[Reply | None]:
    request = plan.request if route is None else dataclasses.replace(plan.request, model=route)
    key = parts.keys.key(request)
    found = yield from parts.shelf.find(key, clock)
    if found is None or plan.use_of(found[0], clock.wall()) == "dead":
        return None
    details: dict[str, Any] = (
        {"degraded": "stale"} if route is None else {"degraded": "stand-in", "route": route}
    )
    return (
        yield from serve(
            call,
            found[0],
            parts.tally,
            namespace=plan.request.namespace,
            level=found[1],
            result="stale",
            now=clock.wall(),
            details=details,
        )
    )


def _similar(parts: Parts, call: Call, plan: Plan, clock: Clock) -> Steps[Reply | None]:
    semantic, question = parts.semantic, question_of(parts, plan)
    if semantic is None or question is None or plan.key is None:
        return None
    hit = yield from semantic.outage(question, clock)
    if hit is None:
        return None
    found = yield from parts.shelf.find(Key(hit.key, plan.key.scope), clock)
    use = "dead" if found is None else plan.use_of(found[0], clock.wall())
    # An answer about today is no answer about another day.
    if found is None or use == "dead" or (hit.timely and use != "fresh"):
        return None
    details = {
        "degraded": "similar",
        "similarity": round(hit.similarity, 4),
        "hit_id": hit.hit_id,
        "question": hit.question,
    }
    return (
        yield from serve(
            call,
            found[0],
            parts.tally,
            namespace=plan.request.namespace,
            level=found[1],
            result="stale",
            now=clock.wall(),
            details=details,
        )
    )
