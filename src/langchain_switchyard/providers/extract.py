"""Picks the sentences of some sources that best answer a question, without any model.

Words (English, lightly stemmed) and character pairs (Chinese) of the question are weighed by how
rare they are among the sentences; a sentence also earns from the heading it stands under, and from
defining what the question asks the meaning of. Nothing is rewritten: what is not there is not said.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from langchain_switchyard.providers.prose import BULLET, Line, is_wide, read_prose
from langchain_switchyard.sources import Source

MOST_SENTENCES = 4
ENOUGH = 0.4
"""Share of the question's weight that a sentence and its heading must cover to be an answer."""

_LONGEST_TEXT = 200_000
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[a-z0-9_]+(?:[.\-'][a-z0-9_]+)*|[{_CJK}]+")
_ASKS_MEANING = re.compile(
    r"\b(?:what(?:'s| is| are)|define|meaning of|explain)\b|是什么|什么是|何为|什么意思|定义|介绍",
    re.IGNORECASE,
)
_DEFINES = re.compile(
    r"\b(?:is|are|means?|refers? to|stands? for|denotes?)\b"
    r"|是指|指的是|是一[种个款项套]|称为|即|是",
    re.IGNORECASE,
)
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:long|much|many|often|soon|far|fast|big|large)\b"
    r"|多少|多久|多长|多大|几[个天次种点年月]",
    re.IGNORECASE,
)
_HAS_AMOUNT = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|once|twice)\b"
    r"|[一二两三四五六七八九十百千万]",
    re.IGNORECASE,
)
_SAYS_NOTHING = """
a about an and any are as at be been but by can could define did do does explain for from get had
has have how i if in into is it its long many me meaning much my of often on or our please s should
so take tell than that the their them then there these they this those to until us was we were what
when where which who why will with would you your
什么 怎么 怎样 如何 为什 么样 哪些 哪个 哪里 多少 多久 多长 多大 要多 是多 为多 是否 可以 能否
请问 一下 告诉 诉我 介绍 意思 的是 是什 么是 这个 那个 以及 我们 你们 他们 需要 应该 几个 问题
回答 根据 资料 有哪 么做 么办 请用 会不 不会 时候
"""
_STOP = frozenset(_SAYS_NOTHING.split())
_STOP_CHARACTERS = frozenset(
    "的了吗呢吧啊是在和与或也就都而及被把对从到有为请我你他她它这那哪几么什"
)
_UNSEEN_PAIR = 0.3
"""Share of its weight that a character pair keeps which no sentence holds: it may be no word."""


@dataclass(frozen=True)
class Quote:
    """One sentence and the number of the source it stands in."""

    number: int
    text: str


@dataclass(frozen=True)
class _Sentence:
    order: int
    number: int
    line: Line
    terms: Counter[str]
    above: frozenset[str]

    @property
    def text(self) -> str:
        """Its words."""
        return self.line.text


@dataclass(frozen=True)
class _Aim:
    """What kind of answer is asked for."""

    meaning: bool
    amount: bool
    wide: bool
    """In Chinese."""


def terms_of(text: str) -> Counter[str]:
    """Words and character pairs that carry meaning."""
    found: Counter[str] = Counter()
    for word in _WORD.findall(text.lower()):
        if _is_wide_term(word):
            found.update(_pairs(word))
        elif word not in _STOP:
            found[_stem(word)] += 1
    return found


def best_quotes(question: str, sources: Sequence[Source], before: str = "") -> list[Quote]:
    """The sentences that answer, in the order of the sources; none if nothing answers.

    Args:
        question: What was asked last.
        sources: Where to look.
        before: The question before; it counts half when the last one says little by itself.
    """
    asked = _weighted_question(question, before)
    sentences = list(_sentences(sources))
    if not asked or not sentences:
        return []
    weights = _weights(asked, sentences)
    aim = _aim(question)
    length = sum(sum(one.terms.values()) for one in sentences) / len(sentences) or 1.0
    scored = sorted(
        ((_score(one, weights, length, aim), one) for one in sentences),
        key=lambda pair: (-pair[0], pair[1].order),
    )
    best_score, best = scored[0]
    if best_score <= 0 or _coverage(best, weights) < ENOUGH:
        return []
    chosen = _choose(scored, weights)
    chosen = _with_list(chosen, sentences)
    return [Quote(one.number, one.text) for one in sorted(chosen, key=lambda one: one.order)]


def _is_wide_term(word: str) -> bool:
    return word[0] >= "\u3400"


def _pairs(word: str) -> Iterator[str]:
    if len(word) == 1:
        if word not in _STOP_CHARACTERS:
            yield word
        return
    for first, second in pairwise(word):
        pair = first + second
        # A pair with a particle in it only says how the sentence is built.
        if pair not in _STOP and not (first in _STOP_CHARACTERS or second in _STOP_CHARACTERS):
            yield pair


