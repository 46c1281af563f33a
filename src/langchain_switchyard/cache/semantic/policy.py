"""The settings of the semantic level, apart from its rule of decision."""

from __future__ import annotations

from dataclasses import dataclass, field

from langchain_switchyard.cache.semantic.eligible import TextRules
from langchain_switchyard.cache.semantic.modes import Agreement, Mode
from langchain_switchyard.cache.semantic.vetoes import Veto, veto
from langchain_switchyard.cache.semantic.watch import ShadowPolicy
from langchain_switchyard.errors import ConfigurationError

OUTAGE = Agreement(k=2, similarity=0.55, odds=2.0, stranger=0.6, focus=20.0)
"""For an outage, when a marked and less certain answer is better than none."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much is kept."""

    entries: int = 10_000
    """Questions in one partition."""
    partitions: int = 1_000
    """Partitions; the one that was not asked for longest leaves."""
    graph_above: int = 10_000
    """Questions from which a partition is searched approximately, if hnswlib is installed."""

    def __post_init__(self) -> None:
        """Refuse what could hold nothing."""
        for name in ("entries", "partitions", "graph_above"):
            if getattr(self, name) < 1:
                raise ConfigurationError(
                    f"Capacity.{name} must be 1 or more, got {getattr(self, name)}"
                )


@dataclass(frozen=True, kw_only=True)
class SemanticPolicy:
    """Around the decision: who may be asked for, what is watched, what is kept."""

    text: TextRules = field(default_factory=TextRules)
    """Which questions may meet similar ones at all."""
    veto: Veto = veto
    """Differences across which nothing is served; `strict_veto` without an encoder."""
    shadow: ShadowPolicy = field(default_factory=ShadowPolicy)
    """How closely hits are watched."""
    outage: Mode | None = OUTAGE
    """The rule while no model answers; None: no similar answer then either."""
    capacity: Capacity = field(default_factory=Capacity)
    """How much is kept."""
