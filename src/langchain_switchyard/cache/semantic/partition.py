"""The stored questions of one partition: those that differ in the last user text only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_switchyard.cache.semantic.bounded import Observation
from langchain_switchyard.cache.semantic.entry import Entry
from langchain_switchyard.cache.semantic.groups import AnswerGroups
from langchain_switchyard.cache.semantic.modes import Mode
from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.cache.semantic.vetoes import Marks, Veto
from langchain_switchyard.cache.semantic.watch import Move, Watch

if TYPE_CHECKING:  # numpy is an extra: reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import Vector, VectorIndex

_LONGEST_MEMORY = 64
"""Observations kept of one entry, the latest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, read once."""

    text: str
    marks: Marks
    vector: Vector
    user: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A stored question whose answer may be served, or why there is none."""

    entry: Entry | None = None
    similarity: float = 0.0
    agreed: tuple[int, ...] = ()
    """Numbers of the entries that spoke for it."""
    reason: str = ""


class Partition:
    """Entries, their groups and their bar. Safe for many threads: one lock around everything.

    Args:
        index: Where the vectors are searched; empty.
        watch: The bar and what was checked at it.
        veto: Differences across which nothing is served.
        capacity: Entries at most; the one that was not stored or served for longest leaves.
    """

    def __init__(self, index: VectorIndex, watch: Watch, veto: Veto, capacity: int) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._index = index
        self._watch = watch
        self._veto = veto
        self._capacity = capacity
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._by_key: dict[bytes, int] = {}
        self._by_text: dict[str, int] = {}
        self._groups = AnswerGroups()
        self._next = 0

    def find(self, asked: Asked, draw: float, *, mode: Mode | None = None) -> Found:
        """Decide who may be served.

        Args:
            asked: The question.
            draw: Uniform in [0, 1), for rules that explore.
            mode: Another rule than the one in force, for an outage: then the partition's being
                closed does not matter.
        """
        with self._lock:
            if mode is None and self._watch.is_closed:
                # Closed partitions go on checking what the strictest bar would serve.
                found = self._find(asked, draw, self._watch.mode)
                return found if found.entry is None else _closed(found)
            found = self._find(asked, draw, mode or self._watch.mode)
            if found.entry is not None:
                self._entries.move_to_end(found.entry.number)
            return found

    def _find(self, asked: Asked, draw: float, mode: Mode) -> Found:
        twin = self._entries.get(self._by_text.get(asked.marks.plain, -1))
        if twin is not None and not twin.is_barred and self._veto(asked.marks, twin.marks) is None:
            return Found(twin, 1.0, (twin.number,))
        near = self._independent(self._near(asked.vector, mode.neighbours), asked.user)
        choice = mode.choose(near, draw)
        reason = choice.reason
        for candidate in choice.candidates:
            entry = self._entries[candidate.entry]
            vetoed = self._veto(asked.marks, entry.marks)
            if vetoed is None and not entry.is_barred:
                agreed = tuple(one.entry for one in near if one.group == candidate.group)
                return Found(entry, min(candidate.similarity, 1.0), agreed)
            # The reason of the nearest one is told.
            reason = reason or ("barred" if vetoed is None else f"vetoed: {vetoed}")
        return Found(reason=reason)

    def store(self, asked: Asked, key: bytes, answer: str) -> Entry:
        """Add a question with its fresh answer, as a group of its own."""
        with self._lock:
            self._forget(self._by_key.get(key))
            entry = Entry(self._next, key, asked.text, answer, asked.marks, asked.user)
            self._index.add(entry.number, asked.vector)
            self._next += 1
            self._entries[entry.number] = entry
            self._by_key[key] = self._by_text[entry.marks.plain] = entry.number
            self._groups.add(entry.number)
            while len(self._entries) > self._capacity:
                self._forget(next(iter(self._entries)))
            return entry

    def comparable(self, asked: Asked, fresh: int | None, tried: Iterable[int]) -> Entry | None:
        """Return the nearest entry whose answer is worth comparing with the fresh one.

        Args:
            asked: The question with the fresh answer.
            fresh: Number of its entry, None if it is not stored.
            tried: Entries it was compared with.

        Returns:
            The nearest entry of a group that is neither its own nor compared, nor known to differ.
        """
        with self._lock:
            known = {self._groups.group(one) for one in tried if one in self._groups}
            for one in self._near(asked.vector, self._watch.mode.neighbours + 1):
                if one.entry == fresh or one.group in known:
                    continue
                if fresh is None or self._is_open_question(fresh, one.entry):
                    return self._entries[one.entry]
            return None

    def _is_open_question(self, fresh: int, other: int) -> bool:
        if fresh not in self._groups or self._groups.group(fresh) == self._groups.group(other):
            return False
        return not self._groups.known_to_differ(fresh, other)

    def settle(self, fresh: int | None, known: int, asked: Asked, *, same: bool) -> None:
        """Take in the verdict on a fresh answer and a known one."""
        with self._lock:
            entry = self._entries.get(known)
            if entry is None:
                return
            similarity = float(self._index.vector(known) @ asked.vector)
            observation: Observation = (min(max(similarity, 0.0), 1.0), same)
            entry.seen = (*entry.seen[-_LONGEST_MEMORY + 1 :], observation)
            if fresh is not None and fresh in self._groups:
                self._groups.settle(fresh, known, same=same)

    def check(self, served: int, agreed: Iterable[int], *, right: bool) -> Move:
        """Take in a verdict on a would-be hit: move the bar, quarantine what spoke for it."""
        with self._lock:
            if not right:
                self._quarantine(served, agreed)
            return self._watch.check(right=right)

    def doubt(self, number: int) -> None:
        """Take one entry out of its group: it must earn its place again."""
        with self._lock:
            self._groups.isolate([number])

    def _quarantine(self, served: int, agreed: Iterable[int]) -> None:
        if (entry := self._entries.get(served)) is not None:
            entry.is_barred = True
        self._groups.isolate(agreed)

    def forget(self, key: bytes) -> bool:
        """Drop the entry of a key; False if there is none."""
        with self._lock:
            return self._forget(self._by_key.get(key))

    def forget_user(self, user: str) -> int:
        """Drop every entry of a user; returns how many."""
        with self._lock:
            theirs = [entry.number for entry in self._entries.values() if entry.user == user]
            return sum(self._forget(number) for number in theirs)

    def _forget(self, number: int | None) -> bool:
        entry = self._entries.pop(number, None) if number is not None else None
        if entry is None:
            return False
        self._index.remove(entry.number)
        self._groups.discard(entry.number)
        if self._by_key.get(entry.key) == entry.number:
            del self._by_key[entry.key]
        if self._by_text.get(entry.marks.plain) == entry.number:
            del self._by_text[entry.marks.plain]
        return True

    def _near(self, vector: Vector, count: int) -> list[Neighbour]:
        found = self._index.nearest(vector, count)
        return [
            Neighbour(
                number,
                similarity,
                self._groups.group(number),
                self._entries[number].user,
                self._entries[number].seen,
            )
            for number, similarity in found
        ]

    @staticmethod
    def _independent(near: list[Neighbour], asker: str | None) -> list[Neighbour]:
        # Another user's questions count once in a group: nobody can make an agreement alone.
        voices: set[tuple[str, int]] = set()
        kept = []
        for one in near:
            if one.user is not None and one.user != asker:
                if (one.user, one.group) in voices:
                    continue
                voices.add((one.user, one.group))
            kept.append(one)
        return kept

    @property
    def mode(self) -> Mode:
        """The rule in force."""
        with self._lock:
            return self._watch.mode

    def entry(self, number: int) -> Entry | None:
        """Return a stored question, None if it is gone."""
        with self._lock:
            return self._entries.get(number)

    def stats(self) -> dict[str, Any]:
        """Return plain figures."""
        with self._lock:
            lower, upper = self._watch.bounds()
            return {
                "entries": len(self._entries),
                "groups": len(self._groups),
                "barred": sum(entry.is_barred for entry in self._entries.values()),
                "closed": self._watch.is_closed,
                "raised": self._watch.raised,
                "mode": repr(self._watch.mode),
                "checked": self._watch.all_checked,
                "wrong": self._watch.all_wrong,
                "wrong_per_hit": (lower, upper),
            }


def _closed(found: Found) -> Found:
    return Found(found.entry, found.similarity, found.agreed, reason="closed")
