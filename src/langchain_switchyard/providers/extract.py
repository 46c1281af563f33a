"""Picks the sentences of some sources that best answer a question, without any model.

Words (English, lightly stemmed) and character pairs (Chinese) of the question are weighed by how
rare they are among the sentences; a sentence also earns from the heading it stands under, and from
defining what the question asks the meaning of. Nothing is rewritten: what is not there is not said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from langchain_switchyard.providers.aims import Aim, aim_of
from langchain_switchyard.providers.prose import Line, read_prose
from langchain_switchyard.providers.terms import is_wide_term, terms_of
from langchain_switchyard.sources import Source

MOST_SENTENCES = 4
MOST_ITEMS = 8
"""Items of a list that come with the sentence that announces it."""

ENOUGH = 0.4
"""Share of the question's weight that a sentence and its heading must cover to be an answer."""

ENOUGH_MORE = 0.35
"""The same for a further sentence beside the best one."""

_ASKED_BEFORE = 0.6
"""Share of the question that another one must hold to be the same."""
_LONGEST_TEXT = 200_000
_UNSEEN_PAIR = 0.4
"""Share of its weight that a character pair keeps which no sentence holds: it may be no word."""
_UNSEEN_WORD = 1.3
"""The same for a word: what the question is about, and the sources are not."""


@dataclass(frozen=True)
class Quote:
    """One sentence and the number of the source it stands in."""

    number: int
    text: str
    is_item: bool = False
    """Whether it keeps a line of its own: an item of a list, a row of a table."""


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

    def asked_before(self, weights: dict[str, float]) -> float:
        """Share of the question that somebody asked before, if this answers it."""
        return _share(terms_of(self.line.asked), weights) if self.line.asked else 0.0


def best_quotes(question: str, sources: Sequence[Source], before: str = "") -> list[Quote]:
    """The sentences that answer, in the order of the sources; none if nothing answers.

    Args:
        question: What was asked last.
        sources: Where to look.
        before: The question before; it counts half when the last one says little.
    """
    asked = _weighted_question(question, before)
    sentences = list(_sentences(sources))
    if not asked or not sentences:
        return []
    weights = _weights(asked, sentences)
    aim = aim_of(question)
    length = sum(sum(one.terms.values()) for one in sentences) / len(sentences) or 1.0
    scored = sorted(
        ((_score(one, weights, length, aim), one) for one in sentences),
        key=lambda pair: (-pair[0], pair[1].order),
    )
    at = next((n for n, pair in enumerate(scored) if _answers(pair, weights)), None)
    if at is None:
        return []
    chosen = _choose(scored[at:], weights)
    chosen = _with_announced(_with_whole_answer(chosen, sentences, weights), sentences)
    chosen.sort(key=lambda one: one.order)
    return [Quote(one.number, one.text, one.line.is_item) for one in chosen]


def _weighted_question(question: str, before: str) -> dict[str, float]:
    asked = dict.fromkeys(terms_of(question), 1.0)
    if before and len(asked) < 2:
        more = terms_of(before).keys() - asked.keys()
        # All of it together weighs half: what was asked last must not be outvoted.
        asked |= dict.fromkeys(sorted(more), 0.5 * max(len(asked), 1) / max(len(more), 1))
    return asked


def _sentences(sources: Sequence[Source]) -> Iterator[_Sentence]:
    order = 0
    budget = _LONGEST_TEXT
    for source in sources:
        for line in read_prose(source.text[:budget]):
            above = frozenset(terms_of(f"{source.name} {line.context}"))
            yield _Sentence(order, source.number, line, terms_of(line.words), above)
            order += 1
        budget = max(0, budget - len(source.text))


def _weights(asked: dict[str, float], sentences: Sequence[_Sentence]) -> dict[str, float]:
    """Terms of the question, weighed by inverse sentence frequency."""
    holding = Counter(term for one in sentences for term in one.terms)
    above = frozenset[str]().union(*(one.above for one in sentences))
    weights = {}
    for term, share in asked.items():
        count = holding[term]
        rarity = math.log(1 + (len(sentences) - count + 0.5) / (count + 0.5))
        is_unseen = not count and term not in above
        doubt = _UNSEEN_PAIR if is_wide_term(term) else _UNSEEN_WORD
        weights[term] = share * rarity * (doubt if is_unseen else 1.0)
    return weights


def _score(one: _Sentence, weights: dict[str, float], length: float, aim: Aim) -> float:
    if not aim.can_be(one.line, frozenset(weights)):
        return 0.0
    size = sum(one.terms.values())
    norm = 0.6 + 0.4 * size / length
    score = 0.0
    for term, weight in weights.items():
        count = one.terms[term]
        if count:
            score += weight * count * 2.0 / (count + norm)
        elif term in one.above:
            score += weight * 0.45
    before = one.asked_before(weights)
    if before >= _ASKED_BEFORE:
        score += before * sum(weights.values())
    elif not any(term in one.terms for term in weights):
        # Under a fitting heading, but not itself about the question.
        score *= 0.5
    score *= math.prod(aim.factors(one.line, frozenset(weights)))
    # Two halves of a question in one sentence beat one half twice.
    return score * (0.3 + 0.7 * _coverage(one, weights))


def _answers(scored: tuple[float, _Sentence], weights: dict[str, float]) -> bool:
    score, one = scored
    return score > 0 and _coverage(one, weights) >= ENOUGH


def _share(terms: Container[str], weights: dict[str, float]) -> float:
    return sum(w for term, w in weights.items() if term in terms) / (sum(weights.values()) or 1.0)


def _coverage(one: _Sentence, weights: dict[str, float]) -> float:
    held = _share(one.terms, weights)
    told = held + 0.8 * _share(one.above - one.terms.keys(), weights)
    return max(told, one.asked_before(weights))


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
        if any(_alike(one, other) for other in chosen) or _coverage(one, weights) < ENOUGH_MORE:
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


def _with_whole_answer(
    chosen: list[_Sentence], sentences: Sequence[_Sentence], weights: dict[str, float]
) -> list[_Sentence]:
    """Where somebody asked the same before, what was answered counts to its end."""
    complete = list(chosen)
    for one in chosen:
        if one.asked_before(weights) < ENOUGH:
            continue
        for other in sentences:
            same = (other.number, other.line.asked) == (one.number, one.line.asked)
            if same and not other.line.is_question and other not in complete:
                complete.append(other)
    return complete[:MOST_ITEMS]


def _with_announced(chosen: list[_Sentence], sentences: Sequence[_Sentence]) -> list[_Sentence]:
    """A sentence that announces a list, a table or code is no answer without it."""
    complete = list(chosen)
    for one in chosen:
        if one.line.announces:
            announced = _announced(one, sentences[one.order + 1 : one.order + 1 + MOST_ITEMS])
            complete += [each for each in announced if each not in complete]
    return complete[: MOST_SENTENCES + MOST_ITEMS]


def _announced(one: _Sentence, after: Sequence[_Sentence]) -> Iterator[_Sentence]:
    for following in after:
        if following.number != one.number or not following.line.is_item:
            return
        yield following
        if following.line.is_code:
            return
