"""The semantic level without its edges: no encoder, no judge, nothing that waits.

`SemanticCache` embeds and compares, synchronously or not; everything it decides is decided here.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_switchyard.cache.semantic.eligible import TIMELY, why_not
from langchain_switchyard.cache.semantic.entry import Entry
from langchain_switchyard.cache.semantic.equivalence import Comparison
from langchain_switchyard.cache.semantic.hits import HitId
from langchain_switchyard.cache.semantic.modes import Mode
from langchain_switchyard.cache.semantic.partition import Asked, Found, Partition
from langchain_switchyard.cache.semantic.policy import SemanticPolicy
from langchain_switchyard.cache.semantic.questions import Questions
from langchain_switchyard.cache.semantic.vetoes import marks
from langchain_switchyard.cache.semantic.watch import Watch
from langchain_switchyard.cache.semantic.wilson import wilson
from langchain_switchyard.cache.semantic_contract import (
    Page,
    Place,
    Question,
    SemanticHit,
    Stamp,
    Verdict,
)

if TYPE_CHECKING:  # numpy is an extra: reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import Vector, VectorIndex

Learning = Generator[Comparison, bool, None]
"""Yields answers to compare, is sent the verdicts."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a lookup leaves for the record that follows: `Verdict.context`."""

    asked: Asked
    shadow: Found | None = None
    """The would-be hit that is to be checked."""


