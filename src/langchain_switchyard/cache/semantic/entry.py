"""A stored question."""

from __future__ import annotations

from dataclasses import dataclass, field

from langchain_switchyard.cache.semantic.bounded import Observation
from langchain_switchyard.cache.semantic.vetoes import Marks, marks
from langchain_switchyard.cache.semantic_contract import Stamp


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
    plain: str
    """The question without case, width and surrounding punctuation."""
    user: str | None = None
    epochs: Stamp = ()
    """From before the model was asked."""
    timely: bool = False
    """It speaks of today or now: met in an outage only, and only while its answer is fresh."""
    is_barred: bool = False
    """Never served again: its answer was reported wrong for a question next to it."""
    seen: tuple[Observation, ...] = ()
    """Of later questions next to it: the similarity, and whether its answer was right."""
    _marks: Marks | None = field(default=None, repr=False)

    @property
    def marks(self) -> Marks:
        """What of the question must agree; read when first needed, for most never are."""
        if self._marks is None:
            self._marks = marks(self.text)
        return self._marks
