"""The questions that one partition holds, with their vectors and groups. No lock of its own."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from langchain_switchyard.cache.semantic.entry import Entry
from langchain_switchyard.cache.semantic.groups import AnswerGroups
from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.cache.semantic.notes import Settled, Stored
from langchain_switchyard.cache.semantic.words import plain

if TYPE_CHECKING:  # numpy is an extra: reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import Vector, VectorIndex

_log = logging.getLogger(__name__)

_LONGEST_MEMORY = 64
"""Observations kept of one entry, the latest."""


class Questions:
    """Entries by number, key and text, bounded.

    Args:
        new_index: Makes an empty index.
        capacity: Entries at most; the one that was not stored or served for longest leaves.
    """

    def __init__(self, new_index: Callable[[], VectorIndex], capacity: int) -> None:
        """Start empty."""
        self._new_index = new_index
        self._capacity = capacity
        self._next = 0
        self.clear()

    def clear(self) -> None:
        """Hold nothing."""
        self._index = self._new_index()
        self._dimensions = self._timely = 0
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._by_key: dict[bytes, Entry] = {}
        self._by_text: dict[str, Entry] = {}
        self.groups = AnswerGroups()

    def __len__(self) -> int:
        """Count the questions."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Go through the questions, those not stored or served for longest first."""
        return iter(self._entries.values())

    def get(self, number: int) -> Entry | None:
        """The question of a number, None if it is gone."""
        return self._entries.get(number)

    def of_key(self, key: bytes | None) -> Entry | None:
        """The question whose answer lies there."""
        return None if key is None else self._by_key.get(key)

    def of_text(self, text: str) -> Entry | None:
        """The latest question of a `plain` text."""
        return self._by_text.get(text)

    def touch(self, number: int) -> None:
        """A question was served: it leaves last."""
        self._entries.move_to_end(number)

    def add(self, told: Stored) -> Entry:
        """Add a question as a group of its own, in the place of an older one of its key."""
        self._heed(told.vector)
        old = self._by_key.get(told.key)
        entry = Entry(
            number=self._next,
            key=told.key,
            text=told.text,
            answer=told.answer,
            plain=plain(told.text),
            user=told.user,
            epochs=told.epochs,
            timely=told.timely,
            # A newer answer to a question makes it no better an answer to another one.
            is_barred=old is not None and old.is_barred,
        )
        if old is not None:
            self.remove(old)
        self._index.add(entry.number, told.vector)
        self._next += 1
        self._timely += entry.timely
        self._entries[entry.number] = entry
        self._by_key[entry.key] = self._by_text[entry.plain] = entry
        self.groups.add(entry.number)
        while len(self._entries) > self._capacity:
            self.remove(next(iter(self)))
        return entry

    def remove(self, entry: Entry) -> None:
        """Let go of a question."""
        del self._entries[entry.number]
        self._index.remove(entry.number)
        self.groups.discard(entry.number)
        self._timely -= entry.timely
        if self._by_key.get(entry.key) is entry:
            del self._by_key[entry.key]
        if self._by_text.get(entry.plain) is entry:
            del self._by_text[entry.plain]

    def fits(self, vector: Vector) -> bool:
        """Whether a vector that somebody tells of is as long as those known here."""
        return self._dimensions in (0, vector.size)

    def similarity(self, entry: Entry, vector: Vector) -> float:
        """Cosine of a question and a vector."""
        return float(self._index.vector(entry.number) @ vector)

    def settle(self, told: Settled) -> None:
        """Take in the verdict on two answers; what is said of a gone entry is dropped."""
        known, fresh = self.of_key(told.known), self.of_key(told.fresh)
        if known is None:
            return
        observation = (min(max(told.similarity, 0.0), 1.0), told.same)
        known.seen = (*known.seen[-_LONGEST_MEMORY + 1 :], observation)
        if fresh is not None:
            self.groups.settle(fresh.number, known.number, same=told.same)

    def near(self, vector: Vector, count: int, *, timely: bool) -> list[Neighbour]:
        """Return the nearest questions, nearest first.

        Args:
            vector: Of the question asked.
            count: How many at most.
            timely: Whether questions about today may be among them.
        """
        self._heed(vector)
        # Where they may not, they stand in nobody's way: others are looked for behind them.
        beyond = 0 if timely else min(self._timely, count)
        found = self._index.nearest(vector, count + beyond)
        seen = ((self._entries[number], similarity) for number, similarity in found)
        near = [self._seen(*one) for one in seen if timely or not one[0].timely]
        return near[:count]

    def around(self, entry: Entry, count: int) -> list[int]:
        """Numbers of the entry's group among the nearest to it, itself included."""
        near = self.near(self._index.vector(entry.number), count, timely=True)
        group = self.groups.group(entry.number)
        return [one.entry for one in near if one.group == group]

    def _seen(self, entry: Entry, similarity: float) -> Neighbour:
        group = self.groups.group(entry.number)
        return Neighbour(entry.number, similarity, group, entry.user, entry.seen)

    def _heed(self, vector: Vector) -> None:
        """Vectors of another length come from another encoder: nothing known is of use any more."""
        if self._entries and vector.size != self._dimensions:
            _log.warning(
                "the semantic cache forgets %d questions: their vectors have %d dimensions, the "
                "embedding model now gives %d",
                len(self),
                self._dimensions,
                vector.size,
            )
            self.clear()
        self._dimensions = int(vector.size)
