"""Balance: choose one of the deployments that are ready.

A strategy is any function `(ready, rng) -> chosen`. Tiers are never balanced: `ready` always comes
from one tier. Failures are not the balancer's business: who fails is shut by its breaker.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.call import Attempt, Call, Reply
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.layer import AttemptHandler, Candidates, Handler, Refused
from langchain_switchyard.routing.state import DeploymentState

Strategy: TypeAlias = Callable[[Sequence[DeploymentState], random.Random], DeploymentState]
"""Chooses one of several ready deployments."""

StrategyName = Literal["weighted_random", "round_robin", "least_pending"]


def weighted_random(ready: Sequence[DeploymentState], rng: random.Random) -> DeploymentState:
    """Each in proportion to its weight."""
    if len(ready) == 1:
        return ready[0]
    return rng.choices(ready, [state.deployment.weight for state in ready])[0]


def least_pending(ready: Sequence[DeploymentState], rng: random.Random) -> DeploymentState:
    """The one with the fewest attempts under way for its weight; ties by lot."""
    loads = [(state.pending + 1) / state.deployment.weight for state in ready]
    lightest = min(loads)
    # By lot, not by list order: the first listed would otherwise take every quiet moment.
    return rng.choice([s for s, load in zip(ready, loads, strict=True) if load == lightest])


def round_robin() -> Strategy:
    """Each in turn. The turn is remembered, so every router needs its own."""
    turns = itertools.count()

    def strategy(ready: Sequence[DeploymentState], _rng: random.Random) -> DeploymentState:
        return ready[next(turns) % len(ready)]

    return strategy


def strategy_named(balance: StrategyName | Strategy) -> Strategy:
    """The strategy of that name, or the function itself."""
    if callable(balance):
        return balance
    named: dict[str, Callable[[], Strategy]] = {
        "weighted_random": lambda: weighted_random,
        "round_robin": round_robin,
        "least_pending": lambda: least_pending,
    }
    if balance not in named:
        raise ConfigurationError(
            f"unknown balancing strategy {balance!r}: use one of {', '.join(sorted(named))}, "
            "or give a function (ready, rng) -> chosen"
        )
    return named[balance]()


def _chosen(
    strategy: Strategy, ready: Sequence[DeploymentState], rng: random.Random
) -> DeploymentState:
    """What a strategy of somebody else's chooses, if it is one of those it was given."""
    name = getattr(strategy, "__name__", None) or repr(strategy)
    try:
        chosen = strategy(ready, rng)
    except Exception as error:
        raise ConfigurationError(
            f"the balancing strategy {name} raised {type(error).__name__}: {error}"
        ) from error
    if not any(chosen is state for state in ready):
        raise ConfigurationError(
            f"the balancing strategy {name} must return one of the deployments it is given, "
            f"got {chosen!r}"
        )
    return chosen


def balance(strategy: Strategy, rng: random.Random) -> Callable[[AttemptHandler], Handler]:
    """Turn a call and those who are ready into an attempt at one of them."""

    def layer(inner: AttemptHandler) -> Handler:
        def handle(call: Call, candidates: Candidates) -> Steps[Reply]:
            ready = list(candidates)
            while ready:
                chosen = _chosen(strategy, ready, rng) if len(ready) > 1 else ready[0]
                attempt = Attempt(call, chosen, number=len(call.attempts) + 1)
                try:
                    return (yield from inner(attempt))
                except Refused:
                    # Somebody else took the last probe since the list was made: try the others.
                    ready.remove(chosen)
            raise Refused

        return handle

    return layer
