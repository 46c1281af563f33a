"""A series: entries under one key in the order they were added, by whichever process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some entries of a series, in order."""

    entries: tuple[Entry, ...]
    """Without those past all use, and those that do not open."""
    position: str
    """To read on from."""
    is_last: bool
    """Whether there is nothing behind it yet."""


@runtime_checkable
class SeriesLevel(Protocol):
    """A shared level that can keep series. Like any level, it never raises for its own troubles."""

    def append(self, key: Key, entry: Entry, now: float, limit: int) -> None:
        """Add an entry at the end of a series; the oldest leave when there are about `limit`."""
        ...

    async def aappend(self, key: Key, entry: Entry, now: float, limit: int) -> None:
        """As `append`."""
        ...

    def read_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """Return up to `count` entries behind a position; None: the level cannot tell now.

        Args:
            key: Of the series.
            after: Position of an earlier stretch; empty: from the beginning.
            count: How many at most.
            now: Seconds since the epoch.
        """
        ...

    async def aread_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """As `read_on`."""
        ...
