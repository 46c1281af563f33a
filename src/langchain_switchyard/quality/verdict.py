"""The verdict on one answer: plain data, the same whoever judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Remedy = Literal["none", "regenerate", "retrieve"]
"""What could help an answer that is not accepted: another try, or other sources first."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an evaluator found. A signal that was not measured is None, never 0.

    Attributes:
        accepted: Whether the answer may stand.
        reason: Why not, in words that help the model to do better; empty if accepted.
        remedy: What could help.
        score: From 0 to 1, over the signals that were measured; for comparing two answers to one
            question, not one question with another.
        groundedness: How far the sources bear it.
        relevance: How much of what was asked about comes up.
        abstained: Whether the answer says that it does not know, which is honest and accepted.
        unsupported: Sentences without support.
        broken_citations: Numbers cited that belong to no source.
        evaluator: Who judged.
    """

    accepted: bool
    reason: str = ""
    remedy: Remedy = "none"
    score: float | None = None
    groundedness: float | None = None
    relevance: float | None = None
    abstained: bool = False
    unsupported: tuple[str, ...] = ()
    broken_citations: tuple[int, ...] = ()
    evaluator: str = "heuristic"

    @classmethod
    def unmeasured(cls, why: str, evaluator: str) -> Verdict:
        """Let an answer stand that could not be judged, and say so."""
        return cls(accepted=True, reason=f"not evaluated: {why}", evaluator=evaluator)
