"""Where a text may be cut so that no reader sees half a character.

An approximation of Unicode's extended grapheme clusters (UAX #29) from the standard library's own
tables: marks, joiners, variation selectors, emoji modifiers and tags, flags, Hangul syllables in
parts, and CR LF stay with what they belong to.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_JOINER = "\u200d"
_SPACES = " \n\t\u3000"


def pieces(text: str, size: int) -> Iterator[str]:
    """Cut a text into pieces of about `size` characters, at a space where there is one.

    The pieces add up to the text.
    """
    start, end = 0, len(text)
    while start < end:
        cut = min(start + size, end)
        if cut < end:
            cut = _after_space(text, start, cut) or cut
            while cut < end and not _may_cut(text, cut):
                cut += 1
        yield text[start:cut]
        start = cut


def _after_space(text: str, start: int, cut: int) -> int | None:
    """The place after the last space of the piece, or None."""
    last = max(text.rfind(space, start + 1, cut) for space in _SPACES)
    return last + 1 if last > start else None


def _may_cut(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return not (before == "\r" and after == "\n")
    if _JOINER in (before, after) or _extends(after):
        return False
    if _is_flag(before) and _is_flag(after):
        return _flags_before(text, at) % 2 == 0
    return not (_is_hangul(before) and _is_hangul_part(after))


def _extends(character: str) -> bool:
    code = ord(character)
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return True
    return unicodedata.category(character) in ("Mn", "Me", "Mc")


def _is_flag(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _flags_before(text: str, at: int) -> int:
    count = 0
    while count < at and _is_flag(text[at - 1 - count]):
        count += 1
    return count


def _is_hangul(character: str) -> bool:
    code = ord(character)
    return 0x1100 <= code <= 0x11FF or 0xAC00 <= code <= 0xD7FB or 0xA960 <= code <= 0xA97C


def _is_hangul_part(character: str) -> bool:
    code = ord(character)
    return 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FB
