"""What the response cache and its semantic level say to each other.

The cache knows requests, entries and models; the semantic level knows which past question means
the same. The cache asks `lookup` on an exact miss, and tells it by `record` every fresh answer.
Answers themselves stay in the cache's levels: a hit names the entry by its key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Stamp = tuple[tuple[str, int], ...]
"""Epochs that held when a question was asked; see `levels/epochs.py`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the questions of one partition are kept."""

    scope: str
    """`Key.scope` of its answers."""
    partition: bytes
    """12 bytes that stand for `Question.partition`."""


@dataclass(frozen=True, slots=True)
class Question:
    """The fuzzy part of a request, and the partition inside which it may be matched."""

    partition: bytes
    """Digest of everything but the last user text: tenant, model, parameters, system prompt..."""
    text: str
    """The last user text, as it was given."""
    key: bytes
    """Digest of the whole request: the address of its exact answer."""
    user: str | None = None
    """Who asks, if known: entries of one user count once in an agreement."""
    scope: str = ""
    """`Key.scope` of its answer."""
    epochs: Stamp = ()
    """From before the model was asked: what is invalidated later is forgotten by them."""
    tenant: str = ""
    """If it is about somebody: a digest of on whose behalf, for `erase(subject, tenant=...)`."""

    for_outage: bool = True
    """Whether it may be met in an outage: then it is remembered although it speaks of today."""

    @property
    def place(self) -> Place:
        """Where it belongs."""
        mark = hashlib.blake2b(self.partition, digest_size=12, person=b"swyd-partition").digest()
        return Place(self.scope, mark)


@dataclass(frozen=True, slots=True)
class SemanticHit:
    """A past question whose answer may be served."""

    hit_id: str
    """For `report_wrong`; also in the served message's metadata."""
    similarity: float
    """0 to 1."""
    key: bytes
    """Address of the entry that holds the answer."""
    question: str
    """The past question's text."""
    timely: bool = False
    """Either question speaks of today or now: the answer is good only while it is fresh."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the semantic level says to a question."""

    hit: SemanticHit | None = None
    """Serve this; None: nothing may be served."""
    shadow: SemanticHit | None = None
    """Would have been served, but is to be checked: ask the model and pass this to `record`."""
    reason: str = ""
    """Why nothing is served, one word or two for the statistics: `vetoed`, `no agreement`..."""
    context: Any = None
    """The level's own notes (such as the embedding), handed back to `record`."""


class SemanticLevel(Protocol):
    """A decision which past answer may be served. Thread-safe; the a-methods never block a loop."""

    def lookup(self, question: Question) -> Verdict:
        """Decide whether a past answer may be served as if it were this question's."""
        ...

    async def alookup(self, question: Question) -> Verdict:
        """As `lookup`."""
        ...

    def outage(self, question: Question) -> SemanticHit | None:
        """The best past answer when no model can be asked; the caller marks it as such."""
        ...

    async def aoutage(self, question: Question) -> SemanticHit | None:
        """As `outage`."""
        ...

    def record(self, question: Question, answer: str, verdict: Verdict | None) -> None:
        """Learn a fresh answer that was just stored under `question.key`.

        Args:
            question: What was asked.
            answer: The text as it was stored, to compare with neighbours' answers.
            verdict: What `lookup` had said, or None if it was not asked.
        """
        ...

    async def arecord(self, question: Question, answer: str, verdict: Verdict | None) -> None:
        """As `record`."""
        ...

    def forget(self, keys: list[bytes]) -> None:
        """These entries are gone or wrong: never name them again. Cheap; called on a dead hit."""
        ...

    def forget_stale(self, is_current: Callable[[Stamp], bool]) -> None:
        """Drop every question whose epochs no longer hold: something was invalidated."""
        ...

    def forget_user(self, user: str) -> int:
        """Drop every question of `Question.user`; returns how many there were."""
        ...

    def report_wrong(self, hit_id: str) -> bool:
        """A served hit was wrong: quarantine its neighbourhood. False if the id is unknown."""
        ...

    def stats(self) -> dict[str, Any]:
        """Plain figures: partitions, entries, bars, shadow-checked wrong-per-hit with interval."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of what was told about one place, in the order it was told."""

    after: str
    """Position at which it was asked for; empty: the beginning."""
    notes: tuple[bytes, ...]
    position: str
    """Position of its end, to read on from."""


@runtime_checkable
class SharedSemanticLevel(SemanticLevel, Protocol):
    """A semantic level that can learn what others learned, here earlier or in another process.

    Whoever carries the notes calls `hear` for a place before anything is asked there, and `told`
    after each `record` and `report_wrong`.
    """

    @property
    def dialect(self) -> str:
        """What its notes are written in: only levels of the same dialect understand each other."""
        ...

    def heard(self, place: Place) -> str:
        """Position up to which this place's notes are known; empty: none are."""
        ...

    def hear(self, place: Place, page: Page, is_current: Callable[[Stamp], bool]) -> None:
        """Take in what was told. A page that does not begin where the last one ended is ignored.

        Args:
            place: What it is about.
            page: The notes; one that cannot be read is logged and left out.
            is_current: Says of a question's epochs whether they still hold.
        """
        ...

    def told(self, place: Place) -> list[bytes]:
        """Notes on what was learned here since the last call."""
        ...

    def place_of(self, hit_id: str) -> Place | None:
        """Where a hit was served; None if this is no id of a hit."""
        ...
