"""Explain: who would serve a request now, and why the others would not. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_switchyard.routing.call import Call
from langchain_switchyard.routing.candidates import why_incapable
from langchain_switchyard.routing.report.table import html_table, text_table
from langchain_switchyard.routing.state import DeploymentState
from langchain_switchyard.routing.tokens import estimate_messages

_COLUMNS = ("deployment", "tier", "verdict", "timeouts")


@dataclass(frozen=True)
class Candidate:
    """One deployment's place in the line for a request."""

    deployment: str
    tier: int
    verdict: str
    """`would be asked`, `would be asked if tier 0 fails`, or the reason why not."""
    is_ready: bool
    timeouts: str
    """Who keeps the timeouts of a synchronous call to it."""


@dataclass(frozen=True)
class Explanation:
    """A dry run. Prints as a table, and shows as one in a notebook."""

    candidates: tuple[Candidate, ...]
    tokens: int
    """Estimate for the request's input."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids of the deployments one of which would be asked first."""
        ready = [candidate for candidate in self.candidates if candidate.is_ready]
        return tuple(c.deployment for c in ready if c.tier == ready[0].tier)

    def __str__(self) -> str:
        """One line per deployment."""
        return f"about {self.tokens} input tokens\n" + text_table(_COLUMNS, self._rows())

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"<p>about {self.tokens} input tokens</p>" + html_table(_COLUMNS, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [(c.deployment, str(c.tier), c.verdict, c.timeouts) for c in self.candidates]


def explain(call: Call, states: Sequence[DeploymentState], now: float) -> Explanation:
    """Judge every deployment as the pipeline would at this instant."""
    first_tier: int | None = None
    candidates = []
    reasons = [why_incapable(call, state) or _why_not_ready(state, now) for state in states]
    last_resorts = [] if None in reasons else _last_resorts(call, states, now)
    for state, why_not in zip(states, reasons, strict=True):
        reason = None if state in last_resorts else why_not
        if reason is None and first_tier is None:
            first_tier = state.deployment.tier
        candidates.append(
            Candidate(
                deployment=state.deployment.id,
                tier=state.deployment.tier,
                verdict=reason or _turn(state.deployment.tier, first_tier, why_not),
                is_ready=reason is None,
                timeouts=_timekeeper(state),
            )
        )
    tokens = estimate_messages(call.messages, call.kwargs.get("tools"))
    return Explanation(tuple(candidates), tokens)


def _last_resorts(
    call: Call, states: Sequence[DeploymentState], now: float
) -> list[DeploymentState]:
    """The best tier of those that are asked although they are shut: nobody else is left."""
    passing = [s for s in states if s.passes_last_resort(now) and why_incapable(call, s) is None]
    return [s for s in passing if s.deployment.tier == passing[0].deployment.tier]


def _turn(tier: int, first_tier: int | None, shut: str | None) -> str:
    if shut is not None:
        return f"would be asked as a last resort ({shut})"
    return "would be asked" if tier == first_tier else f"would be asked after tier {first_tier}"


def _why_not_ready(state: DeploymentState, now: float) -> str | None:
    until = state.not_before(now)
    if until <= now:
        return None
    if until == float("inf"):
        return "isolated by hand"
    reason = (
        "throttled" if state.throttled_until >= until else f"breaker {state.breaker.state(now)}"
    )
    return f"{reason} for {until - now:.1f} s"


def _timekeeper(state: DeploymentState) -> str:
    if state.keeps_timeout:
        return "keeps its own"
    if state.timeout_kwargs is not None:
        return "its client, read by read"
    return "a second thread when called synchronously (0.14 to 0.4 ms)"
