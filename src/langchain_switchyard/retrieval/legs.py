"""What one leg of a search hands over, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from langchain_switchyard.retrieval.bm25 import Floats
from langchain_switchyard.retrieval.fusion import LegScores
from langchain_switchyard.retrieval.lexical import LexicalIndex
from langchain_switchyard.retrieval.segment import Bools, Ints


@dataclass(frozen=True, eq=False)
class LegResult:
    """A ranked list, and the means to score documents outside it.

    Attributes:
        name: ``lexical`` or ``dense``.
        rows: ``(n,)`` catalogue rows, best first.
        scores: ``(n,)`` their scores.
        floor: Lowest score possible in theory.
        mean: Mean score over all documents, if known.
        deviation: Standard deviation over all documents, if known.
        fill: Scores of any rows, NaN where the leg cannot say.
        terms: Query terms found, with their document frequency (lexical only).
    """

    name: str
    rows: Ints
    scores: Floats
    floor: float
    mean: float | None
    deviation: float | None
    fill: Callable[[Ints], Floats]
    terms: dict[str, int] = field(default_factory=dict)

    def over(self, candidates: Ints) -> LegScores:
        """Return this leg's scores and ranks of the candidates, filled where possible."""
        place = {int(row): rank for rank, row in enumerate(self.rows, start=1)}
        ranks = np.array([place.get(int(row), 0) for row in candidates], np.int64)
        scores = self.fill(candidates)
        on_list = ranks > 0
        if len(self.rows):
            scores = np.where(on_list, self.scores[ranks - 1], scores)
        return LegScores(scores, ranks, self.floor, self.mean, self.deviation)


def search_lexical(
    index: LexicalIndex, query: str, depth: int, allowed: Bools | None
) -> LegResult | None:
    """Return the lexical leg's list; ``None`` when it knows no term of the query."""
    match = index.match(query)
    if match is None:
        return None
    rows, scores = match.top(depth, allowed)
    if not len(rows):
        return None
    return LegResult(
        name="lexical",
        rows=rows,
        scores=scores,
        floor=0.0,
        mean=match.mean,
        deviation=match.deviation,
        fill=match.scores_of,
        terms=match.known,
    )


def candidates(results: Sequence[LegResult]) -> Ints:
    """Return the rows on any list, ascending and each once."""
    found: Ints = np.unique(np.concatenate([result.rows for result in results]))
    return found
