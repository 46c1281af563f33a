"""Make one ranking out of several legs' scores: pure functions of one signature.

Each takes the legs' scores over the same candidates and one weight per leg, and returns the fused
score per candidate. A candidate's score is *filled* when a leg scored it although it was not on the
leg's own list; NaN means the leg could not say. Measurements and sources: ``docs/retrieval.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Ints


@dataclass(frozen=True, eq=False)
class LegScores:
    """One leg's view of the candidates.

    Attributes:
        scores: ``(c,)`` the leg's score, NaN where it has none.
        ranks: ``(c,)`` place on the leg's own list from 1, 0 when not on it.
        floor: Lowest score possible in theory: 0 for BM25, -1 for a cosine.
        mean: Mean score over all documents of the leg, if known.
        deviation: Standard deviation over all documents, if known.
    """

    scores: Floats
    ranks: Ints
    floor: float
    mean: float | None = None
    deviation: float | None = None

    @property
    def listed(self) -> Floats:
        """Scores of the candidates on the leg's own list."""
        found: Floats = self.scores[self.ranks > 0]
        return found

    def complete(self) -> Floats:
        """Scores with NaN replaced by the lowest of the list: no better than the last hit."""
        listed = self.listed
        lowest = float(listed.min()) if len(listed) else self.floor
        return np.where(np.isnan(self.scores), lowest, self.scores)


Fusion = Callable[[Sequence[LegScores], Sequence[float]], Floats]


def corpus_z(legs: Sequence[LegScores], weights: Sequence[float]) -> Floats:
    """Weighted sum of z-scores, taken against all documents of a leg rather than its short list.

    The default: it does not move with the depth of the lists, and had the best worst case.
    """
    return _weighted(legs, weights, _standard)


def theoretical_min_max(legs: Sequence[LegScores], weights: Sequence[float]) -> Floats:
    """Weighted sum of ``(s - floor) / (max - floor)`` (TM2C2; Bruch, Gai, Ingber 2023)."""
    return _weighted(legs, weights, lambda leg: _scaled(leg, leg.floor))


def min_max(legs: Sequence[LegScores], weights: Sequence[float]) -> Floats:
    """Weighted sum of ``(s - min) / (max - min)`` of each leg's list."""
    return _weighted(legs, weights, lambda leg: _scaled(leg, _lowest(leg)))


def distribution(legs: Sequence[LegScores], weights: Sequence[float]) -> Floats:
    """Weighted sum of ``z / 6 + 1/2`` over each leg's list (DBSF); off the list and unfilled: 0."""

    def normal(leg: LegScores) -> Floats:
        listed = leg.listed
        spread = float(listed.std()) if len(listed) else 0.0
        if not spread:
            return np.where(leg.ranks > 0, 0.5, 0.0)
        scaled = (leg.scores - listed.mean()) / (6 * spread) + 0.5
        return np.where(np.isnan(leg.scores), 0.0, scaled)

    return _weighted(legs, weights, normal)


def reciprocal_rank(legs: Sequence[LegScores], weights: Sequence[float]) -> Floats:
    """Weighted sum of ``1 / (60 + rank)``: ranks only (Cormack, Clarke, Buettcher 2009)."""
    return _weighted(legs, weights, lambda leg: np.where(leg.ranks > 0, 1 / (60 + leg.ranks), 0.0))


FUSIONS: dict[str, Fusion] = {
    "corpus_z": corpus_z,
    "tmm": theoretical_min_max,
    "min_max": min_max,
    "dbsf": distribution,
    "rrf": reciprocal_rank,
}


def resolve(fusion: str | Fusion) -> Fusion:
    """Return the fusion of that name, or the given function.

    Raises:
        ConfigurationError: An unknown name.
    """
    if not isinstance(fusion, str):
        return fusion
    if fusion not in FUSIONS:
        raise ConfigurationError(f"unknown fusion {fusion!r}: one of {', '.join(FUSIONS)}")
    return FUSIONS[fusion]


def _weighted(
    legs: Sequence[LegScores], weights: Sequence[float], normal: Callable[[LegScores], Floats]
) -> Floats:
    total = np.zeros(len(legs[0].scores))
    for leg, weight in zip(legs, weights, strict=True):
        if weight:
            total += weight * normal(leg)
    return total


def _standard(leg: LegScores) -> Floats:
    scores = leg.complete()
    mean, deviation = leg.mean, leg.deviation
    if mean is None or deviation is None:
        listed = leg.listed
        mean = float(listed.mean()) if len(listed) else 0.0
        deviation = float(listed.std()) if len(listed) else 0.0
    return (scores - mean) / deviation if deviation > 1e-12 else np.zeros(len(scores))


def _scaled(leg: LegScores, low: float) -> Floats:
    listed = leg.listed
    high = float(listed.max()) if len(listed) else low
    if high - low <= 1e-12:
        return np.where(leg.ranks > 0, 1.0, 0.0)
    return (leg.complete() - low) / (high - low)


def _lowest(leg: LegScores) -> float:
    listed = leg.listed
    return float(listed.min()) if len(listed) else leg.floor
