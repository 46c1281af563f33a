"""The semantic level as the cache uses it: looked up, taught and warned in steps.

Where a level of the cache is shared and can keep series, what is learned is told there and heard by
other processes, and by this one after a restart.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from langchain_switchyard.cache.journal import Journal
from langchain_switchyard.cache.levels.series import SeriesLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.cache.semantic_contract import (
    Question,
    SemanticHit,
    SemanticLevel,
    SharedSemanticLevel,
    Verdict,
)
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Io, Steps


class Matching:
    """One semantic level beside one shelf.

    Args:
        semantic: Decides which past answer may be served.
        shelf: Where answers lie.
    """

    def __init__(self, semantic: SemanticLevel, shelf: Shelf) -> None:
        """Find out whether others can be heard."""
        self._semantic = semantic
        self._epochs = shelf.epochs
        self._changes = self._epochs.changes
        self._journal: Journal | None = None
        level: object = shelf.shared
        if isinstance(level, SeriesLevel) and isinstance(semantic, SharedSemanticLevel):
            self._journal = Journal(level, semantic, shelf.epochs)

    def lookup(self, question: Question, clock: Clock) -> Steps[Verdict]:
        """Decide whether a past answer may be served as if it were this question's."""
        yield from self._catch_up(question, clock)
        verdict: Verdict = yield Io(
            partial(self._semantic.lookup, question), partial(self._semantic.alookup, question)
        )
        return verdict

    def outage(self, question: Question, clock: Clock) -> Steps[SemanticHit | None]:
        """The best past answer when no model can be asked."""
        yield from self._catch_up(question, clock)
        hit: SemanticHit | None = yield Io(
            partial(self._semantic.outage, question), partial(self._semantic.aoutage, question)
        )
        return hit

    def learn(
        self, question: Question, answer: str, verdict: Verdict | None, until: float, clock: Clock
    ) -> Steps[None]:
        """Learn a fresh answer that was stored.

        Args:
            question: What was asked.
            answer: As it was stored.
            verdict: What `lookup` had said, if it was asked.
            until: How long the answer is of use, in seconds since the epoch.
            clock: The time.
        """
        if not self._epochs.are_current(question.epochs):
            return
        told = (question, answer, verdict)
        yield Io(partial(self._semantic.record, *told), partial(self._semantic.arecord, *told))
        if not self._epochs.are_current(question.epochs):
            # Invalidated or erased while answers were compared: nobody is to hear of it.
            self.forget_stale()
            until = 0.0
        if self._journal is not None:
            yield from self._journal.tell(
                question.place, question.user, until, clock, tenant=question.tenant
            )

    def report_wrong(self, hit_id: str, until: float, clock: Clock) -> Steps[bool]:
        """Quarantine a served hit; returns whether it was known.

        Args:
            hit_id: The hit's.
            until: How long that is of use, in seconds since the epoch.
            clock: The time.
        """
        if self._journal is None:
            return self._semantic.report_wrong(hit_id)
        return (yield from self._journal.report_wrong(hit_id, until, clock))

    def forget(self, key: bytes) -> None:
        """An answer is gone: its question is named no more."""
        self._semantic.forget([key])

    def forget_user(self, user: str) -> int:
        """Drop every question of a user from this process; returns how many."""
        return self._semantic.forget_user(user)

    def forget_stale(self) -> None:
        """Drop what was invalidated, if anything was since the last call."""
        if self._changes != self._epochs.changes:
            self._changes = self._epochs.changes
            self._semantic.forget_stale(self._epochs.are_current)

    def stats(self) -> dict[str, Any]:
        """Plain figures."""
        return self._semantic.stats()

    def _catch_up(self, question: Question, clock: Clock) -> Steps[None]:
        self.forget_stale()
        if self._journal is not None:
            yield from self._journal.catch_up(question.place, clock)
