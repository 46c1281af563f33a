"""From the legs' lists to the final ranking: the pure part of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from langchain_switchyard.retrieval.fusion.legs import LegResult, candidates
from langchain_switchyard.retrieval.fusion.methods import Fusion, LegScores
from langchain_switchyard.retrieval.hit import Hit, LegScore, SearchResult, explain
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Ints
from langchain_switchyard.retrieval.storage.catalog import Record
from langchain_switchyard.retrieval.storage.records import decode

# Scores closer than this come from rounding, not from the texts: then the id decides.
_SAME = 1e-9
_SPARE = 2


@dataclass(frozen=True, eq=False)
class Ranking:
    """Candidates with their fused scores, best first.

    Attributes:
        rows: ``(c,)`` catalogue rows.
        scores: ``(c,)`` fused scores, descending.
        legs: Each leg's scores of the same candidates, by name.
        weights: Each leg's weight, by name.
    """

    rows: Ints
    scores: Floats
    legs: dict[str, LegScores]
    weights: dict[str, float]

    def reordered(self, order: Ints, scores: Floats) -> Ranking:
        """Return the candidates at ``order``, with new scores, the rest left out."""
        legs = {name: _reordered(leg, order) for name, leg in self.legs.items()}
        return Ranking(self.rows[order], scores, legs, self.weights)

    def contenders(self, k: int) -> Ints:
        """Return the rows that may be among the first ``k``, ties at the border included."""
        if len(self.rows) <= k:
            return self.rows
        # A few more than tied: a document deleted meanwhile must not shorten the result.
        tied = int((self.scores >= self.scores[k - 1] - _SAME).sum())
        return self.rows[: max(tied, k + _SPARE)]


def rank(results: Sequence[LegResult], dense_share: float, fusion: Fusion) -> Ranking:
    """Fuse the legs that answered; a single one keeps its own scores."""
    if not results:
        empty = np.zeros(0)
        return Ranking(empty.astype(np.int64), empty, {}, {})
    rows = candidates(results)
    legs = {result.name: result.over(rows) for result in results}
    share = {"dense": dense_share, "lexical": 1 - dense_share}
    if len(results) == 1:
        name = results[0].name
        scores, weights = legs[name].complete(), {name: 1.0}
    else:
        weights = {name: share[name] for name in legs}
        scores = fusion(list(legs.values()), list(weights.values()))
    order = np.argsort(-scores, kind="stable")
    ordered = {name: _reordered(leg, order) for name, leg in legs.items()}
    return Ranking(rows[order], scores[order], ordered, weights)


def finish(
    ranking: Ranking, records: dict[int, Record], k: int, notes: Sequence[str]
) -> SearchResult:
    """Return the first ``k`` hits; equal scores are ordered by document id."""
    most = len(ranking.contenders(k))
    chosen = [
        (round(-score / _SAME) * _SAME, records[row].id, place)
        for place, (row, score) in enumerate(
            zip(ranking.rows[:most].tolist(), ranking.scores[:most].tolist(), strict=True)
        )
        if row in records
    ]
    hits = []
    for number, (_, _, place) in enumerate(sorted(chosen)[:k], start=1):
        legs = {
            name: LegScore(
                rank=int(leg.ranks[place]) or None,
                score=None if np.isnan(leg.scores[place]) else float(leg.scores[place]),
                weight=ranking.weights[name],
            )
            for name, leg in ranking.legs.items()
        }
        document = decode(records[int(ranking.rows[place])])
        score = float(ranking.scores[place])
        hits.append(Hit(document, score, number, legs, explain(legs)))
    return SearchResult(hits, ranking.weights, notes)


def _reordered(leg: LegScores, order: Ints) -> LegScores:
    return LegScores(leg.scores[order], leg.ranks[order], leg.floor, leg.mean, leg.deviation)
