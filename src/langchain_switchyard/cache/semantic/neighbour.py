"""A stored question near the one asked: all that a decision may look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored question, seen from the question asked."""

    entry: int
    """Number of the entry inside its partition."""
    similarity: float
    """Cosine, -1 to 1."""
    group: int
    """Entries of one group are known to have equivalent answers."""
    user: str | None = None
    """Who asked it, if known."""
    seen: tuple[tuple[float, bool], ...] = ()
    """Of later questions next to it: the similarity, and whether its answer was right."""
