"""Differences across which a past answer is never served, whatever the similarity.

`marks(text)` reads once what can differ; `veto(left, right)` compares two readings. English and
Chinese alike, no dictionary, no model: some 0.2 ms for a question.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from langchain_switchyard.cache.semantic.figures import figures
from langchain_switchyard.cache.semantic.literals import (
    code,
    dates,
    names,
    quotations,
    without_dates,
)
from langchain_switchyard.cache.semantic.opposites import (
    Sides,
    are_opposed,
    is_negated,
    sides,
)
from langchain_switchyard.cache.semantic.traditional import simplified
from langchain_switchyard.cache.semantic.words import content, plain, words


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a text must agree with another one for an answer to be shared."""

    plain: str
    """The text without case, width and surrounding punctuation."""
    words: tuple[str, ...]
    """English words, Chinese characters, in order."""
    content: tuple[str, ...]
    """Those without politeness, articles and particles."""
    numbers: tuple[str, ...]
    is_negated: bool
    sides: Sides
    """Where it stands between words that exclude each other."""
    quotes: tuple[str, ...]
    dates: tuple[str, ...]
    code: tuple[str, ...]
    names: frozenset[str]


Veto = Callable[[Marks, Marks], str | None]
"""Says why a past answer must not be served across two texts, in one word, or None."""


def marks(text: str) -> Marks:
    """Read a text."""
    wide = simplified(unicodedata.normalize("NFKC", text))
    folded = wide.casefold()
    spoken = words(text)
    return Marks(
        plain=plain(text),
        words=spoken,
        content=content(text),
        numbers=figures(without_dates(folded)),
        is_negated=is_negated(folded),
        sides=sides(folded),
        quotes=quotations(wide),
        dates=dates(wide),
        code=code(wide),
        names=names(wide).intersection(spoken),
    )


def veto(asked: Marks, known: Marks) -> str | None:
    """Return why the answer to `known` must not be served for `asked`, or None.

    The words: `date`, `number`, `code`, `quote`, `negation`, `opposite`, `name`, `order`.
    """
    differences = (
        ("date", asked.dates != known.dates),
        ("number", asked.numbers != known.numbers),
        ("code", asked.code != known.code),
        ("quote", asked.quotes != known.quotes),
        ("negation", asked.is_negated != known.is_negated),
        ("opposite", are_opposed(asked.sides, known.sides)),
        ("name", _names_differ(asked, known)),
        ("order", _only_order_differs(asked, known)),
    )
    return next((reason for reason, differs in differences if differs), None)


def strict_veto(asked: Marks, known: Marks) -> str | None:
    """As `veto`, and any difference in wording but politeness, articles and particles: `wording`.

    For similarities that see letters and no meaning, such as character n-grams: sentences that
    share nearly all characters differ in meaning more often than not.
    """
    reason = veto(asked, known)
    if reason is None and asked.content != known.content:
        return "wording"
    return reason


def _names_differ(left: Marks, right: Marks) -> bool:
    # A name counts as shared when the other text has the word in any spelling: `PIN` and `pin`.
    return bool(left.names - set(right.words)) and bool(right.names - set(left.words))


def _only_order_differs(left: Marks, right: Marks) -> bool:
    # `from London to Paris`, `from Paris to London`: no embedding tells them apart.
    return left.words != right.words and sorted(left.words) == sorted(right.words)
