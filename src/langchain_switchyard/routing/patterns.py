"""What a tokenizer-free count looks at: how often some short patterns occur in a text.

A text is turned into one byte per character that says what kind of character it is. Every step is a
scan in C, so the whole costs about as much as hashing the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Weights(NamedTuple):
    """Tokens that one occurrence of each pattern adds; some patterns overlap others and take away.

    The order is that of `count_patterns`: a text in plain ASCII needs only the first part.
    """

    word: float
    """A run of Latin letters after anything but punctuation."""
    letter: float
    capital: float
    hump: float
    """A capital after a small letter: camelCase, and random identifiers."""
    letter_digit: float
    punctuation: float
    punctuation_2: float
    """Two marks in a row, which often share a token."""
    punctuation_3: float
    digit: float
    digit_3: float
    """Three digits in a row: one token for OpenAI, three for Qwen."""
    space_digit: float
    line: float
    indent: float
    """A line that begins with white space."""

    ideograph: float
    ideograph_run: float
    mark_ideograph: float
    """An ideograph after ASCII punctuation, as in JSON."""
    cjk_mark: float
    """CJK and full-width punctuation."""
    kana: float
    symbol: float
    """Typographic quotes and dashes, arrows, mathematics."""
    astral: float
    """Emoji and rare ideographs."""

    hangul: float
    latin: float
    """Accented letters of European languages and Vietnamese."""
    greek: float
    cyrillic: float
    hebrew: float
    arabic: float
    brahmic: float
    """Devanagari and its relatives in India."""
    thai: float


# fmt: off


def _classes() -> bytes:
    """One class per first byte of a UTF-8 character; punctuation where nothing else is said."""
    table = bytearray(b"." * 256)
    ranges: Mapping[bytes, Sequence[tuple[int, int]]] = {
        b"a": [(0x61, 0x7A)],
        b"A": [(0x41, 0x5A)],
        b"0": [(0x30, 0x39)],
        b" ": [(0x20, 0x20), (0x09, 0x09)],
        b"\n": [(0x0A, 0x0A), (0x0D, 0x0D)],
        b"l": [(0xC2, 0xCD), (0xE1, 0xE1)],
        b"g": [(0xCE, 0xCF)],
        b"c": [(0xD0, 0xD3)],
        b"w": [(0xD4, 0xD7)],
        b"r": [(0xD8, 0xDF)],
        b"b": [(0xE0, 0xE0)],
        b"s": [(0xE2, 0xE2)],
        b"k": [(0xE3, 0xE3)],
        b"h": [(0xE4, 0xE9)],
        b"n": [(0xEA, 0xED)],
        b"f": [(0xEE, 0xEF)],
        b"e": [(0xF0, 0xFF)],
    }
    for name, spans in ranges.items():
        for first, last in spans:
            table[first : last + 1] = name * (last - first + 1)
    return bytes(table)


def _keep(kept: Mapping[bytes, bytes]) -> bytes:
    """A table that renames some classes and makes everything else a space."""
    table = bytearray(b" " * 256)
    for name, new in kept.items():
        table[name[0]] = new[0]
    return bytes(table)


_CLASSES = _classes()
_CONTINUATION = bytes(range(0x80, 0xC0))
_WORDS = _keep({b"a": b"a", b"A": b"a", b".": b"."})
_IDEOGRAPHS = _keep({b"h": b"h"})
_COMMON = b"aA0. \nhfkse"


def count_patterns(text: str) -> tuple[int, ...]:
    """How often each pattern of `Weights` occurs, in its order; shorter where the rest is 0."""
    raw = text.encode("utf-8", "surrogatepass")
    if text.isascii():
        return _count_ascii(raw.translate(_CLASSES))
    line = raw.translate(_CLASSES, _CONTINUATION)
    count = line.count
    ideographs = line.translate(_IDEOGRAPHS)
    marks = raw.count(b"\xe3\x80")
    counts = (
        *_count_ascii(line),
        count(b"h"),
        ideographs.count(b" h") + ideographs.startswith(b"h"),
        count(b".h"),
        marks + count(b"f"),
        count(b"k") - marks,
        count(b"s"),
        count(b"e"),
    )
    rare = line.translate(None, _COMMON)
    if not rare:
        return counts
    thai = raw.count(b"\xe0\xb8") + raw.count(b"\xe0\xb9")
    return (*counts, *map(rare.count, _RARE), rare.count(b"b") - thai, thai)


_RARE = (b"n", b"l", b"g", b"c", b"w", b"r")
"""Classes from `hangul` to `arabic`."""


def _count_ascii(line: bytes) -> tuple[int, ...]:
    """Patterns of Latin text and code; what cannot occur is not looked for."""
    count = line.count
    words = line.translate(_WORDS)
    in_words = words.count
    letters = in_words(b"a")
    capitals = count(b"A")
    marks = in_words(b".")
    pairs = marks and in_words(b"..")
    digits = count(b"0")
    lines = count(b"\n")
    return (
        letters and in_words(b" a") + words.startswith(b"a"),
        letters,
        capitals,
        capitals and count(b"aA"),
        digits and count(b"a0"),
        marks,
        pairs,
        pairs and in_words(b"..."),
        digits,
        digits and count(b"000"),
        digits and count(b" 0"),
        lines,
        lines and count(b"\n "),
    )
