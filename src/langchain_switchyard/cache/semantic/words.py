"""How this level spells a text: for equality, and as a sequence of words and characters."""

from __future__ import annotations

import re
import unicodedata

from langchain_switchyard.cache.semantic.traditional import simplified

_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_EDGES = " \t\n\r.!?。！？…~,，;；:：、"
_WORD = re.compile(
    r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\d+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
# What a question can do without: nobody means something else by it.
_POLITE = re.compile(
    r"\b(?:please tell me|please|pls|kindly|hi|hello|hey|thanks a lot|many thanks|thanks|thx"
    r"|thank you(?: very much| so much)?|excuse me|can you tell me|could you tell me|may i ask"
    r"|do you know|i want to know|i would like to know|id like to know|the|an?)\b"
    r"|请问一下|请问|麻烦你?|你好|非常感谢|感谢|多谢|谢谢你?|劳驾|拜托|我想知道|我想问一下|我想问|我想请问"
    r"|[能可]不[能可]以?告诉我|[能可]否告诉我|可以告诉我|请告诉我|告诉我|帮我|请|一下|[吗呢吧啊呀哦嘛的]"
)


def plain(text: str) -> str:
    """Return a text without case, width, invisible characters and punctuation at its ends.

    Punctuation inside stays: `C++` is not `C`, `1.5` is not `15`.
    """
    folded = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return _SPACE.sub(" ", folded).strip(_EDGES)


def words(text: str) -> tuple[str, ...]:
    """Return words of spaced scripts and single characters of Chinese, Japanese and Korean."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("'", "")
    return tuple(_WORD.findall(folded))


def content(text: str) -> tuple[str, ...]:
    """Return the words of a text without politeness, articles and particles."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("您", "你")
    folded = simplified(folded).replace("'", "").replace("’", "")
    return words(_POLITE.sub(" ", folded)) or words(text)
