"""Listwise reranking without its model: windows over a long list, and orders read from replies.

Long lists are ordered from the end to the front in overlapping windows, so that a good passage
found last can rise to the first place (Sun et al. 2023, RankGPT). Whatever a model replies, an
order read here is a permutation: nothing is lost, doubled or invented.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_BRACKETED = re.compile(r"[\[(【]\s*(\d{1,6})\s*[\])】]")
_BARE = re.compile(r"\d{1,6}")
# "1. [3]": the first number counts lines, the second one names a passage.
_LINE_NUMBER = re.compile(r"^[ \t]*\d{1,6}[ \t]*[.):、](?=[^\d\n]*\d)", re.MULTILINE)


def windows(count: int, size: int, step: int) -> Iterator[slice]:
    """Yield the windows over a list of ``count``, from its end to its front."""
    end = count
    while end > 0:
        start = max(end - size, 0)
        yield slice(start, end)
        if start == 0:
            return
        end -= step


def read_order(reply: str, count: int) -> list[int] | None:
    """Read the order of ``count`` passages, numbered from 1, out of a reply.

    Numbers in brackets are taken where there are any. Repeated and unknown numbers are passed
    over; passages the reply leaves out follow in the order they had.

    Returns:
        Places from 0, each exactly once; ``None`` when the reply names no passage.
    """
    text = unicodedata.normalize("NFKC", reply)
    named = _BRACKETED.findall(text) or _BARE.findall(_LINE_NUMBER.sub("", text))
    known = [int(number) - 1 for number in named if 1 <= int(number) <= count]
    if not known:
        return None
    return list(dict.fromkeys([*known, *range(count)]))


def reordered(places: Sequence[int], window: slice, order: Sequence[int]) -> list[int]:
    """Return ``places`` with those inside the window put in that order."""
    inside = places[window]
    return [*places[: window.start], *(inside[at] for at in order), *places[window.stop :]]
