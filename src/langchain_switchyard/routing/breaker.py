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

    def announce(attempt: Attempt, before: BreakerState, after: BreakerState) -> None:
        tell_change(audience, attempt.deployment_id, before, after, attempt)

    def layer(inner: AttemptHandler) -> AttemptHandler:
        def handle(attempt: Attempt) -> Steps[Reply]:
            circuit = attempt.state.breaker
            permit = circuit.acquire(clock.now(), last_resort=attempt.call.is_last_resort)
            if permit is None:
                raise Refused
            if permit.half_opened:
                announce(attempt, BreakerState.OPEN, BreakerState.HALF_OPEN)
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
                announce(attempt, before, after)

        return handle

    return layer


def tell_change(
    audience: Audience,
    deployment: str,
    before: BreakerState,
    after: BreakerState,
    attempt: Attempt | None,
) -> None:
    """A circuit that changes is worth a line in the log; one that opens is worth a warning.

    Args:
        audience: Who is told.
        deployment: Whose circuit it is.
        before: Its state before; nothing is told if it is the same after.
        after: Its state now.
        attempt: What moved it; None: somebody's hand.
    """
    if before is after:
        return
    level = logging.WARNING if after is BreakerState.OPEN else logging.INFO
    failure = attempt.failure if attempt is not None else "by hand"
    reason = f": {failure}" if failure is not None else ""
    _log.log(level, "%s: breaker %s -> %s%s", deployment, before, after, reason)
    if audience:
        audience.tell(BreakerChanged(deployment, before, after, attempt))
