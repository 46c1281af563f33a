"""The gate: thresholds below which an answer does not pass."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_switchyard.errors import ConfigurationError


@dataclass(frozen=True)
class Gate:
    """Thresholds on signals from 0 to 1; a signal that was not measured closes no gate.

    The defaults are low on purpose. An overlap below a quarter means that the sources do not bear
    an answer, in every collection tried; how high it is for good answers differs from one to the
    next, so calibrate before you raise it.

    Attributes:
        groundedness: Least overlap with the sources.
        relevance: Least share of the question's terms. Off (0) by default: one right answer in
            nine repeats none of them.
        sufficiency: Where the sources hold less than this of the question's terms, other sources
            are looked for before the model is asked again.
        citations: Whether numbers that belong to no source close the gate.
    """

    groundedness: float = 0.25
    relevance: float = 0.0
    sufficiency: float = 0.3
    citations: bool = True

    def __post_init__(self) -> None:
        """Refuse thresholds no signal can reach."""
        for name in ("groundedness", "relevance", "sufficiency"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigurationError(f"Gate.{name} must be from 0 to 1, got {value!r}")