class Matcher:
    """Partitions, hits and counts. Safe for many threads.

    Args:
        mode: The rule of decision that partitions begin with.
        policy: Everything around the decision.
        chance: Draws ids, checks and explorations.
        new_index: Makes an empty index for a new partition.
    """

    def __init__(
        self,
        mode: Mode,
        policy: SemanticPolicy,
        chance: random.Random,
        new_index: Callable[[], VectorIndex],
    ) -> None:
        """Start without partitions."""
        self._mode = mode
        self._policy = policy
        self._chance = chance
        self._new_index = new_index
        self._lock = threading.Lock()
        self._partitions: OrderedDict[Place, Partition] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def refusal(self, question: Question, *, in_outage: bool = False) -> str | None:
        """Return why a question must not meet similar ones, or None.

        In an outage the application has consented to old answers, marked with their age: there a
        question about today is no worse than any other.
        """
        rules = replace(self._policy.text, time_words=True) if in_outage else self._policy.text
        return why_not(question.text, question.user, rules)

    def is_worth_learning(self, question: Question) -> bool:
        """Whether a fresh answer is remembered: it may be met, be it in an outage only."""
        in_outage = question.for_outage and self._policy.outage is not None
        return self.refusal(question, in_outage=in_outage) is None

    def miss(self, reason: str, asked: Asked | None = None) -> Verdict:
        """Count a miss and say why."""
        with self._lock:
            self._counts[reason] += 1
        return Verdict(reason=reason, context=Context(asked) if asked else None)

    def asked(self, question: Question, vector: Vector) -> Asked:
        """Read a question once."""
        read, timely = marks(question.text), self.refusal(question) == TIMELY
        return Asked(question.text, read, vector, question.user, question.epochs, timely)

    def decide(self, question: Question, asked: Asked) -> Verdict:
        """Decide whether a past answer may be served, or is to be checked."""
        with self._lock:
            draw, check = self._chance.random(), self._chance.random()
        found = self._partition(question.place).find(asked, draw)
        if found.entry is None:
            return self.miss(found.reason, asked)
        if check < self._policy.shadow.share:
            hit = self._hit(question, found, found.entry)
            with self._lock:
                self._counts["checking"] += 1
            return Verdict(shadow=hit, reason="checking", context=Context(asked, found))
        if found.reason:
            return self.miss(found.reason, asked)
        hit = self._hit(question, found, found.entry)
        with self._lock:
            self._counts["hit"] += 1
        return Verdict(hit=hit, context=Context(asked))

    def decide_in_outage(self, question: Question, asked: Asked, mode: Mode) -> SemanticHit | None:
        """Return the best past answer under another rule; nothing is checked or learned."""
        # No exploring while nobody can be asked: the draw is the highest.
        found = self._partition(question.place).find(asked, 1.0, mode=mode)
        with self._lock:
            self._counts["outage hit" if found.entry else "outage miss"] += 1
        return self._hit(question, found, found.entry) if found.entry else None

    def learn(
        self, question: Question, answer: str, asked: Asked, verdict: Verdict | None
    ) -> Learning:
        """Take in a fresh answer; yields the comparisons it needs, one after the other.

        The lock is not held while an answer is compared: entries may leave in between, and a
        verdict on a gone entry is dropped.
        """
        partition = self._partition(question.place)
        mode = partition.mode
        fresh = partition.store(asked, question.key, answer) if mode.keeps_equals else None
        number = fresh.number if fresh else None
        verdicts: dict[int, bool] = {}
        if verdict is not None and verdict.hit is not None and verdict.hit.key != question.key:
            # The hit was not served: its answer is gone or too old.
            partition.forget(verdict.hit.key)
        context = verdict.context if verdict is not None else None
        if isinstance(context, Context) and context.shadow is not None:
            verdicts = yield from _check(partition, context.shadow, asked, answer, number)
        # A question about today joins a group; it does not join two that others hold apart.
        while len(verdicts) < mode.comparisons and not (asked.timely and any(verdicts.values())):
            other = partition.comparable(asked, number, verdicts)
            if other is None:
                break
            same = yield _comparison(asked, answer, other)
            partition.settle(number, other.number, asked, same=same)
            verdicts[other.number] = same
        if not mode.keeps_equals and not any(verdicts.values()):
            partition.store(asked, question.key, answer)

    def report_wrong(self, hit_id: str) -> bool:
        """Quarantine what was served under an id. False if the id is unknown or was reported."""
        hit = HitId.parse(hit_id)
        partition = self._known(hit.place) if hit is not None else None
        if hit is None or partition is None or not partition.report(hit.is_of, hit.nonce):
            return False
        with self._lock:
            self._counts["reported wrong"] += 1
        return True

    def forget(self, keys: Sequence[bytes]) -> None:
        """Drop entries by the key of their answer."""
        for partition in self._all():
            for key in keys:
                partition.forget(key)

    def forget_user(self, user: str) -> int:
        """Drop every question of a user; returns how many."""
        return self._forget_those(lambda entry: entry.user == user)

    def forget_stale(self, is_current: Callable[[Stamp], bool]) -> None:
        """Drop every question whose epochs no longer hold."""
        self._forget_those(lambda entry: not is_current(entry.epochs))

    def _forget_those(self, is_gone: Callable[[Entry], bool]) -> int:
        return sum(partition.forget_those(is_gone) for partition in self._all())

    def _all(self) -> list[Partition]:
        with self._lock:
            return list(self._partitions.values())

    def heard(self, place: Place) -> str:
        """Position up to which a place's notes are known."""
        partition = self._known(place)
        return "" if partition is None else partition.heard

    def hear(self, place: Place, page: Page, is_current: Callable[[Stamp], bool]) -> None:
        """Take in what others learned."""
        self._partition(place).hear(page, is_current)

    def told(self, place: Place) -> list[bytes]:
        """Return notes on what was learned here since the last call."""
        partition = self._known(place)
        return [] if partition is None else partition.told()

    def stats(self) -> dict[str, Any]:
        """Return plain figures over all partitions."""
        with self._lock:
            counts = dict(self._counts)
        each = [partition.stats() for partition in self._all()]
        checked, wrong = sum(one["checked"] for one in each), sum(one["wrong"] for one in each)
        return {
            "partitions": len(each),
            "entries": sum(one["entries"] for one in each),
            "groups": sum(one["groups"] for one in each),
            "barred": sum(one["barred"] for one in each),
            "closed": sum(one["closed"] for one in each),
            "raised": sum(one["raised"] for one in each),
            "checked": checked,
            "wrong": wrong,
            "wrong_per_hit": wilson(wrong, checked, self._policy.shadow.confidence),
            "verdicts": counts,
        }

    def _hit(self, question: Question, found: Found, entry: Entry) -> SemanticHit:
        with self._lock:
            nonce = self._chance.getrandbits(48).to_bytes(6, "big")
        hit_id = str(HitId(question.place, entry.key, nonce))
        return SemanticHit(hit_id, found.similarity, entry.key, entry.text, entry.timely)

    def _known(self, place: Place) -> Partition | None:
        with self._lock:
            return self._partitions.get(place)

    def _partition(self, place: Place) -> Partition:
        with self._lock:
            partition = self._partitions.get(place)
            if partition is None:
                watch = Watch(self._mode, self._policy.shadow)
                capacity = self._policy.capacity
                questions = Questions(self._new_index, capacity.entries)
                # Not by chance that could be the same elsewhere: it must not be deaf to others.
                name = uuid.uuid4().hex
                partition = Partition(questions, watch, self._policy.veto, name)
                self._partitions[place] = partition
                if len(self._partitions) > capacity.partitions:
                    self._partitions.popitem(last=False)
            self._partitions.move_to_end(place)
            return partition


def _check(
    partition: Partition, found: Found, asked: Asked, answer: str, fresh: int | None
) -> Generator[Comparison, bool, dict[int, bool]]:
    """Check a would-be hit against the fresh answer; returns the verdicts by entry.

    A hit counts as wrong when a second voice of its agreement differs from the fresh answer, too:
    a judge that errs once in ten would otherwise close a level that is right.
    """
    served = found.entry
    verdicts: dict[int, bool] = {}
    if served is None:
        return verdicts
    for voice in dict.fromkeys((served.number, *found.agreed)):
        entry = partition.entry(voice)
        if entry is None or voice == fresh or len(verdicts) == 2 or any(verdicts.values()):
            continue
        same = yield _comparison(asked, answer, entry)
        partition.settle(fresh, voice, asked, same=same)
        verdicts[voice] = same
    if not verdicts:
        return verdicts
    right = any(verdicts.values())
    partition.check(served.number, found.agreed, right=right)
    if right and not verdicts.get(served.number, True):
        partition.doubt(served.number)
    return verdicts


def _comparison(asked: Asked, answer: str, known: Entry) -> Comparison:
    return Comparison(asked.text, answer, known.text, known.answer)
