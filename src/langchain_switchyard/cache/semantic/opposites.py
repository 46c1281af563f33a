"""Words that turn a question round: negation, and words that exclude each other.

Embeddings put `turn on` next to `turn off` and `can` next to `cannot`. A past answer is never
served across such a difference, whatever the similarity. The tables are in `excluding_words`; what
is general comes first: a prefix that denies another text's word, an antonym beside the same
character.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from langchain_switchyard.cache.semantic import excluding_words as tables

_NOT = re.compile(
    r"\b(?:not|no|non|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|cant|wont|dont|doesnt"
    r"|didnt|isnt|arent|wasnt|werent|havent|hasnt|hadnt|couldnt|shouldnt|wouldnt|unable|fails?|failed"
    r"|refuses?|refused)\b|n['’]t\b"
)
_ZH_NEUTRAL = re.compile(
    # A-not-A questions, and words in which the sign does not deny.
    r"(\w)不\1|有没有|是否|能否|可否|不好意思|不过|不但|不仅|不只|不管|不论|不久|不断|不同|不错|差不多"
    r"|了不起|对不起|来不及|不得不|无论|无非|非常|非洲|并非常|别人|别的|特别|区别|分别|级别|性别|类别"
    r"|个别|告别|识别|未来|否则|没关系|莫名|无线|无限|无人机|不锈钢|不动产|未婚"
)
_ZH_NOT = re.compile("[不没无非未别勿莫甭]|否认|禁止|拒绝|失败|无法")
_NO_COUNT = re.compile(r"\bmore than once\b|\bat once\b|\bonce (?:i|you|we|it|the|my|this|that)\b")
_ENDINGS = re.compile(r"(?:ing|ed|es|s|e)$")
_WORD = re.compile(r"[a-z]+")
_FEWEST, _FEWEST_LONG, _FEWEST_FACING = 4, 5, 3

_Axis = Hashable


def _axes(table: str) -> list[list[tuple[str, ...]]]:
    lines = table.replace("\\\n", "").strip().splitlines()
    return [[tuple(side.split("=")) for side in line.split()] for line in lines]


def _sides_of(table: str) -> dict[str, tuple[tuple[_Axis, int], ...]]:
    """Word -> the axes it lies on, with the side it takes."""
    found: dict[str, list[tuple[_Axis, int]]] = {}
    for axis, sides in enumerate(_axes(table)):
        for number, words in enumerate(sides):
            for word in words:
                found.setdefault(word, []).append(((table[:8], axis), number))
    return {word: tuple(places) for word, places in found.items()}


_ENGLISH = _sides_of(tables.ENGLISH)
_CHINESE = _sides_of(tables.CHINESE)
_ZH_WORD = re.compile(
    # Overlapping finds: `不含` holds `含`, which must be seen, too, where it stands alone.
    "(?=(" + "|".join(sorted(_CHINESE, key=len, reverse=True)) + "))"
)
_ZH_CHARACTERS = tuple(
    frozenset(side[0] for side in axis) for axis in _axes(tables.CHINESE_CHARACTERS)
)
_ZH_UNDONE = re.compile(f"(?:{'|'.join(tables.CHINESE_UNDOING.split())})(\\w\\w)")
_ZH_ENDS = re.compile(f"[{tables.CHINESE_ENDS}]")
_NOT_DENIED = frozenset(tables.NOT_DENIED.split())
_PARTICLES = {
    word: (axis, number)
    for axis, pair in enumerate(tables.PARTICLES)
    for number, word in enumerate(pair)
}


@dataclass(frozen=True, slots=True)
class Sides:
    """Where a text stands."""

    taken: Mapping[_Axis, frozenset[Hashable]]
    """Axis -> the sides the text takes on it."""
    stems: frozenset[str]
    """Its English words without endings."""
    undone: frozenset[str]
    """Chinese: what it wants taken back or brought to an end."""
    chinese: str
    """The text, if it is not in ASCII."""


def is_negated(text: str) -> bool:
    """Whether a normalised text denies something; A-not-A questions (`能不能`) do not."""
    if _NOT.search(text):
        return True
    return not text.isascii() and bool(_ZH_NOT.search(_ZH_NEUTRAL.sub(" ", text)))


def sides(text: str) -> Sides:
    """Read where a normalised text stands: NFKC, case-folded, Chinese in simplified characters."""
    words = _WORD.findall(_NO_COUNT.sub(" ", text))
    stands = [*_english(words)]
    chinese = "" if text.isascii() else text
    if chinese:
        stands += _chinese(chinese)
    taken: dict[_Axis, set[Hashable]] = {}
    for axis, side in stands:
        taken.setdefault(axis, set()).add(side)
    return Sides(
        taken={axis: frozenset(found) for axis, found in taken.items()},
        stems=frozenset(_stem(word) for word in words if word not in _NOT_DENIED),
        undone=frozenset(_ZH_UNDONE.findall(chinese)),
        chinese=chinese,
    )


def are_opposed(left: Sides, right: Sides) -> bool:
    """Whether two texts stand on excluding sides.

    Both must take a side of one axis, and none in common: `on` against `off`. A text that names
    both sides (`the difference of credit and debit`) is opposed to neither.
    """
    return (
        any(
            found.isdisjoint(right.taken[axis])
            for axis, found in left.taken.items()
            if axis in right.taken
        )
        or _turned(left.stems, right.stems)
        or _turned(right.stems, left.stems)
        or _undone(left, right)
        or _undone(right, left)
    )


def _english(words: list[str]) -> Iterator[tuple[_Axis, Hashable]]:
    for word in words:
        yield from _ENGLISH.get(word, ())
    for before, word in pairwise(words):
        if word in _PARTICLES:
            axis, number = _PARTICLES[word]
            yield (axis, before), number


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > _FEWEST_LONG else word.removesuffix("e")


def _turned(plain: frozenset[str], other: frozenset[str]) -> bool:
    """Whether the other text has one of these words with a prefix that turns it round."""
    theirs = other - plain
    if not theirs:
        return False
    return any(_is_turned(stem, theirs) for stem in plain - other)


def _is_turned(stem: str, theirs: frozenset[str]) -> bool:
    size = len(stem)
    if size >= _FEWEST - 1 and any(p + stem in theirs for p in tables.DENYING_PREFIXES):
        return True
    if size >= _FEWEST_LONG - 1 and any(p + stem in theirs for p in tables.DENYING_LONG):
        return True
    return any(
        stem.startswith(one)
        and size - len(one) >= _FEWEST_FACING
        and facing + stem[len(one) :] in theirs
        for one, facing in tables.FACING_PREFIXES
    )


def _chinese(text: str) -> Iterator[tuple[_Axis, Hashable]]:
    for word in _ZH_WORD.findall(text):
        yield from _CHINESE[word]
    spoken = text.replace("一下", "")
    held = frozenset(spoken)
    for axis, characters in enumerate(_ZH_CHARACTERS):
        named = characters & held
        if len(named) != 1:
            continue
        (side,) = named
        for left, right in pairwise(spoken):
            if left == side and right.isalnum():
                yield (axis, "before", right), side
            if right == side and left.isalnum():
                yield (axis, "after", left), side


def _undone(left: Sides, right: Sides) -> bool:
    """Whether one text takes back what the other names, with no sign of an end there."""
    return (
        bool(left.undone)
        and any(stem in right.chinese for stem in left.undone)
        and not _ZH_ENDS.search(right.chinese)
    )
