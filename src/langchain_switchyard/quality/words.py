"""Words as the signals count them: stemmed English, single Chinese characters, whole numbers.

No segmenter: on Chinese answers, pairs of characters tell as much as dictionary words do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*%?|[\u3400-\u9fff]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SPELT = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty"""
_SMALL_NUMBERS = {word: str(value) for value, word in enumerate(_SPELT.split())}
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_LIST_MARK = re.compile(r"(?m)^\s*(?:[-*+•]\s+|(?:step\s*)?\(?\d{1,2}[.):、]\s)", re.IGNORECASE)
_CITATION = re.compile(r"\[\d{1,3}(?:\s*[,，]\s*\d{1,3})*\]|【\d{1,3}】")
_ASIDE = re.compile(r"\n\s*[(（][^()（）]*[)）]\s*\Z")
_MARKUP = re.compile(r"[*_`#>|]+")
_SENTENCE_END = re.compile(r"(?<=[。！？；])|(?<=[.!?])\s+|\n+")

_ENGLISH = """a an the and or but if then of to in on at by for with from as is are was were be been
being am do does did doing have has had having i me my we our us you your he him his she her it its
they them their this that these those there here what which who whom whose when where why how not no
nor so too very can could will would shall should may might must just about into over after
before up down out off again more most some any each other than also please tell s t"""
_CHINESE = (
    "的了是在和与及或也都就而着把被于之其这那有我你他她它们个为以对"
    "从到中上下不会能可吗呢吧啊呀哦嗯很更最还又再"
)
_PAIRS = """什么 怎么 怎样 如何 为什 为何 哪些 哪个 哪里 多少 是否 可以 能否 请问 一下
告诉 介绍 意思 么是 是什 的是"""
_STOP = frozenset(_ENGLISH.split()) | frozenset(_CHINESE)
_STOP_PAIRS = frozenset(_PAIRS.split())


def plain(text: str) -> str:
    """Return a text without citations, list marks and markup, which are nobody's words.

    A last line in parentheses is left out, too: it says something of the answer, as "(Quoted by the
    offline model.)" does, and not of its subject.
    """
    text = _ASIDE.sub("", text)
    return _MARKUP.sub(" ", _LIST_MARK.sub(" ", _CITATION.sub(" ", text)))


def words(text: str) -> list[str]:
    """Return all words in order, stemmed and in small letters."""
    return [_normal(word) for word in _WORD.findall(text)]


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning."""
    return [_normal(word) for word in _WORD.findall(text) if word.lower() not in _STOP]


def grams(sequence: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Return all runs of `size` neighbours."""
    return [tuple(sequence[at : at + size]) for at in range(len(sequence) - size + 1)]


def share(wanted: Sequence[object], there: Iterable[object]) -> float:
    """Return how much of `wanted` is there, from 0 to 1; 1 if nothing is wanted."""
    if not wanted:
        return 1.0
    known = set(there)
    return sum(each in known for each in wanted) / len(wanted)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text as digits; small English ones are read from words, too."""
    found = {number.replace(",", "") for number in _NUMBER.findall(text)}
    spelt = {_SMALL_NUMBERS.get(word, "1") for word in re.findall(r"[a-z]+", text.lower())}
    # "one" is rarely a number, and everything else that is none reads as one here.
    return found | (spelt - {"1"})


def question_terms(text: str) -> set[str]:
    """Return what a question is about: content words, and pairs of Chinese characters."""
    lowered = text.lower()
    latin = {_normal(word) for word in _LATIN.findall(lowered) if word not in _STOP}
    pairs: set[str] = set()
    for run in re.findall(r"[\u3400-\u9fff]+", lowered):
        pairs |= {first + second for first, second in pairwise(run)}
    kept = {pair for pair in pairs if pair not in _STOP_PAIRS and not set(pair) & _STOP}
    return latin | numbers(text) | kept


def sentences(text: str) -> list[str]:
    """Return the sentences of a text in either language, without their citations and marks."""
    parts = (plain(part).strip() for part in _SENTENCE_END.split(_ASIDE.sub("", text)))
    return [part for part in parts if any(letter.isalnum() for letter in part)]


def han_share(text: str) -> float:
    """Return which part of the words is Chinese, from 0 to 1 (0 for a text without words)."""
    han = len(_HAN.findall(text))
    latin = len(_LATIN.findall(text))
    return han / (han + latin) if han + latin else 0.0


def _normal(word: str) -> str:
    if not (word[0].isascii() and word[0].isalpha()):
        return word.replace(",", "")
    word = word.lower()
    for ending in ("ing", "ied", "ies", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
