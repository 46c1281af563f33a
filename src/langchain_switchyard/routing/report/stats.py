"""Stats: how every deployment has done since the start. Prints, and shows in a notebook."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from langchain_switchyard.routing.report.table import html_table, text_table
from langchain_switchyard.routing.state import DeploymentState

_COLUMNS = (
    "deployment", "tier", "breaker", "attempts", "ok", "errors", "pending",
    "p50", "p95", "first token p50", "tokens in", "cached", "tokens out", "cost",
)  # fmt: skip


@dataclass(frozen=True)
class DeploymentStats:
    """How one deployment has done. Durations are seconds."""

    deployment: str
    tier: int
    breaker: str
    throttled_for: float
    """Seconds it still asked not to be called; 0 if it may be."""
    attempts: int
    successes: int
    errors: Mapping[str, int]
    """Kind of failure -> how often."""
    pending: int
    latency_p50: float | None
    latency_p95: float | None
    first_token_p50: float | None
    input_tokens: int
    cached_tokens: int
    """Input tokens that the provider read from its own prompt cache."""
    output_tokens: int
    cost: float | None
    currency: str | None

    def row(self) -> tuple[str, ...]:
        """As text, for tables."""
        errors = ", ".join(f"{kind} {count}" for kind, count in self.errors.items()) or "-"
        cost = "-" if self.cost is None else f"{self.cost:.4f} {self.currency}"
        return (
            self.deployment, str(self.tier), self.breaker, str(self.attempts), str(self.successes),
            errors, str(self.pending), _seconds(self.latency_p50), _seconds(self.latency_p95),
            _seconds(self.first_token_p50), str(self.input_tokens), str(self.cached_tokens),
            str(self.output_tokens), cost,
        )  # fmt: skip


@dataclass(frozen=True)
class FleetStats:
    """How all deployments have done; index it by deployment id."""

    deployments: tuple[DeploymentStats, ...]

    def __getitem__(self, deployment: str) -> DeploymentStats:
        """The figures of one deployment."""
        for stats in self.deployments:
            if stats.deployment == deployment:
                return stats
        raise KeyError(deployment)

    def __str__(self) -> str:
        """One line per deployment."""
        return text_table(_COLUMNS, [stats.row() for stats in self.deployments])

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_table(_COLUMNS, [stats.row() for stats in self.deployments])


def fleet_stats(states: Sequence[DeploymentState], now: float) -> FleetStats:
    """A snapshot of every deployment, each consistent in itself."""
    return FleetStats(tuple(_snapshot(state, now) for state in states))


def _snapshot(state: DeploymentState, now: float) -> DeploymentStats:
    price = state.deployment.price
    breaker = str(state.breaker.state(now))
    with state.lock:
        return DeploymentStats(
            deployment=state.deployment.id,
            tier=state.deployment.tier,
            breaker=breaker,
            throttled_for=max(0.0, state.throttled_until - now),
            attempts=state.attempts,
            successes=state.successes,
            errors={str(kind): count for kind, count in state.errors.items()},
            pending=state.pending,
            latency_p50=quantile(state.latencies, 0.5),
            latency_p95=quantile(state.latencies, 0.95),
            first_token_p50=quantile(state.first_tokens, 0.5),
            input_tokens=state.input_tokens,
            cached_tokens=state.cached_tokens,
            output_tokens=state.output_tokens,
            cost=None if price is None else state.cost,
            currency=None if price is None else price.currency,
        )


def quantile(values: Collection[float], share: float) -> float | None:
    """The value below which that share of the values lies (nearest rank); None without any."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"
