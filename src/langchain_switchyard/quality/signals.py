"""What can be seen of an answer's quality without a model.

Groundedness is the share of the answer's words, word pairs and word triples that occur in the
sources, with fixed weights: fitted ones do worse as soon as the texts change. Such overlap sees
wrong names and numbers in answers from given sources; it can't see whether the sources are right,
and it does not work across languages, where it is therefore not measured at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_switchyard.quality.words import (
    content_words,
    grams,
    han_share,
    numbers,
    plain,
    question_terms,
    sentences,
    share,
    words,
)

SUPPORTED = 0.4
"""Overlap from which a sentence counts as supported."""

_CITED = re.compile(r"\[(\d{1,3}(?:\s*[,，]\s*\d{1,3})*)\]|【(\d{1,3})】")
_SHORT = 4
"""An answer of so few content words need not repeat the question's ("Five days.")."""


@dataclass(frozen=True)
class Groundedness:
    """How far the sources bear an answer.

    Attributes:
        score: From 0 to 1; None: not measured (no sources, no words, or another language).
        unsupported: Sentences that the sources do not bear, as they stand in the answer.
        foreign_numbers: Numbers of two digits and more that no source holds.
    """

    score: float | None
    unsupported: tuple[str, ...] = ()
    foreign_numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Citations:
    """Which sources an answer names.

    Attributes:
        cited: Numbers of existing sources, in order of first use.
        broken: Numbers that belong to no source.
    """

    cited: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()


def groundedness(answer: str, sources: Sequence[str], question: str = "") -> Groundedness:
    """Measure how far the sources bear the answer.

    Args:
        answer: With or without citations.
        sources: Texts the answer may rest on.
        question: Its numbers may be repeated without a source.
    """
    context = "\n".join(sources)
    text = plain(answer)
    if not sources or not words(text):
        return Groundedness(None)
    foreign = _foreign_numbers(text, f"{context}\n{question}")
    if _speak_differently(text, context):
        return Groundedness(None, foreign_numbers=foreign)
    told, meant = words(context), content_words(context)
    context_grams = {*grams(told, 2), *grams(told, 3)}
    weak = [
        sentence
        for sentence in sentences(answer)
        if _overlap(sentence, meant, context_grams) < SUPPORTED
        or any(number in foreign for number in numbers(sentence))
    ]
    score = _overlap(text, meant, context_grams) - (0.15 if foreign else 0.0)
    return Groundedness(max(0.0, round(score, 4)), tuple(weak), foreign)


def relevance(question: str, answer: str) -> float | None:
    """Measure how much of what was asked about comes up in the answer, from 0 to 1.

    None where that says nothing: a question of no content, an answer of a few words, or one in
    another language. It never tells whether the answer is right.
    """
    asked = question_terms(question)
    text = plain(answer)
    if not asked or len(content_words(text)) <= _SHORT or _speak_differently(question, text):
        return None
    return round(share(sorted(asked), question_terms(text)), 4)


def sufficiency(question: str, sources: Sequence[str]) -> float | None:
    """Measure how much of what was asked about comes up in the best source, from 0 to 1."""
    asked = sorted(question_terms(question))
    if not asked or not sources or _speak_differently(question, "\n".join(sources)):
        return None
    return round(max(share(asked, question_terms(source)) for source in sources), 4)


def citations(answer: str, known: Sequence[int]) -> Citations:
    """Read the numbers in square brackets; code such as `x[12]` is no citation.

    Args:
        answer: As the model wrote it.
        known: Numbers of the sources it was given.
    """
    found: dict[int, None] = {}
    for match in _CITED.finditer(_without_code(answer)):
        before = answer[match.start() - 1 : match.start()]
        if match.group(1) and before.isascii() and (before.isalnum() or before == "_"):
            # Right after an identifier it is an index, unless it is one of ours.
            numbers_here = [n for n in _numbers_of(match) if n in known]
        else:
            numbers_here = _numbers_of(match)
        found.update(dict.fromkeys(numbers_here))
    return Citations(
        cited=tuple(number for number in found if number in known),
        broken=tuple(number for number in found if number not in known),
    )


def _overlap(text: str, meant: Sequence[str], context_grams: set[tuple[str, ...]]) -> float:
    own = words(text)
    single = share(content_words(text), meant)
    double = share(grams(own, 2), context_grams)
    triple = share(grams(own, 3), context_grams)
    return 0.5 * single + 0.3 * double + 0.2 * triple


def _foreign_numbers(text: str, context: str) -> tuple[str, ...]:
    return tuple(sorted(n for n in numbers(text) - numbers(context) if len(n) > 1))


def _speak_differently(one: str, other: str) -> bool:
    """Whether one text is mostly Chinese and the other hardly at all."""
    shares = sorted((han_share(one), han_share(other)))
    return shares[0] < 0.15 and shares[1] > 0.5


def _without_code(text: str) -> str:
    return re.sub(
        r"```.*?```|`[^`\n]*`", lambda code: " " * len(code.group()), text, flags=re.DOTALL
    )


def _numbers_of(match: re.Match[str]) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", match.group(1) or match.group(2))]
