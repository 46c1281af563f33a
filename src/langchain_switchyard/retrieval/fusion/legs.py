"""What one leg of a search hands over, whichever it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from langchain_switchyard.retrieval.fusion.methods import LegScores
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.storage.database import IndexUnavailable

_logger = logging.getLogger(__name__)


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
        distant: ``fill`` asks a server: it takes time and can fail.
    """

    name: str
    rows: Ints
    scores: Floats
    floor: float
    mean: float | None
    deviation: float | None
    fill: Callable[[Ints], Floats]
    terms: dict[str, int] = field(default_factory=dict)
    distant: bool = False

    def unlisted(self, candidates: Ints) -> Ints:
        """Return the candidates that are not on this leg's own list."""
        found: Ints = np.setdiff1d(candidates, self.rows)
        return found

    def filled(self, rows: Ints) -> LegResult:
        """Ask for the scores of ascending ``rows`` now, and for no others later."""
        scores = self.fill(rows)
        known = dict(zip(rows.tolist(), scores.tolist(), strict=True))

        def fill(wanted: Ints) -> Floats:
            return np.array([known.get(row, np.nan) for row in wanted.tolist()], np.float64)

        return replace(self, fill=fill, distant=False)

    def unfilled(self) -> LegResult:
        """Give up on scores beyond the list."""
        return replace(self, fill=lambda rows: np.full(len(rows), np.nan), distant=False)

    def over(self, candidates: Ints) -> LegScores:
        """Return this leg's scores and ranks of the candidates, filled where possible.

        Args:
            candidates: Ascending rows, those of this leg's own list among them.
        """
        places = np.searchsorted(candidates, self.rows)
        ranks = np.zeros(len(candidates), np.int64)
        ranks[places] = np.arange(1, len(self.rows) + 1)
        scores = np.empty(len(candidates))
        scores[places] = self.scores
        absent = ranks == 0
        scores[absent] = self.fill(candidates[absent])
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
    # Sorted by hand: for so few rows ``np.unique`` takes several times longer.
    rows: Ints = np.sort(np.concatenate([result.rows for result in results]))
    first = np.ones(len(rows), bool)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first]


def collect(
    outcomes: dict[str, LegResult | BaseException | None],
) -> tuple[list[LegResult], list[str]]:
    """Keep the legs that answered, and say what became of the others.

    Raises:
        Exception: Every leg failed; the first one's error, as an empty answer would be a lie.
        IndexUnavailable: A leg cannot be used with this index: no passing trouble, so no leg does
            without it.
    """
    results, notes, errors = [], [], []
    for name, outcome in outcomes.items():
        if isinstance(outcome, BaseException):
            if not isinstance(outcome, Exception) or isinstance(outcome, IndexUnavailable):
                raise outcome
            notes.append(f"the {name} leg is missing: {type(outcome).__name__}: {outcome}")
            _logger.warning("retrieval goes on without the %s leg", name, exc_info=outcome)
            errors.append(outcome)
        elif outcome is not None:
            results.append(outcome)
        else:
            notes.append(f"the {name} leg found nothing")
    if len(errors) == len(outcomes):
        raise errors[0]
    return results, notes
