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
from langchain_switchyard.retrieval.fusion.dates import moment
from langchain_switchyard.retrieval.lexical.bm25 import Floats

# Cosine from which two texts are the same; the same text embedded in two batches gives .99999.
_COPY = 0.9995
# More than any value can differ by.
_LAST = 10.0


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Recency:
    """Halves a document's standing every ``half_life`` days.

    Attributes:
        key: Metadata key of a date, a time, their text (ISO, ``2023/05/01``, ``2023年5月1日``) or
            seconds or milliseconds since 1970; what cannot be read counts as no date.
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
    """Return scores weakened by age, above 0.

    Args:
        scores: ``(n,)`` fused scores, of any scale.
        metadata: One mapping per score.
        policy: Key, half-life and share.
    """
    now = policy.clock()
    moments = [moment(each.get(policy.key)) for each in metadata]
    ages = [None if at is None else (now - at).total_seconds() / 86_400 for at in moments]
    freshness = [0.0 if age is None else 0.5 ** (max(age, 0.0) / policy.half_life) for age in ages]
    return np.asarray(
        (scores - _zero(scores)) * (1 - policy.share + policy.share * np.array(freshness))
    )


def _zero(scores: Floats) -> float:
    """What counts as no standing at all: 0, or a step below the last where scores are negative.

    Not the last score itself: what is 0 stays 0, however new the document is.
    """
    if not len(scores):
        return 0.0
    lowest = float(scores.min())
    step = (float(scores.max()) - lowest) / len(scores) or 1.0
    return min(0.0, lowest - step)


def diverse(relevance: Floats, vectors: Matrix, count: int, trade: float) -> list[int]:
    """Return the places of ``count`` results by maximal marginal relevance.

    Args:
        relevance: ``(n,)`` scores, of any scale.
        vectors: ``(n, d)`` unit vectors of the same documents.
        count: Results wanted.
        trade: 1 looks at relevance only, 0 at difference only (Carbonell, Goldstein 1998). Below
            1 a copy of what is chosen comes after everything that is none.
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
        if trade < 1:
            value = np.where(nearest >= _COPY, value - _LAST, value)
        value = value.copy()
        value[chosen] = -np.inf
        best = int(value.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, dots(vectors, vectors[best]))
    return chosen
