"""How sure a figure is: bootstrap intervals, and a test of two rankings of the same queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from langchain_switchyard.retrieval.lexical.bm25 import Floats

_RESAMPLES = 2_000
# In blocks: ten thousand rounds at once would need much memory.
_BLOCKS, _ROUNDS = 10, 1_000
# Scores are sums of a few fractions: what differs by less is the same score.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return ``0.7350 [0.698, 0.771]``."""
        return f"{self.mean:.4f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Difference(Interval):
    """How much better one ranking is than another, paired by query.

    Attributes:
        p_value: How often chance alone would make a difference as large (two-sided randomisation
            test, 10,000 rounds). One comparison: who makes many should ask for less.
        per_query: ``query id -> gain``; above zero where the first ranking is better.
    """

    p_value: float
    per_query: Mapping[str, float] = field(repr=False)

    @property
    def wins(self) -> tuple[str, ...]:
        """The queries on which the first is better, the largest gain first."""
        return tuple(name for name, gain in self._by_gain() if gain > _SAME)

    @property
    def losses(self) -> tuple[str, ...]:
        """The queries on which the second is better, the largest loss first."""
        return tuple(name for name, gain in reversed(self._by_gain()) if gain < -_SAME)

    @property
    def ties(self) -> tuple[str, ...]:
        """The queries on which both are the same."""
        return tuple(name for name, gain in self.per_query.items() if abs(gain) <= _SAME)

    def __str__(self) -> str:
        """Return ``+0.0310 [0.012, 0.050], p = .002, 41 better, 17 worse, 242 the same``."""
        counts = f"{len(self.wins)} better, {len(self.losses)} worse, {len(self.ties)} the same"
        return (
            f"{self.mean:+.4f} [{self.low:.3f}, {self.high:.3f}], {p_text(self.p_value)}, {counts}"
        )

    def _by_gain(self) -> list[tuple[str, float]]:
        return sorted(self.per_query.items(), key=lambda pair: -pair[1])


def p_text(p_value: float) -> str:
    """Return ``p = 0.031``, or ``p < 0.001``."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def interval(values: Floats, seed: int = 7) -> Interval:
    """Return mean and 95 % bootstrap interval (2,000 resamples, fixed seed).

    Args:
        values: ``(q,)`` one score per query.
        seed: The same gives the same interval.
    """
    rng = np.random.default_rng(seed)
    means = np.array([rng.choice(values, len(values)).mean() for _ in range(_RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def difference(gains: Mapping[str, float]) -> Difference:
    """Return the mean gain with its interval and p-value.

    Args:
        gains: ``query id -> score of the first minus score of the second``.
    """
    values = np.fromiter(gains.values(), np.float64)
    around = interval(values)
    p_value = randomisation_test(values)
    return Difference(around.mean, around.low, around.high, p_value, dict(gains))


def randomisation_test(gains: Floats, seed: int = 7) -> float:
    """Return the two-sided p-value of Fisher's randomisation test for paired scores.

    If the two rankings were as good as each other, each query's gain might as well have had the
    other sign. Counted is how often random signs make a sum as large as the one seen; the one seen
    counts as well, so that the answer is never 0 (Smucker, Allan and Carterette 2007).

    Args:
        gains: ``(q,)`` paired differences.
        seed: The same gives the same p-value.
    """
    moving = gains[np.abs(gains) > _SAME]
    observed = abs(float(moving.sum())) - _SAME
    rng = np.random.default_rng(seed)
    extreme = 0
    for _ in range(_BLOCKS):
        signs = rng.integers(0, 2, (_ROUNDS, len(moving)), np.int8) * 2 - 1
        extreme += int((np.abs(signs @ moving) >= observed).sum())
    return (extreme + 1) / (_BLOCKS * _ROUNDS + 1)
