"""What the cache may store and serve: frozen data, one class per question."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from langchain_switchyard.errors import ConfigurationError

_SHORTEST = 0.001
"""Seconds; Redis knows no shorter time."""


def _refuse_negative(policy: Any) -> None:
    for spec in fields(policy):
        value = getattr(policy, spec.name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not value >= 0:
            name = f"{type(policy).__name__}.{spec.name}"
            raise ConfigurationError(f"{name} must not be negative, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """How long an answer is good. All in seconds."""

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
        """Refuse negative times."""
        _refuse_negative(self)


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
        """Refuse negative bounds."""
        _refuse_negative(self)


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
        """Refuse unknown modes."""
        if self.mode not in ("off", "exact", "similar"):
            raise ConfigurationError(
                f"Degradation.mode is 'off', 'exact' or 'similar', got {self.mode!r}"
            )


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
        _refuse_negative(self)
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
