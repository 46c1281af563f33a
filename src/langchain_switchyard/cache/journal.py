"""What semantic levels learn, kept in a shared level: for other processes, and for after a restart.

Each partition has a series of notes at an address of its own. A question reads on there first, at
most once a second; a fresh answer adds what was learned from it. Answers themselves stay where they
are: a note names them by key. Notes are sealed, bounded and erased like answers.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from functools import partial

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.epochs import Epochs
from langchain_switchyard.cache.levels.series import SeriesLevel, Stretch
from langchain_switchyard.cache.semantic_contract import Page, Place, SharedSemanticLevel
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Io, Steps

_log = logging.getLogger(__name__)

_EVERY = 1.0
"""Seconds between looks at one partition's notes."""
_AT_ONCE = 128
"""Notes read in one go."""
_PATIENCE = 4
"""Goes that one question waits for; the next question reads on where it stopped."""
_KEPT = 10_000
"""Notes kept of one partition, about: as many as it has room for questions."""
_LONGEST = 64 << 10
"""Bytes of one note; larger ones stay in this process."""
_PLACES = 1_000
"""Partitions of which it is remembered when they were looked at."""


class Journal:
    """Carries notes between one semantic level and a shared level.

    Args:
        level: Where notes are kept.
        semantic: Who writes and reads them.
        epochs: Says what was invalidated.
    """

    def __init__(self, level: SeriesLevel, semantic: SharedSemanticLevel, epochs: Epochs) -> None:
        """Nothing is read yet."""
        self._level = level
        self._semantic = semantic
        self._epochs = epochs
        self._looked: OrderedDict[Place, float] = OrderedDict()

    def catch_up(self, place: Place, clock: Clock, patience: int = _PATIENCE) -> Steps[None]:
        """Hear what was told of a place since the last look, or a good part of it.

        Args:
            place: The place.
            clock: The time.
            patience: Goes at most.
        """
        now = clock.now()
        if now - self._looked.get(place, float("-inf")) < _EVERY:
            return
        self._remember(place, now)
        for _ in range(patience):
            if (yield from self._read_on(place, clock)):
                return
        self._looked.pop(place, None)

    def _read_on(self, place: Place, clock: Clock) -> Steps[bool]:
        """Hear one stretch; returns whether it was the last, or none could be had."""
        after = self._semantic.heard(place)
        ask = (self._key(place), after, _AT_ONCE, clock.wall())
        stretch: Stretch | None = yield Io(
            partial(self._level.read_on, *ask), partial(self._level.aread_on, *ask)
        )
        if stretch is None:
            stretch = Stretch((), after, is_last=True)
        notes = tuple(entry.body for entry in stretch.entries)
        page = Page(after, notes, stretch.position)
        self._semantic.hear(place, page, self._epochs.are_current)
        return stretch.is_last

    def tell(
        self, place: Place, subject: str | None, until: float, clock: Clock, *, tenant: str = ""
    ) -> Steps[None]:
        """Let others hear what was learned of a place.

        Args:
            place: The place.
            subject: Whom it is about; erased with them.
            until: How long it is of use, in seconds since the epoch; if that is past, nobody hears.
            clock: The time.
            tenant: Digest of on whose behalf, if it is about somebody.
        """
        now = clock.wall()
        for note in self._semantic.told(place):
            if len(note) > _LONGEST or until <= now:
                _log.debug("a note of %d bytes stays in this process", len(note))
                continue
            entry = Entry(
                body=note,
                created=now,
                fresh_until=until,
                stale_until=until,
                outage_until=until,
                subject=subject,
                tenant=tenant,
            )
            add = (self._key(place), entry, now, _KEPT)
            yield Io(partial(self._level.append, *add), partial(self._level.aappend, *add))

    def report_wrong(self, hit_id: str, until: float, clock: Clock) -> Steps[bool]:
        """Quarantine a hit that was served here or elsewhere, before or after a restart.

        Args:
            hit_id: The hit's.
            until: How long that is of use, in seconds since the epoch.
            clock: The time.

        Returns:
            Whether the hit was known.
        """
        place = self._semantic.place_of(hit_id)
        if place is None:
            return False
        self._looked.pop(place, None)
        yield from self.catch_up(place, clock, patience=2 * _KEPT // _AT_ONCE)
        is_known = self._semantic.report_wrong(hit_id)
        yield from self.tell(place, None, until, clock)
        # The next question looks for itself, by its own router's clock.
        self._looked.pop(place, None)
        return is_known

    def _remember(self, place: Place, now: float) -> None:
        self._looked[place] = now
        self._looked.move_to_end(place)
        if len(self._looked) > _PLACES:
            self._looked.popitem(last=False)

    def _key(self, place: Place) -> Key:
        form = b"\0".join([b"swyd-notes", self._semantic.dialect.encode(), place.partition])
        return Key(hashlib.sha256(form).digest(), place.scope)
