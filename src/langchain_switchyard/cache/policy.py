"""What the cache may store and serve: frozen data, one class per question."""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, Literal

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.cache_options import names_of

CENTURY = 100 * 365.25 * 86_400
"""Seconds. What is kept for ever is kept so long: no level knows endless times."""

_SHORTEST = 0.001
"""Seconds; Redis knows no shorter time."""


def _check_numbers(policy: Any, *finite: str) -> None:
    """Refuse what is no number, negative, or endless where it must not be."""
    for spec in fields(policy):
        if spec.type not in ("float", "int"):
            continue
        name, value = f"{type(policy).__name__}.{spec.name}", getattr(policy, spec.name)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ConfigurationError(f"{name} is a number, got {value!r}")
        if not float(value) >= 0:
            raise ConfigurationError(f"{name} must not be negative, got {value!r}")
        if spec.name in finite and math.isinf(float(value)):
            raise ConfigurationError(f"{name} must have an end, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """How long an answer is good. All in seconds; `math.inf` is for ever, which is a century."""

    fresh_for: float = 3600.0
    """Served as it is."""

    stale_while_revalidate: float = 0.0
    """After that, served at once while a fresh one is fetched behind the scenes (RFC 5861)."""

    stale_if_error: float = 86_400.0
    """After that, kept for an outage; only with `Degradation(mode=...)` other than `"off"`."""

    fallback_fresh_for: float = 60.0
    """Life of answers by a later tier: short, lest an outage outlives itself in the cache."""

    jitter: float = 0.1
    """Lives differ by this share, lest what was stored together expires together."""

    early: float = 1.0
    """Eagerness of early refresh (XFetch's beta); 0: none."""

    def __post_init__(self) -> None:
        """Refuse times that cannot be meant."""
        _check_numbers(self, "jitter", "early")
        if self.jitter > 1:
            raise ConfigurationError(f"Freshness.jitter is a share, up to 1, got {self.jitter!r}")

    @property
    def longest(self) -> float:
        """Seconds that nothing outlives."""
        life = max(self.fresh_for, self.fallback_fresh_for) * (1 + self.jitter)
        return min(CENTURY, life + max(self.stale_while_revalidate, self.stale_if_error))


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Which answers may be stored. Tool calls, cut, filtered and empty ones are not, by default."""

    max_temperature: float = 0.3
    """Above it a request asks for variety; `seed` or `CacheOptions(any_temperature)` overrules."""

    read_only_tools: AbstractSet[str] = frozenset()
    """Tools that change nothing: answers that call only these may be stored. The schemas given to
    `with_structured_output` are such tools, too."""

    max_bytes: int = 256 << 10
    """Larger answers are not stored."""

    def __post_init__(self) -> None:
        """Refuse bounds that cannot be meant; any collection of names will do."""
        _check_numbers(self)
        tools = names_of(self.read_only_tools, "Admission.read_only_tools", "{'search'}")
        object.__setattr__(self, "read_only_tools", tools)


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """What may be served when every deployment has failed. Nothing, unless the application agrees.

    Whatever is served so is marked in `response_metadata["switchyard"]["cache"]`, and never stored.
    """

    mode: Literal["off", "exact", "similar"] = "off"
    """`exact`: the same request's stale answer, or a stand-in's; `similar`: also a like question's
    (needs a semantic level)."""

    stand_ins: tuple[str, ...] = ()
    """Routes whose answers to the same request may serve, best first."""

    def __post_init__(self) -> None:
        """Refuse unknown modes, and routes that are none."""
        if self.mode not in ("off", "exact", "similar"):
            raise ConfigurationError(
                f"Degradation.mode is 'off', 'exact' or 'similar', got {self.mode!r}"
            )
        names_of(self.stand_ins, "Degradation.stand_ins", "('another-route',)")
        object.__setattr__(self, "stand_ins", tuple(self.stand_ins))


@dataclass(frozen=True, kw_only=True)
class SingleFlight:
    """How identical requests at the same time share one call."""

    in_process: bool = True

    across_processes: bool = True
    """Through a level that several processes share; needs such a level."""

    follow_for: float = 30.0
    """Seconds a request hears nothing of another process's answer before it asks by itself."""

    lease: float = 10.0
    """Seconds without a sign of life after which a process that asks is taken for dead."""

    poll: float = 0.05
    """Seconds between looks at the shared level, and between the pieces of a stream told there."""

    def __post_init__(self) -> None:
        """Refuse negative times, and leases that end as they begin."""
        _check_numbers(self, "lease", "poll")
        for name in ("lease", "poll"):
            if (value := getattr(self, name)) < _SHORTEST:
                raise ConfigurationError(
                    f"SingleFlight.{name} must be at least {_SHORTEST} s, got {value!r}"
                )


@dataclass(frozen=True, kw_only=True)
class CachePolicy:
    """Everything the cache is told."""

    freshness: Freshness = field(default_factory=Freshness)
    admission: Admission = field(default_factory=Admission)
    degradation: Degradation = field(default_factory=Degradation)
    single_flight: SingleFlight = field(default_factory=SingleFlight)

    namespace: str = "default"
    """Where requests belong that name none."""

    route: str | None = None
    """Identity of "who is asked" in the key; None: the models of the preferred tier."""

    semantic_turns: int = 1
    """Only conversations with at most that many human turns are matched by meaning."""

    def __post_init__(self) -> None:
        """Refuse parts that are something else."""
        _check_numbers(self)
        for name, kind in _PARTS.items():
            if not isinstance(value := getattr(self, name), kind):
                raise ConfigurationError(
                    f"CachePolicy.{name} is a {kind.__name__}, got {type(value).__name__}"
                )
        namespace: object = self.namespace
        if not isinstance(namespace, str):
            raise ConfigurationError(f"CachePolicy.namespace is text, got {namespace!r}")


_PARTS: dict[str, type] = {
    "freshness": Freshness,
    "admission": Admission,
    "degradation": Degradation,
    "single_flight": SingleFlight,
}
