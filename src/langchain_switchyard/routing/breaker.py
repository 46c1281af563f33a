"""Breaker: let an attempt through its deployment's circuit, and tell it what became of it.

The circuit itself, with its policy and its states, is in `circuit.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from langchain_switchyard.routing.call import Attempt, Reply
from langchain_switchyard.routing.circuit import BreakerState
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.events import Audience, BreakerChanged
from langchain_switchyard.routing.layer import AttemptHandler, Refused

_log = logging.getLogger(__name__)


def breaker(audience: Audience, clock: Clock) -> Callable[[AttemptHandler], AttemptHandler]:
    """An attempt that is not let through costs nothing; `balance` asks somebody else."""

    def layer(inner: AttemptHandler) -> AttemptHandler:
        def handle(attempt: Attempt) -> Steps[Reply]:
            circuit = attempt.state.breaker
            permit = circuit.acquire(clock.now())
            if permit is None:
                raise Refused
            try:
                return (yield from inner(attempt))
            finally:
                # Also on cancellation: the outcome is still `ignored` then.
                before, after = circuit.settle(
                    permit,
                    attempt.outcome,
                    clock.now(),
                    elapsed=attempt.elapsed,
                    open_for=attempt.failure.open_for if attempt.failure is not None else None,
                )
                if before is not after:
                    _announce(audience, attempt, before, after)

        return handle

    return layer


def _announce(
    audience: Audience, attempt: Attempt, before: BreakerState, after: BreakerState
) -> None:
    """A circuit that changes is worth a line in the log; one that opens is worth a warning."""
    level = logging.WARNING if after is BreakerState.OPEN else logging.INFO
    reason = f": {attempt.failure}" if attempt.failure is not None else ""
    _log.log(level, "%s: breaker %s -> %s%s", attempt.deployment_id, before, after, reason)
    if audience:
        audience.tell(BreakerChanged(attempt, before, after))