def _stem(word: str) -> str:
    """English endings that change nothing about what is meant."""
    for ending, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            stem = word[: -len(ending)] + ("y" if ending == "ies" else "")
            return stem.rstrip("e") if len(stem) > 3 else stem
    return word.rstrip("e") if len(word) > 4 else word


def _weighted_question(question: str, before: str) -> dict[str, float]:
    asked = dict.fromkeys(terms_of(question), 1.0)
    if before and len(asked) < 2:
        for term in terms_of(before):
            asked.setdefault(term, 0.5)
    return asked


def _sentences(sources: Sequence[Source]) -> Iterator[_Sentence]:
    order = 0
    budget = _LONGEST_TEXT
    for source in sources:
        for line in read_prose(source.text[:budget]):
            above = frozenset(terms_of(f"{source.name} {line.heading}"))
            yield _Sentence(order, source.number, line, terms_of(line.text), above)
            order += 1
        budget = max(0, budget - len(source.text))


def _weights(asked: dict[str, float], sentences: Sequence[_Sentence]) -> dict[str, float]:
    """Terms of the question, weighed by inverse sentence frequency."""
    holding = Counter(term for one in sentences for term in one.terms)
    weights = {}
    for term, share in asked.items():
        count = holding[term]
        rarity = math.log(1 + (len(sentences) - count + 0.5) / (count + 0.5))
        weights[term] = (
            share * rarity * (_UNSEEN_PAIR if not count and _is_wide_term(term) else 1.0)
        )
    return weights


def _score(one: _Sentence, weights: dict[str, float], length: float, aim: _Aim) -> float:
    size = sum(one.terms.values())
    norm = 0.6 + 0.4 * size / length
    score = 0.0
    for term, weight in weights.items():
        count = one.terms[term]
        if count:
            score += weight * count * 2.0 / (count + norm)
        elif term in one.above:
            score += weight * 0.45
    if not any(term in one.terms for term in weights):
        # Under a fitting heading, but not itself about the question.
        score *= 0.5
    if aim.meaning and _opens_definition(one, weights):
        score *= 1.5
    if aim.amount and _HAS_AMOUNT.search(one.text):
        score *= 2.0
    if one.line.is_row or one.text.endswith(("?", "？")):
        score *= 0.5  # A question is rarely the answer; a row of a table says little by itself.
    if is_wide(one.text) != aim.wide:
        score *= 0.6  # Rather in the reader's language, if both say it.
    # Two halves of a question in one sentence beat one half twice.
    return score * (0.3 + 0.7 * _coverage(one, weights))


def _aim(question: str) -> _Aim:
    return _Aim(
        meaning=bool(_ASKS_MEANING.search(question)),
        amount=bool(_ASKS_AMOUNT.search(question)),
        wide=is_wide(question),
    )


def _opens_definition(one: _Sentence, weights: dict[str, float]) -> bool:
    verb = _DEFINES.search(one.text)
    if verb is None or verb.start() > 80:
        return False
    subject = terms_of(one.text[: verb.start()])
    return any(term in subject for term in weights)


def _coverage(one: _Sentence, weights: dict[str, float]) -> float:
    total = sum(weights.values()) or 1.0
    held = sum(w for term, w in weights.items() if term in one.terms)
    above = sum(w for t, w in weights.items() if t not in one.terms and t in one.above)
    return (held + 0.8 * above) / total


def _choose(
    scored: Sequence[tuple[float, _Sentence]], weights: dict[str, float]
) -> list[_Sentence]:
    best_score, best = scored[0]
    chosen = [best]
    known = {term for term in weights if term in best.terms or term in best.above}
    for score, one in scored[1:]:
        if len(chosen) == MOST_SENTENCES or score < 0.35 * best_score:
            break
        fresh = {term for term in weights if term in one.terms} - known
        if any(_alike(one, other) for other in chosen):
            continue
        # Either it answers a part nobody answered yet, or (nearly) as well as the best does.
        enough = 0.7 if one.line.heading == best.line.heading else 0.95
        if fresh or score >= enough * best_score:
            chosen.append(one)
            known |= fresh
    return chosen


def _alike(one: _Sentence, other: _Sentence) -> bool:
    both = sum((one.terms & other.terms).values())
    least = min(sum(one.terms.values()), sum(other.terms.values())) or 1
    return both / least > 0.8


def _with_list(chosen: list[_Sentence], sentences: Sequence[_Sentence]) -> list[_Sentence]:
    """A sentence that announces a list is no answer without it."""
    complete = list(chosen)
    for one in chosen:
        if not one.text.rstrip().endswith((":", "：")):
            continue
        for following in sentences[one.order + 1 : one.order + 1 + MOST_SENTENCES]:
            is_item = following.number == one.number and BULLET.match(following.text)
            if is_item and following not in complete:
                complete.append(following)
    return complete[: 2 * MOST_SENTENCES]
