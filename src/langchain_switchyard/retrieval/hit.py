"""What a search returns: hits that tell how they were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from langchain_core.documents import Document


@dataclass(frozen=True, slots=True)
class LegScore:
    """One leg's opinion of a hit.

    Attributes:
        rank: Place on the leg's own list from 1; ``None`` when it was not on it.
        score: The leg's score (BM25 or cosine); ``None`` when it has none.
        weight: Share of the leg in the fused score.
    """

    rank: int | None
    score: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found.

    Attributes:
        document: A fresh copy; its metadata is the caller's own, scores stay here.
        score: The fused score; comparable within one search only.
        rank: Place in this result, from 1.
        legs: Each leg's rank and score, by name (``lexical``, ``dense``).
        explanation: The same in one sentence.
    """

    document: Document
    score: float
    rank: int
    legs: Mapping[str, LegScore] = field(default_factory=dict)
    explanation: str = ""

    @property
    def id(self) -> str:
        """The document's id."""
        return str(self.document.id)

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document.page_content


class SearchResult(list[Hit]):
    """The hits, and what happened on the way.

    Attributes:
        weights: Weight of every leg that took part.
        notes: What the caller should know: a leg that failed, timed out or was weighed down.
    """

    def __init__(
        self,
        hits: Iterable[Hit] = (),
        weights: Mapping[str, float] | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        """Keep hits, weights and notes together."""
        super().__init__(hits)
        self.weights = dict(weights or {})
        self.notes = tuple(notes)


def explain(legs: Mapping[str, LegScore]) -> str:
    """Return ``lexical #1 (12.30, weight 0.30); dense #4 (0.62, weight 0.70)``."""
    parts = []
    for name, leg in legs.items():
        place = f"#{leg.rank}" if leg.rank else "not listed"
        score = "no score" if leg.score is None else f"{leg.score:.2f}"
        parts.append(f"{name} {place} ({score}, weight {leg.weight:.2f})")
    return "; ".join(parts)
