"""A stored question near the one asked: all that a decision may look at."""

from __future__ import annotations

from collections.abc import Iterable
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


def independent(near: Iterable[Neighbour], asker: str | None) -> list[Neighbour]:
    """Let another user's questions count once in a group: nobody makes an agreement alone."""
    voices: set[tuple[str, int]] = set()
    kept = []
    for one in near:
        if one.user is not None and one.user != asker:
            if (one.user, one.group) in voices:
                continue
            voices.add((one.user, one.group))
        kept.append(one)
    return kept
