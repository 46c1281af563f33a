"""Fallback: tier 0, then tier 1, and so on, among those able to serve the request at all."""

from __future__ import annotations

from langchain_switchyard.errors import (
    AllDeploymentsFailed,
    ContextWindowExceeded,
    DeadlineExceeded,
    NoCapableDeployment,
    NoDeploymentReady,
    StreamInterrupted,
)
from langchain_switchyard.routing.call import Call, Reply, tell_story
from langchain_switchyard.routing.candidates import why_incapable
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.layer import Candidates, Handler, Layer, TierExhausted
from langchain_switchyard.routing.state import DeploymentState
from langchain_switchyard.routing.timeouts import earliest


def fallback(clock: Clock) -> Layer:
    """Ask tier after tier; if none answers, raise one error that tells the whole story."""

    def layer(inner: Handler) -> Handler:
        def handle(call: Call, candidates: Candidates) -> Steps[Reply]:
            tiers = _tiers(call, candidates)
            call.capable = [state for tier in tiers for state in tier]
            retry_at: float | None = None
            for index, tier in enumerate(tiers):
                call.later_tiers = len(tiers) - index - 1
                try:
                    return (yield from inner(call, tier))
                except TierExhausted as exhausted:
                    retry_at = earliest(retry_at, exhausted.retry_at)
            raise _give_up(call, retry_at, clock.now())

        return handle

    return layer


def _only_too_long(call: Call) -> bool:
    """Whether nobody failed for any other reason: then trimming helps, and waiting does not."""
    return all(failure.kind is Kind.CONTEXT_LENGTH for failure in call.failures.values())


def _tiers(call: Call, candidates: Candidates) -> list[Candidates]:
    """The capable ones by tier, best first (`candidates` come sorted)."""
    incapable: dict[str, str] = {}
    tiers: dict[int, list[DeploymentState]] = {}
    for state in candidates:
        reason = why_incapable(call, state)
        if reason is None:
            tiers.setdefault(state.deployment.tier, []).append(state)
        else:
            incapable[state.deployment.id] = reason
    if not tiers:
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in incapable.items())
        is_long = any("context window" in reason for reason in incapable.values())
        error = ContextWindowExceeded if is_long else NoCapableDeployment
        raise error(f"no deployment can serve this request:{reasons}")
    return list(tiers.values())


def _give_up(call: Call, retry_at: float | None, now: float) -> BaseException:
    """The error for a request that nobody answered."""
    last = call.attempts[-1].failure if call.attempts else None
    error: BaseException
    if call.shown:
        error = StreamInterrupted(
            "the stream broke and no other deployment could answer anew"
            + tell_story(call.attempts),
            call.shown_text(),
            call.reports(),
        )
    elif last is not None and _only_too_long(call):
        error = ContextWindowExceeded(
            f"the request is too long for every deployment{tell_story(call.attempts)}"
        )
    elif call.remaining(now) <= 0:
        error = DeadlineExceeded(
            f"the deadline of {now - call.started:.1f} s passed{tell_story(call.attempts)}",
            call.reports(),
        )
    elif retry_at is not None:
        seconds = retry_at - now
        is_known = seconds < float("inf")
        when = f"come back in {seconds:.1f} s" if is_known else "isolated until restored by hand"
        error = NoDeploymentReady(
            f"every deployment is shut or throttled; {when}{tell_story(call.attempts)}",
            call.reports(),
            retry_after=seconds if is_known else None,
        )
    else:
        error = AllDeploymentsFailed(
            f"all deployments failed{tell_story(call.attempts)}", call.reports()
        )
    error.__cause__ = last.error if last is not None else None
    return error
