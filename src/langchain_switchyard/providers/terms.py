"""The words a sentence is found by: English ones, lightly stemmed, and pairs of characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[A-Za-z0-9_]+(?:[.\-'][A-Za-z0-9_]+)*|[{_CJK}]+")
_PART = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])")
"""A word inside a name of code: `RetryPolicy.max_attempts` holds four."""
_SAYS_NOTHING = """
a about an and any are as at be been but by can could define did do does explain for from get had
happen happens has have how i if in into is it its long made many me mean means meaning much my of
often on or our please s should so take tell than that the their them then there these they this
those to until us was we were what when where which who why will with would you your
different difference
怎样 为什 么样 哪个 要多 是多 为多 告诉 诉我 介绍 意思 的是 是什 么是 这个 那个 以及 我们 你们 他们
需要 应该 几个 问题 回答 根据 资料 有哪 么做 么办 请用 会不 不会 时候 会怎 该怎 区别 不同
"""
_STOP = frozenset(_SAYS_NOTHING.split())
_STOP_CHARACTERS = frozenset(
    "的了吗呢吧啊是在和与或也就都而及被把对从到有为请我你他她它这那哪几么什某个"
)
_ASKING = re.compile(
    r"多少钱|多长时间|什么时候|为什么|怎么样|怎么办|怎么做|是什么|什么是|是不是|能不能|可不可以|有没有"
    r"|多少|多久|多长|多大|什么|怎么|怎样|如何|哪些|哪里|哪种|请问|一下|是否|可以|能否|会怎"
)
"""Taken out before pairs are made: with what stands beside them they would make words of chance."""
_DESPITE = frozenset(
    ("个人", "个体", "个性", "个税", "对象", "对话", "对账", "有效", "目的", "到期")
)
"""Words although one of their characters mostly is a particle."""


def terms_of(text: str) -> Counter[str]:
    """Words and character pairs that carry meaning."""
    found: Counter[str] = Counter()
    for word in _WORD.findall(_ASKING.sub(" ", text)):
        if is_wide_term(word):
            found.update(_pairs(word))
            continue
        found.update(_latin(word))
    return found


def is_wide_term(word: str) -> bool:
    """Whether a term is made of Chinese characters."""
    return word[0] >= "\u3400"


def _latin(word: str) -> Iterator[str]:
    lower = word.lower()
    if lower not in _STOP:
        yield _stem(lower)
    parts = [part.lower() for part in _PART.findall(word)]
    if len(parts) > 1:
        yield from (_stem(part) for part in parts if part not in _STOP)


def _pairs(word: str) -> Iterator[str]:
    if len(word) == 1:
        if word not in _STOP_CHARACTERS:
            yield word
        return
    for first, second in pairwise(word):
        pair = first + second
        # A pair with a particle in it only says how the sentence is built.
        is_built = first in _STOP_CHARACTERS or second in _STOP_CHARACTERS
        if pair in _DESPITE or not (is_built or pair in _STOP):
            yield pair


def _stem(word: str) -> str:
    """English endings that change nothing about what is meant."""
    for ending, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            stem = word[: -len(ending)] + ("y" if ending == "ies" else "")
            return stem.rstrip("e") if len(stem) > 3 else stem
    return word.rstrip("e") if len(word) > 4 else word
