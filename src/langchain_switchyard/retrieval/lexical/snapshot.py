"""What a reader of the lexical index holds: an immutable view of it, and one query's scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints, Segment
from langchain_switchyard.retrieval.lexical.selection import best, passing
from langchain_switchyard.retrieval.lexical.tail import Tail


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a reader sees: immutable, replaced as a whole by every write.

    Attributes:
        segments: Immutable pieces, in slot order.
        tail: Recent documents; only the first ``tail_size`` belong to this snapshot.
        tail_size: Documents of the tail that count.
        dead: Slots of deleted documents, ascending.
        live: Number of live documents.
        length: Tokens of all live documents.
    """

    segments: tuple[Segment, ...] = ()
    tail: Tail = field(default_factory=Tail)
    tail_size: int = 0
    dead: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    live: int = 0
    length: int = 0

    @cached_property
    def bases(self) -> list[int]:
        """First slot of every segment, then of the tail, then the end."""
        sizes = [segment.size for segment in self.segments]
        return [0, *np.cumsum([*sizes, self.tail_size]).tolist()]

    @property
    def mean_length(self) -> float:
        """Mean tokens of a live document."""
        return self.length / self.live if self.live else 0.0

    @cached_property
    def rows(self) -> Ints:
        """Catalogue row of every slot, ascending."""
        parts = [segment.rows for segment in self.segments]
        return np.concatenate([*parts, self.tail.rows(self.tail_size)])


@dataclass(frozen=True, eq=False)
class Match:
    """BM25 scores of one query against everything.

    Attributes:
        scores: ``(slots,)`` score of every document, 0 for deleted ones and for no common term.
        rows: ``(slots,)`` catalogue row of every slot, ascending.
        live: Number of live documents, for the statistics.
        known: Terms of the query found in the index, with their document frequency.
        skipped: Terms left out because too many documents have them.
    """

    scores: Floats
    rows: Ints
    live: int
    known: dict[str, int]
    skipped: tuple[str, ...] = ()

    @cached_property
    def mean(self) -> float:
        """Mean score over all live documents."""
        return float(self.scores.sum()) / max(self.live, 1)

    @property
    def deviation(self) -> float:
        """Standard deviation of the score over all live documents."""
        # Not BLAS's dot: it would wake its threads for a product this small.
        square = float(np.square(self.scores).sum()) / max(self.live, 1)
        return float(np.sqrt(max(square - self.mean**2, 0.0)))

    def top(self, count: int, allowed: Bools | None = None) -> tuple[Ints, Floats]:
        """Return rows and scores of the best ``count`` documents, best first.

        Args:
            count: Most documents wanted.
            allowed: Mask by catalogue row; documents outside are left out before the choice.
        """
        scores = self.scores
        if allowed is not None:
            scores = np.where(passing(allowed, self.rows), scores, 0.0)
        slots = best(scores, count)
        return self.rows[slots], scores[slots]

    def scores_of(self, rows: Ints) -> Floats:
        """Return the true score of given documents, 0 for those without a common term."""
        if not len(self.rows):
            return np.zeros(len(rows))
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[places] == rows, self.scores[places], 0.0)
