"""The semantic level without its edges: no encoder, no judge, nothing that waits.

`SemanticCache` embeds and compares, synchronously or not; everything it decides is decided here.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_switchyard.cache.semantic.eligible import why_not
from langchain_switchyard.cache.semantic.entry import Entry
from langchain_switchyard.cache.semantic.equivalence import Comparison
from langchain_switchyard.cache.semantic.hits import HitLog, Served
from langchain_switchyard.cache.semantic.modes import Mode
from langchain_switchyard.cache.semantic.partition import Asked, Found, Partition
from langchain_switchyard.cache.semantic.policy import SemanticPolicy
from langchain_switchyard.cache.semantic.vetoes import marks
from langchain_switchyard.cache.semantic.watch import Watch
from langchain_switchyard.cache.semantic.wilson import wilson
from langchain_switchyard.cache.semantic_contract import Question, SemanticHit, Verdict

if TYPE_CHECKING:  # numpy is an extra: reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import Vector, VectorIndex

Learning = Generator[Comparison, bool, None]
"""Yields answers to compare, is sent the verdicts."""


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
        self._hits = HitLog()
        self._lock = threading.Lock()
        self._partitions: OrderedDict[bytes, Partition] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def refusal(self, question: Question, *, in_outage: bool = False) -> str | None:
        """Return why a question must not meet similar ones, or None.

        In an outage the application has consented to old answers, marked with their age: there a
        question about today is no worse than any other.
        """
        rules = replace(self._policy.text, time_words=True) if in_outage else self._policy.text
        return why_not(question.text, question.user, rules)

    def miss(self, reason: str, context: Asked | None = None) -> Verdict:
        """Count a miss and say why."""
        with self._lock:
            self._counts[reason] += 1
        return Verdict(reason=reason, context=context)

    def asked(self, question: Question, vector: Vector) -> Asked:
        """Read a question once."""
        return Asked(question.text, marks(question.text), vector, question.user)

    def decide(self, question: Question, asked: Asked) -> Verdict:
        """Decide whether a past answer may be served, or is to be checked."""
        with self._lock:
            draw, check = self._chance.random(), self._chance.random()
        found = self._partition(question.partition).find(asked, draw)
        if found.entry is None:
            return self.miss(found.reason, asked)
        if check < self._policy.shadow.share:
            hit = self._hit(question, found, found.entry)
            with self._lock:
                self._counts["checking"] += 1
            return Verdict(shadow=hit, reason="checking", context=asked)
        if found.reason:
            return self.miss(found.reason, asked)
        hit = self._hit(question, found, found.entry)
        with self._lock:
            self._counts["hit"] += 1
        return Verdict(hit=hit, context=asked)

    def decide_in_outage(self, question: Question, asked: Asked, mode: Mode) -> SemanticHit | None:
        """Return the best past answer under another rule; nothing is checked or learned."""
        # No exploring while nobody can be asked: the draw is the highest.
        found = self._partition(question.partition).find(asked, 1.0, mode=mode)
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
        partition = self._partition(question.partition)
        mode = partition.mode
        fresh = partition.store(asked, question.key, answer) if mode.keeps_equals else None
        number = fresh.number if fresh else None
        verdicts: dict[int, bool] = {}
        if verdict is not None and verdict.hit is not None and verdict.hit.key != question.key:
            # The hit was not served: its answer is gone or too old.
            partition.forget(verdict.hit.key)
        if verdict is not None and verdict.shadow is not None:
            served = self._hits.peek(verdict.shadow.hit_id)
            if served is not None:
                verdicts = yield from _check(partition, served, asked, answer, number)
        while len(verdicts) < mode.comparisons:
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
        served = self._hits.take(hit_id)
        if served is None:
            return False
        with self._lock:
            partition = self._partitions.get(served.partition)
            self._counts["reported wrong"] += 1
        if partition is not None:
            partition.check(served.entry, served.agreed, right=False)
        return True

    def forget(self, keys: Sequence[bytes]) -> None:
        """Drop entries by the key of their answer."""
        with self._lock:
            partitions = list(self._partitions.values())
        for key in keys:
            for partition in partitions:
                partition.forget(key)

    def forget_user(self, user: str) -> int:
        """Drop every question of a user; returns how many."""
        with self._lock:
            partitions = list(self._partitions.values())
        return sum(partition.forget_user(user) for partition in partitions)

    def forget_partition(self, digest: bytes | None) -> None:
        """Drop one partition, or all."""
        with self._lock:
            if digest is None:
                self._partitions.clear()
            else:
                self._partitions.pop(digest, None)

    def stats(self) -> dict[str, Any]:
        """Return plain figures over all partitions."""
        with self._lock:
            partitions, counts = list(self._partitions.values()), dict(self._counts)
        each = [partition.stats() for partition in partitions]
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
            hit_id = f"{self._chance.getrandbits(64):016x}"
        self._hits.note(hit_id, Served(question.partition, entry.number, found.agreed))
        return SemanticHit(hit_id, found.similarity, entry.key, entry.text)

    def _partition(self, digest: bytes) -> Partition:
        with self._lock:
            partition = self._partitions.get(digest)
            if partition is None:
                watch = Watch(self._mode, self._policy.shadow)
                capacity = self._policy.capacity
                partition = Partition(self._new_index(), watch, self._policy.veto, capacity.entries)
                self._partitions[digest] = partition
                if len(self._partitions) > capacity.partitions:
                    self._partitions.popitem(last=False)
            self._partitions.move_to_end(digest)
            return partition


def _check(
    partition: Partition, served: Served, asked: Asked, answer: str, fresh: int | None
) -> Generator[Comparison, bool, dict[int, bool]]:
    """Check a would-be hit against the fresh answer; returns the verdicts by entry.

    A hit counts as wrong when a second voice of its agreement differs from the fresh answer, too:
    a judge that errs once in ten would otherwise close a level that is right.
    """
    verdicts: dict[int, bool] = {}
    for voice in dict.fromkeys((served.entry, *served.agreed)):
        entry = partition.entry(voice)
        if entry is None or voice == fresh or len(verdicts) == 2 or any(verdicts.values()):
            continue
        same = yield _comparison(asked, answer, entry)
        partition.settle(fresh, voice, asked, same=same)
        verdicts[voice] = same
    if not verdicts:
        return verdicts
    right = any(verdicts.values())
    partition.check(served.entry, served.agreed, right=right)
    if right and not verdicts.get(served.entry, True):
        partition.doubt(served.entry)
    return verdicts


def _comparison(asked: Asked, answer: str, known: Entry) -> Comparison:
    return Comparison(asked.text, answer, known.text, known.answer)
