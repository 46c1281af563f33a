"""The stored questions of one partition: those that differ in the last user text only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_switchyard.cache.semantic.entry import Entry
from langchain_switchyard.cache.semantic.modes import Mode
from langchain_switchyard.cache.semantic.neighbour import independent
from langchain_switchyard.cache.semantic.notes import Checked, Doubted, Event, Settled, Stored
from langchain_switchyard.cache.semantic.questions import Questions
from langchain_switchyard.cache.semantic.telling import Telling
from langchain_switchyard.cache.semantic.vetoes import Marks, Veto
from langchain_switchyard.cache.semantic.watch import Move, Watch
from langchain_switchyard.cache.semantic_contract import Page, Stamp

if TYPE_CHECKING:  # numpy is an extra: reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import Vector


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, read once."""

    text: str
    marks: Marks
    vector: Vector
    user: str | None
    epochs: Stamp = ()
    timely: bool = False
    """It speaks of today or now."""


@dataclass(frozen=True, slots=True)
class Found:
    """A stored question whose answer may be served, or why there is none."""

    entry: Entry | None = None
    similarity: float = 0.0
    agreed: tuple[int, ...] = ()
    """Numbers of the entries that spoke for it."""
    reason: str = ""


class Partition:
    """Questions, their bar, and what is told of both. Safe for many threads: one lock.

    Args:
        questions: What it holds; empty.
        watch: The bar and what was checked at it.
        veto: Differences across which nothing is served.
        name: What it calls itself in its notes.
    """

    def __init__(self, questions: Questions, watch: Watch, veto: Veto, name: str = "") -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._questions = questions
        self._watch = watch
        self._veto = veto
        self._telling = Telling(name)

    # --- Deciding ---

    def find(self, asked: Asked, draw: float, *, mode: Mode | None = None) -> Found:
        """Decide who may be served.

        Args:
            asked: The question.
            draw: Uniform in [0, 1), for rules that explore.
            mode: Another rule than the one in force, for an outage: then the partition's being
                closed does not matter, and questions about today may be met.
        """
        with self._lock:
            found = self._find(asked, draw, mode or self._watch.mode, timely=False)
            if mode is not None and found.entry is None:
                # What holds on any day comes before what was said of one.
                found = self._find(asked, draw, mode, timely=True)
            if found.entry is None:
                return found
            if mode is None and self._watch.is_closed:
                # Closed partitions go on checking what the strictest bar would serve.
                return Found(found.entry, found.similarity, found.agreed, reason="closed")
            self._questions.touch(found.entry.number)
            return found

    def _find(self, asked: Asked, draw: float, mode: Mode, *, timely: bool) -> Found:
        twin = self._questions.of_text(asked.marks.plain)
        if twin is not None and (timely or not twin.timely) and not self._objection(asked, twin):
            return Found(twin, 1.0, (twin.number,))
        near = self._questions.near(asked.vector, mode.neighbours, timely=timely)
        near = independent(near, asked.user)
        choice = mode.choose(near, draw)
        reason = choice.reason
        for one in choice.candidates:
            entry = self._entry(one.entry)
            objection = self._objection(asked, entry)
            if objection is None:
                agreed = tuple(other.entry for other in near if other.group == one.group)
                return Found(entry, min(one.similarity, 1.0), agreed)
            # The reason of the nearest one is told.
            reason = reason or objection
        return Found(reason=reason)

    def _objection(self, asked: Asked, entry: Entry) -> str | None:
        vetoed = self._veto(asked.marks, entry.marks)
        if vetoed is not None:
            return f"vetoed: {vetoed}"
        return "barred" if entry.is_barred else None

    def _entry(self, number: int) -> Entry:
        entry = self._questions.get(number)
        if entry is None:
            raise KeyError(number)
        return entry

    # --- Learning ---

    def store(self, asked: Asked, key: bytes, answer: str) -> Entry:
        """Add a question with its fresh answer, as a group of its own."""
        told = Stored(key, asked.text, answer, asked.vector, asked.user, asked.epochs, asked.timely)
        with self._lock:
            self._telling.tell(told)
            return self._questions.add(told)

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
            groups, count = self._questions.groups, self._watch.mode.neighbours + 1
            known = {groups.group(one) for one in tried if one in groups}
            for one in self._questions.near(asked.vector, count, timely=asked.timely):
                if one.entry == fresh or one.group in known:
                    continue
                if fresh is None or groups.is_open(fresh, one.entry):
                    return self._questions.get(one.entry)
            return None

    def settle(self, fresh: int | None, known: int, asked: Asked, *, same: bool) -> None:
        """Take in the verdict on a fresh answer and a known one."""
        with self._lock:
            entry = self._questions.get(known)
            if entry is None:
                return
            ours = None if fresh is None else self._questions.get(fresh)
            similarity = self._questions.similarity(entry, asked.vector)
            told = Settled(ours.key if ours else None, entry.key, similarity, same)
            self._telling.tell(told)
            self._questions.settle(told)

    def check(self, served: int, agreed: Iterable[int], *, right: bool) -> Move:
        """Take in a verdict on a would-be hit: move the bar, quarantine what spoke for it."""
        with self._lock:
            return self._check(self._questions.get(served), agreed, right=right)

    def report(self, is_served: Callable[[bytes], bool], nonce: bytes) -> bool:
        """Take in that a hit was wrong; False if its entry is gone or it was reported before.

        Args:
            is_served: Says of an entry's key whether that entry was served.
            nonce: Of the hit's id.
        """
        with self._lock:
            served = next((entry for entry in self._questions if is_served(entry.key)), None)
            if served is None or self._telling.is_known(nonce):
                return False
            agreed = self._questions.around(served, self._watch.mode.neighbours)
            self._check(served, agreed, right=False, nonce=nonce)
            return True

    def _check(
        self, served: Entry | None, agreed: Iterable[int], *, right: bool, nonce: bytes = b""
    ) -> Move:
        entries = (self._questions.get(one) for one in agreed)
        voices = tuple(entry.key for entry in entries if entry is not None)
        told = Checked(served.key if served else b"", voices, right, self._watch.state, nonce)
        self._telling.tell(told)
        return self._apply(told)

    def _apply(self, told: Checked) -> Move:
        if told.nonce:
            self._telling.remember(told.nonce)
        if not told.right:
            served = self._questions.of_key(told.served)
            if served is not None:
                served.is_barred = True
            self._isolate(told.agreed)
        return self._watch.check(right=told.right)

    def doubt(self, number: int) -> None:
        """Take one entry out of its group: it must earn its place again."""
        with self._lock:
            entry = self._questions.get(number)
            if entry is not None:
                self._telling.tell(Doubted(entry.key))
                self._isolate([entry.key])

    def _isolate(self, keys: Iterable[bytes]) -> None:
        entries = (self._questions.of_key(key) for key in keys)
        self._questions.groups.isolate([one.number for one in entries if one is not None])

    # --- Forgetting ---

    def forget(self, key: bytes) -> bool:
        """Drop the entry of a key; False if there is none."""
        with self._lock:
            entry = self._questions.of_key(key)
            if entry is not None:
                self._questions.remove(entry)
            return entry is not None

    def forget_those(self, is_gone: Callable[[Entry], bool]) -> int:
        """Drop every entry of which that is true; returns how many."""
        with self._lock:
            gone = [entry for entry in self._questions if is_gone(entry)]
            for entry in gone:
                self._questions.remove(entry)
            return len(gone)

    # --- Hearing and telling ---

    @property
    def heard(self) -> str:
        """Position up to which its notes are known."""
        with self._lock:
            return self._telling.position

    def hear(self, page: Page, is_current: Callable[[Stamp], bool]) -> None:
        """Take in what others learned, in the order they told it."""
        with self._lock:
            for event in self._telling.hear(page):
                self._relearn(event, is_current)

    def told(self) -> list[bytes]:
        """Return notes on what was learned here since the last call."""
        with self._lock:
            return self._telling.drain()

    def _relearn(self, event: Event, is_current: Callable[[Stamp], bool]) -> None:
        match event:
            case Stored():
                if is_current(event.epochs) and self._questions.fits(event.vector):
                    self._questions.add(event)
            case Settled():
                self._questions.settle(event)
            case Checked():
                if not (event.nonce and self._telling.is_known(event.nonce)):
                    self._watch.adopt(event.bar)
                    self._apply(event)
            case Doubted():
                self._isolate([event.key])

    # --- Looking inside ---

    @property
    def mode(self) -> Mode:
        """The rule in force."""
        with self._lock:
            return self._watch.mode

    def entry(self, number: int) -> Entry | None:
        """Return a stored question, None if it is gone."""
        with self._lock:
            return self._questions.get(number)

    def stats(self) -> dict[str, Any]:
        """Return plain figures."""
        with self._lock:
            lower, upper = self._watch.bounds()
            return {
                "entries": len(self._questions),
                "groups": len(self._questions.groups),
                "barred": sum(entry.is_barred for entry in self._questions),
                "closed": self._watch.is_closed,
                "raised": self._watch.raised,
                "mode": repr(self._watch.mode),
                "checked": self._watch.all_checked,
                "wrong": self._watch.all_wrong,
                "wrong_per_hit": (lower, upper),
            }
