"""A stored question."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_switchyard.cache.semantic.bounded import Observation
from langchain_switchyard.cache.semantic.vetoes import Marks


@dataclass(slots=True)
class Entry:
    """A question that was asked, and what came of it."""

    number: int
    """Inside its partition."""
    key: bytes
    """Address of the answer in the cache's levels."""
    text: str
    """The question as asked."""
    answer: str
    """The answer's text, for comparisons only; what is served comes from the levels."""
    marks: Marks
    user: str | None
    is_barred: bool = False
    """Never served again: its answer was reported wrong for a question next to it."""
    seen: tuple[Observation, ...] = ()
    """Of later questions next to it: the similarity, and whether its answer was right."""
