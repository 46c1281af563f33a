"""After fusion: prefer newer documents, or different ones. Pure functions and two small policies.

Both are off unless asked for; neither was shown to raise nDCG on the judged sets, where age and
variety are not judged.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.vectors import Matrix, dots
from langchain_switchyard.retrieval.lexical.bm25 import Floats


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Recency:
    """Halves a document's standing every ``half_life`` days.

    Attributes:
        key: Metadata key of a date, a time, an ISO text or seconds since 1970.
        half_life: Days.
        share: How much age matters, 0 to 1: a document without a date keeps ``1 - share``.
        clock: Tells the present, with a time zone.
    """

    key: str = "date"
    half_life: float = 30.0
    share: float = 0.5
    clock: Callable[[], dt.datetime] = _now

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.half_life <= 0 or not 0 <= self.share <= 1:
            raise ConfigurationError(f"recency needs half_life > 0 and 0 <= share <= 1, got {self}")


def recent(scores: Floats, metadata: Sequence[dict[str, Any]], policy: Recency) -> Floats:
    """Return scores scaled to 0..1 and weakened by age.

    Args:
        scores: ``(n,)`` fused scores, of any scale.
        metadata: One mapping per score.
        policy: Key, half-life and share.
    """
    now = policy.clock()
    spread = float(scores.max() - scores.min()) if len(scores) else 0.0
    scaled = (scores - scores.min()) / spread if spread else np.ones(len(scores))
    ages = [_age(each.get(policy.key), now) for each in metadata]
    freshness = [0.0 if age is None else 0.5 ** (max(age, 0.0) / policy.half_life) for age in ages]
    return np.asarray(scaled * (1 - policy.share + policy.share * np.array(freshness)))


def diverse(relevance: Floats, vectors: Matrix, count: int, trade: float) -> list[int]:
    """Return the places of ``count`` results by maximal marginal relevance.

    Args:
        relevance: ``(n,)`` scores, of any scale.
        vectors: ``(n, d)`` unit vectors of the same documents.
        count: Results wanted.
        trade: 1 looks at relevance only, 0 at difference only (Carbonell, Goldstein 1998).
    """
    if not 0 <= trade <= 1:
        raise ConfigurationError(f"trade is from 0 to 1, got {trade}")
    spread = float(relevance.max() - relevance.min()) if len(relevance) else 0.0
    scaled = (relevance - relevance.min()) / spread if spread else np.ones(len(relevance))
    chosen: list[int] = []
    nearest = np.full(len(relevance), -1.0)
    while len(chosen) < min(count, len(relevance)):
        # Nothing chosen yet: nothing to differ from.
        value = scaled if not chosen else trade * scaled - (1 - trade) * nearest
        value = value.copy()
        value[chosen] = -np.inf
        best = int(value.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, dots(vectors, vectors[best]))
    return chosen


def _age(value: Any, now: dt.datetime) -> float | None:
    """Days since ``value``, ``None`` if it is no date."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        value = dt.datetime.fromtimestamp(value, dt.UTC)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if not isinstance(value, dt.datetime):
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return (now - aware).total_seconds() / 86_400
