"""A threshold for each entry, with a bound on the error per request.

After L. G. Schroeder et al., "vCache: Verified Semantic Prompt Caching", 2025, from the published
equations. Every entry keeps what was seen of it: at which similarity a later question came, and
whether the entry's answer would have been right. A logistic curve P(right | s) is fitted to that;
its threshold is taken pessimistically, and the model is asked with just the chance that keeps the
expected error per *request* under `delta`.

Two warnings that the equations imply. The bound is per request: with few hits, most of them may be
wrong while the bound is met. And no entry is served before four real observations, so traffic
that rarely repeats never gets there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from langchain_switchyard.cache.semantic.modes import Choice
from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.errors import ConfigurationError

Observation = tuple[float, bool]
"""Similarity of a later question, and whether the entry's answer was right for it."""

_ENDS: tuple[Observation, ...] = ((0.0, False), (1.0, True))
"""Seen before anything is seen: nothing alike is wrong, the same text is right."""

_MINIMUM = 6
_GRID = tuple((step + 0.5) / 50 for step in range(50))
_QUANTILES = tuple((epsilon, NormalDist().inv_cdf(1 - epsilon)) for epsilon in _GRID)
_STEPS = 25
_FLATTEST, _STEEPEST = 1e-6, 200.0


@dataclass(frozen=True, slots=True)
class Curve:
    """P(right | s) = 1 / (1 + exp(-slope * (s - threshold)))."""

    threshold: float
    """Similarity at which right and wrong are equally likely, 0 to 1."""
    slope: float
    variance: float
    """Of the threshold."""

    def right(self, similarity: float, shift: float = 0.0) -> float:
        """Return the chance that the answer is right, were the threshold `shift` higher."""
        threshold = min(max(self.threshold + shift, 0.0), 1.0)
        return _sigmoid(self.slope * (similarity - threshold))


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """Serve the nearest entry unless a draw says to ask the model: error per request <= delta."""

    delta: float
    """Expected share of *requests* that may be answered wrongly."""
    comparisons: int = 1
    neighbours: int = 1
    keeps_equals: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 < self.delta < 1:
            raise ConfigurationError(
                f"bounded(delta) is the share of requests that may be wrong, such as 0.01; "
                f"got {self.delta}"
            )

    def choose(self, near: Sequence[Neighbour], draw: float) -> Choice:
        """Serve if the draw is above the chance with which the model must be asked."""
        if not near:
            return Choice(reason="cold")
        curve = fit(near[0].seen)
        if curve is None:
            return Choice(reason="cold")
        if draw <= exploration(curve, near[0].similarity, self.delta):
            return Choice(reason="exploring")
        return Choice((near[0],))

    def stricter(self) -> Bounded | None:
        """Halve the bound."""
        return None if self.delta < 0.001 else replace(self, delta=self.delta / 2)


def bounded(delta: float) -> Bounded:
    """Return the rule that bounds the expected error per request by `delta`."""
    return Bounded(delta=delta)


def exploration(curve: Curve, similarity: float, delta: float) -> float:
    """Return the chance with which the model must be asked, 0 to 1.

    A model's answer is right by definition, so serving with chance 1 - tau makes an error of
    (1 - tau)(1 - P); that stays under delta for tau >= 1 - delta / (1 - P). P is unknown: for each
    epsilon, (1 - epsilon) times the curve with its threshold at the upper end of a (1 - epsilon)
    interval is a lower bound, and the most favourable epsilon may be taken.
    """
    deviation = math.sqrt(curve.variance)
    best = 1.0
    for epsilon, quantile in _QUANTILES:
        surely = (1 - epsilon) * curve.right(similarity, quantile * deviation)
        best = min(best, 1 - delta / max(1 - surely, 1e-12))
    return max(best, 0.0)


def fit(seen: Sequence[Observation]) -> Curve | None:
    """Fit the curve to an entry's observations; None before there are four."""
    points = (*_ENDS, *seen)
    if len(points) < _MINIMUM:
        return None
    highest_wrong = max(similarity for similarity, right in points if not right)
    lowest_right = min(similarity for similarity, right in points if right)
    if highest_wrong < lowest_right:
        # Any steep curve between them fits perfectly: the likelihood has no maximum.
        steep = min(_STEEPEST, 20.0 / (lowest_right - highest_wrong))
        middle = (highest_wrong + lowest_right) / 2
        return Curve(middle, steep, _separable_variance(len(points)))
    return _maximum_likelihood(points)


def _separable_variance(count: int) -> float:
    # The delta method has no answer here; the published procedure takes a falling table: 0.035
    # with the first six observations, about 0.01 from twelve on. In between: a straight line.
    return max(0.01, 0.035 - 0.025 * (count - _MINIMUM) / 6)


def _maximum_likelihood(points: Sequence[Observation]) -> Curve:
    intercept, slope = 0.0, 1.0
    for _ in range(_STEPS):
        gradient, information = _moments(points, intercept, slope)
        step = _solve(information, gradient)
        longest = max(abs(step[0]), abs(step[1]))
        damp = min(1.0, 10.0 / longest) if longest else 1.0
        intercept, slope = intercept + damp * step[0], slope + damp * step[1]
        if longest < 1e-8:
            break
    slope = min(max(slope, _FLATTEST), _STEEPEST)
    _, (a, b, c) = _moments(points, intercept, slope)
    g0, g1 = -1 / slope, intercept / slope**2
    determinant = max(a * c - b * b, 1e-12)
    variance = (g0 * g0 * c - 2 * g0 * g1 * b + g1 * g1 * a) / determinant
    return Curve(min(max(-intercept / slope, 0.0), 1.0), slope, max(variance, 0.0))


def _moments(
    points: Sequence[Observation], intercept: float, slope: float
) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Gradient of the log-likelihood, and the three distinct cells of the information matrix."""
    g0 = g1 = a = b = c = 0.0
    for similarity, right in points:
        chance = _sigmoid(intercept + slope * similarity)
        g0 += right - chance
        g1 += (right - chance) * similarity
        weight = chance * (1 - chance)
        a, b, c = a + weight, b + weight * similarity, c + weight * similarity * similarity
    return (g0, g1), (a, b, c)


def _solve(matrix: tuple[float, float, float], right: tuple[float, float]) -> tuple[float, float]:
    a, b, c = matrix
    determinant = max(a * c - b * b, 1e-12)
    return (c * right[0] - b * right[1]) / determinant, (a * right[1] - b * right[0]) / determinant


def _sigmoid(value: float) -> float:
    if value < 0:
        power = math.exp(max(value, -700.0))
        return power / (1 + power)
    return 1 / (1 + math.exp(-min(value, 700.0)))
