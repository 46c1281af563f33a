"""Evaluators: one question, its answer and the sources go in, a verdict comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from langchain_switchyard.quality.abstention import abstains
from langchain_switchyard.quality.gate import Gate
from langchain_switchyard.quality.signals import (
    Groundedness,
    citations,
    groundedness,
    relevance,
    sufficiency,
)
from langchain_switchyard.quality.verdict import Remedy, Verdict


@dataclass(frozen=True)
class Exchange:
    """What there is to judge.

    Attributes:
        question: What was asked, understandable by itself.
        answer: What was answered.
        sources: Number -> text of what the answer could rest on.
    """

    question: str
    answer: str
    sources: dict[int, str]


class Evaluator(Protocol):
    """Judges an answer. Any object with this one method will do."""

    def evaluate(self, exchange: Exchange) -> Verdict:
        """Return the verdict on one exchange."""
        ...


class HeuristicEvaluator:
    """Judges by overlap, numbers and citations; about a millisecond, no model.

    Args:
        gate: Thresholds.
    """

    def __init__(self, gate: Gate | None = None) -> None:
        """Keep the thresholds."""
        self.gate = gate or Gate()

    def evaluate(self, exchange: Exchange) -> Verdict:
        """Return the verdict on one exchange."""
        if not exchange.answer.strip():
            return Verdict(
                accepted=False, reason="the answer is empty", remedy="regenerate", score=0
            )
        texts = list(exchange.sources.values())
        cited = citations(exchange.answer, list(exchange.sources))
        broken = cited.broken if exchange.sources else ()
        if abstains(exchange.answer):
            return Verdict(accepted=True, abstained=True, broken_citations=broken)
        ground = groundedness(exchange.answer, texts, exchange.question)
        relevant = relevance(exchange.question, exchange.answer)
        reason = self._objection(ground, relevant, broken)
        return Verdict(
            accepted=not reason,
            reason=reason,
            remedy=self._remedy(exchange, texts) if reason else "none",
            score=_score(ground, relevant, broken),
            groundedness=ground.score,
            relevance=relevant,
            unsupported=ground.unsupported,
            broken_citations=broken,
        )

    def _objection(
        self, ground: Groundedness, relevant: float | None, broken: tuple[int, ...]
    ) -> str:
        objections = []
        if ground.score is not None and ground.score < self.gate.groundedness:
            quoted = "; ".join(f'"{sentence[:160]}"' for sentence in ground.unsupported[:3])
            objections.append(f"the sources do not support it: {quoted}")
            if ground.foreign_numbers:
                objections.append(f"no source has the numbers {', '.join(ground.foreign_numbers)}")
        if relevant is not None and relevant < self.gate.relevance:
            objections.append("it does not speak about what was asked")
        if broken and self.gate.citations:
            objections.append(f"it cites sources that do not exist: {_brackets(broken)}")
        return "; ".join(objections)

    def _remedy(self, exchange: Exchange, texts: list[str]) -> Remedy:
        enough = sufficiency(exchange.question, texts)
        if enough is not None and enough < self.gate.sufficiency:
            return "retrieve"
        return "regenerate"


def _score(ground: Groundedness, relevant: float | None, broken: tuple[int, ...]) -> float | None:
    """Groundedness counts most: with sources, it is most of what people call quality."""
    weighted = [(ground.score, 0.7), (relevant, 0.3)]
    measured = [(value, weight) for value, weight in weighted if value is not None]
    if not measured:
        return None
    total = sum(value * weight for value, weight in measured) / sum(w for _, w in measured)
    return round(total * (0.8 if broken else 1.0), 4)


def _brackets(numbers: tuple[int, ...]) -> str:
    return " ".join(f"[{number}]" for number in numbers)
