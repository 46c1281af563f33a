"""The way of a request, outermost first. READ THIS FIRST.

A request is a generator of effects (`effects.py`) that runs down through the layers below and back.
Every layer is a function `layer(inner) -> handler` in a file of its own; a driver performs the
effects, blocking or awaiting. A new mechanism is a new file and one line here.
"""

from __future__ import annotations

from langchain_switchyard.routing.attempt import attempt
from langchain_switchyard.routing.balance import Strategy, balance
from langchain_switchyard.routing.breaker import breaker
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.deadline import deadline
from langchain_switchyard.routing.events import Audience
from langchain_switchyard.routing.fallback import fallback
from langchain_switchyard.routing.layer import Handler, LayerSource
from langchain_switchyard.routing.observe import observe
from langchain_switchyard.routing.retry import Retry, RetryPolicy
from langchain_switchyard.routing.timeouts import Timeouts


def pipeline(
    *,
    strategy: Strategy,
    retries: RetryPolicy,
    timeouts: Timeouts,
    audience: Audience,
    world: World,
    cache: LayerSource | None = None,
) -> Handler:
    """All layers in their order."""
    clock = world.clock

    # Innermost: ask one deployment once. Emits nothing before the first real content.
    one = attempt(timeouts, audience, clock)
    # Outside the attempt: a refused attempt must cost neither tokens nor a connection.
    one = breaker(audience, clock)(one)

    # Chooses among those who are ready; below it there is one deployment, above it there are many.
    request = balance(strategy, world.random)(one)
    # Outside balance: every retry chooses anew.
    request = Retry(retries, world)(request)
    # Outside retry: a tier's own second chance comes before the next tier.
    request = fallback(clock)(request)
    # Outside fallback: one deadline for all that the request does.
    request = deadline(timeouts, clock)(request)
    if cache is not None:
        # Outside the deadline: an answer that is there already needs none, and a stale one may
        # still serve when everything inside has failed.
        request = cache.layer(world)(request)
    # Outermost: tells the story of everything, whatever happens.
    return observe(audience, clock)(request)
