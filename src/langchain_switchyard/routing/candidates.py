"""Who may be asked: pure decisions over what is known now; `explain()` tells them, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from langchain_switchyard.routing.call import Call
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.layer import TierExhausted
from langchain_switchyard.routing.state import DeploymentState

_MAX_TOKENS_PER_CHARACTER = 4
"""No tokenizer in use spends more on any text; lets short requests skip the estimate."""


@dataclass(frozen=True, slots=True)
class Ask:
    """These are ready now."""

    ready: Sequence[DeploymentState]
    again: bool
    """Whether all of them have failed this request before."""
    last_resort: bool = False
    """Whether they are shut, and asked only because there is nobody else."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody is ready now; somebody may be at this clock instant."""

    until: float


def next_move(call: Call, tier: Sequence[DeploymentState], now: float) -> Ask | Wait:
    """What this request can do next in this tier.

    Those it has not asked yet come first, then those whose failure allows another try.

    Raises:
        TierExhausted: If it can do nothing here any more.
    """
    if not call.tries:
        ready = [state for state in tier if state.not_before(now) <= now]
        if ready:
            return Ask(ready, again=False)
    if unknown_failures(call, tier) > 1:
        raise TierExhausted
    open_to_us = [state for state in tier if why_not_again(call, state) is None]
    ready = [state for state in open_to_us if state.not_before(now) <= now]
    fresh = [state for state in ready if state.deployment.id not in call.tries]
    if fresh:
        return Ask(fresh, again=False)
    if ready:
        return Ask(ready, again=True)
    if not open_to_us:
        raise TierExhausted
    return _last_resort(call, open_to_us, now) or Wait(
        min(state.not_before(now) for state in open_to_us)
    )


def _last_resort(call: Call, open_to_us: Sequence[DeploymentState], now: float) -> Ask | None:
    """Those who answer now and then although their circuit is shut: better than nobody.

    Only in the last tier; a request that found all tiers shut goes back to the best of them.
    """
    if call.later_tiers:
        return None
    possible = open_to_us if call.tries else call.capable
    passing = [state for state in possible if state.passes_last_resort(now)]
    if not passing:
        return None
    passing = [s for s in passing if s.deployment.tier == passing[0].deployment.tier]
    fresh = [state for state in passing if state.deployment.id not in call.tries]
    return Ask(fresh or passing, again=not fresh, last_resort=True)


def unknown_failures(call: Call, tier: Iterable[DeploymentState]) -> int:
    """Failures nobody could name: after the second one the tier is not tried further."""
    failures = (call.failures.get(state.deployment.id) for state in tier)
    return sum(failure is not None and failure.kind is Kind.UNKNOWN for failure in failures)


def why_not_again(call: Call, state: DeploymentState) -> str | None:
    """Why what has happened in this request rules a deployment out, or None if it does not."""
    window = state.context_window
    if window is not None and window <= call.window_above:
        return f"its context window of {window} tokens is too small, as another one has shown"
    if call.prefix and not state.deployment.can("prefill"):
        return "it cannot go on from a text begun by another"
    failure = call.failures.get(state.deployment.id)
    if failure is None:
        return None
    if call.tries[state.deployment.id] > failure.verdict.same_again:
        return f"it has failed this request already ({failure.kind})"
    if call.shown and call.later_tiers:
        # Every restart is seen by a reader: rather one by somebody else than two by the same.
        return "its stream has broken before the reader's eyes"
    return None


def why_incapable(call: Call, state: DeploymentState) -> str | None:
    """Why a deployment can never serve this request, however healthy, or None if it can."""
    missing = [ability for ability in call.required if not state.deployment.can(ability)]
    if missing:
        return f"it lacks {', '.join(sorted(missing))}"
    window = state.context_window
    if window is None or _characters(call) * _MAX_TOKENS_PER_CHARACTER < window:
        return None
    tokens = state.tokens_of(call.messages, call.kwargs.get("tools"))
    if tokens > window:
        return f"the request has about {tokens} tokens, its context window is {window}"
    return None


def _characters(call: Call) -> int:
    """Length of the request's text; other content (images, tools) forces the estimate."""
    total = 0
    for message in call.messages:
        if not isinstance(message.content, str):
            return 1 << 40
        total += len(message.content)
    return total if not call.kwargs.get("tools") else 1 << 40
