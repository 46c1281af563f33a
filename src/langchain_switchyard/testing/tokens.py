"""A tokenizer good enough to count and to cut with: deterministic, offline, bilingual.

One Chinese, Japanese or Korean character is one token; other text goes by about four characters.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_CJK_CHAR = re.compile(f"[{_CJK}]")
_PIECE = re.compile(rf"\s*(?:[{_CJK}]|[^\s{_CJK}]{{1,8}})|\s+")


def count_tokens(text: str) -> int:
    """Estimate the tokens of a prompt: a quarter of its characters, CJK characters whole.

    Args:
        text: Any language.

    Returns:
        At least 1 for a non-empty text, 0 for an empty one.
    """
    if text.isascii():
        return (len(text) + 3) // 4
    whole = len(_CJK_CHAR.findall(text))
    return whole + (len(text) - whole + 3) // 4


@lru_cache(maxsize=512)
def pieces(text: str) -> tuple[str, ...]:
    """Cut an answer into the tokens it is streamed in; joined they are the text again.

    Words keep the space before them, as models emit them; words longer than eight characters are
    split, Chinese comes character by character.
    """
    return tuple(_PIECE.findall(text))


def has_cjk(text: str) -> bool:
    """Tell whether the text holds a Chinese, Japanese or Korean character."""
    return not text.isascii() and _CJK_CHAR.search(text) is not None
