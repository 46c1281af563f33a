"""Measure a retriever on judged queries: nDCG, recall, MRR and MAP, with confidence intervals.

Definitions follow trec_eval (linear gains, log2 discount). Intervals are 95 % bootstrap intervals
over queries; ``Evaluation.difference`` pairs two retrievers query by query, which tells far
smaller differences apart than two separate intervals do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from langchain_core.retrievers import BaseRetriever

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical.bm25 import Floats

Judgements = Mapping[str, Mapping[str, float]]
Search = Callable[[str], Sequence[str]]
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return ``.735 [.698, .771]``."""
        return f"{self.mean:.4f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores per query.

    Attributes:
        queries: Query ids, in the order of the scores.
        scores: ``measure -> (q,)`` one score per query.
    """

    queries: tuple[str, ...]
    scores: Mapping[str, Floats]

    def __getitem__(self, measure: str) -> Interval:
        """Return the mean of a measure with its interval."""
        return interval(self.scores[measure])

    def difference(self, other: Evaluation, measure: str) -> Interval:
        """Return how much better this is than ``other``, paired by query.

        Raises:
            ConfigurationError: They were measured on different queries.
        """
        if self.queries != other.queries:
            raise ConfigurationError("only evaluations of the same queries can be compared")
        return interval(self.scores[measure] - other.scores[measure])

    def __str__(self) -> str:
        """Return one line per measure."""
        return "\n".join(f"{measure:10} {self[measure]}" for measure in self.scores)


def evaluate(
    retriever: BaseRetriever | Search,
    queries: Mapping[str, str],
    judgements: Judgements,
    depth: int = 100,
) -> Evaluation:
    """Run every judged query and score what comes back.

    Args:
        retriever: A retriever that takes ``k`` and returns documents with ids, or a function from
            query to ids, best first.
        queries: ``query id -> text``.
        judgements: ``query id -> {document id: grade}``; grades of 0 are irrelevant. Queries
            without a relevant document are left out.
        depth: Results asked for.

    Raises:
        ConfigurationError: No query has a relevant document.
    """
    judged = [name for name in queries if any(g > 0 for g in judgements.get(name, {}).values())]
    if not judged:
        raise ConfigurationError(
            "no query has a relevant document: check the ids of the judgements"
        )
    rows = []
    for name in judged:
        ids = _ids(retriever, queries[name], depth)
        rows.append(measures(ids, judgements[name]))
    return Evaluation(
        tuple(judged), {measure: np.array([row[measure] for row in rows]) for measure in rows[0]}
    )


def measures(ids: Sequence[str], grades: Mapping[str, float]) -> dict[str, float]:
    """Return all measures of one ranking; a document that comes twice counts once."""
    unique = list(dict.fromkeys(ids))
    gains = [max(grades.get(name, 0.0), 0.0) for name in unique]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    hits = [place for place, gain in enumerate(gains) if gain > 0]
    precisions = [(number + 1) / (place + 1) for number, place in enumerate(hits)]
    return {
        "ndcg@10": _discounted(gains[:10]) / _discounted(ideal[:10]),
        "recall@10": sum(place < 10 for place in hits) / len(ideal),
        "recall@100": sum(place < 100 for place in hits) / len(ideal),
        "mrr@10": 1 / (hits[0] + 1) if hits and hits[0] < 10 else 0.0,
        "map": sum(precisions) / len(ideal),
    }


def interval(values: Floats, seed: int = 7) -> Interval:
    """Return mean and 95 % bootstrap interval (2,000 resamples, fixed seed)."""
    rng = np.random.default_rng(seed)
    means = np.array([rng.choice(values, len(values)).mean() for _ in range(_RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def _ids(retriever: BaseRetriever | Search, query: str, depth: int) -> Sequence[str]:
    if isinstance(retriever, BaseRetriever):
        return [str(document.id) for document in retriever.invoke(query, k=depth)]
    return retriever(query)


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(place + 2) for place, gain in enumerate(gains)))
