"""What a level of the cache can do, and what a level shared by processes can do besides.

A level stores and returns; what may be served is decided above it. No method but `erase` raises for
a level's own troubles: it logs them and answers as if nothing were stored. The a-methods never
block an event loop. Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key

KEPT = 10_000
"""Epochs that a shared level remembers of each kind, about."""
OLDEST = ""
"""The scope of everything: its epoch is the newest of those that are no longer remembered."""
RENEWED = "renewed:"
"""Begins the scopes of single keys; alone: as `OLDEST`, for those."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a level is."""

    entries: int | None
    """None: it does not know cheaply."""
    size: int | None
    """Bytes."""
    evictions: int = 0
    failures: int = 0
    """Operations given up because the level was slow, absent or damaged."""


class Level(Protocol):
    """One place where answers are kept."""

    name: str
    """For metadata and statistics, such as `memory`."""
    waits: bool
    """Whether its methods may take time; one that does not wait is called on the event loop."""

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry at this address, unless it is past all use."""
        ...

    async def aget(self, key: Key, now: float) -> Entry | None:
        """As `get`."""
        ...

    def put(self, key: Key, entry: Entry, now: float) -> None:
        """Keep an entry until `entry.keep_until`, or less if there is no room."""
        ...

    async def aput(self, key: Key, entry: Entry, now: float) -> None:
        """As `put`."""
        ...

    def delete(self, key: Key) -> None:
        """Forget one entry."""
        ...

    async def adelete(self, key: Key) -> None:
        """As `delete`."""
        ...

    def erase(self, subject: str, tenant: str | None = None) -> int:
        """Forget every entry of a subject, or one tenant's; returns how many there were.

        Raises:
            LevelUnreachable: Some may still be there.
        """
        ...

    async def aerase(self, subject: str, tenant: str | None = None) -> int:
        """As `erase`."""
        ...

    def usage(self) -> Usage:
        """How full it is; asks nobody."""
        ...

    def close(self) -> None:
        """Let go of connections and files; the level is not used afterwards."""
        ...

    async def aclose(self) -> None:
        """As `close`."""
        ...


@runtime_checkable
class SharedLevel(Level, Protocol):
    """A level that several processes use: it also carries epochs and locks between them."""

    def news(self, since: int) -> Sequence[tuple[str, int]] | None:
        """Scopes bumped at or after `since`, with their epochs; None: the level cannot tell now."""
        ...

    async def anews(self, since: int) -> Sequence[tuple[str, int]] | None:
        """As `news`."""
        ...

    def bump(self, scope: str) -> int | None:
        """Begin a new epoch of a scope for everybody, later than all; None: it was not told.

        Tried even if the level has just failed. About `KEPT` of a kind are remembered.
        """
        ...

    async def abump(self, scope: str) -> int | None:
        """As `bump`."""
        ...

    def remind(self, epochs: Mapping[str, int]) -> bool:
        """Tell scopes' epochs again that the level has lost; returns whether it knows them now."""
        ...

    async def aremind(self, epochs: Mapping[str, int]) -> bool:
        """As `remind`."""
        ...

    def lock(self, key: Key, token: str, seconds: float) -> str | None:
        """Ask for the right to ask the model for that key, on a lease of so many seconds.

        Returns:
            This token: the caller has it. Another one: whoever has it. None: the level cannot tell.
        """
        ...

    async def alock(self, key: Key, token: str, seconds: float) -> str | None:
        """As `lock`."""
        ...

    def renew(self, key: Key, token: str, seconds: float) -> bool | None:
        """Begin the lease anew, also of what was told.

        Returns:
            Whether the lock is still this token's. None: the level cannot tell.
        """
        ...

    async def arenew(self, key: Key, token: str, seconds: float) -> bool | None:
        """As `renew`."""
        ...

    def unlock(self, key: Key, token: str) -> None:
        """Let others ask; only if the lock is still this token's."""
        ...

    async def aunlock(self, key: Key, token: str) -> None:
        """As `unlock`."""
        ...

    def publish(self, key: Key, token: str, entry: Entry, now: float) -> bool | None:
        """`put`, only if the lock is still this token's: who was overtaken overwrites nothing.

        Checked and written in one step.

        Returns:
            Whether it was. None: the level cannot tell.
        """
        ...

    async def apublish(self, key: Key, token: str, entry: Entry, now: float) -> bool | None:
        """As `publish`."""
        ...

    def tell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> bool:
        """Let other processes hear the next frames of a call under way; it may be said again.

        Args:
            key: What was asked.
            token: Who asks.
            first: How many frames were told before.
            frames: What to add.
            seconds: How long all of them can be heard from now on, unless `renew` prolongs it.

        Returns:
            Whether they were told for certain.
        """
        ...

    async def atell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> bool:
        """As `tell`."""
        ...

    def heard(self, key: Key, token: str, first: int) -> Sequence[bytes]:
        """The frames that a token told of a call, from `first` on: whole ones, and in order."""
        ...

    async def aheard(self, key: Key, token: str, first: int) -> Sequence[bytes]:
        """As `heard`."""
        ...
