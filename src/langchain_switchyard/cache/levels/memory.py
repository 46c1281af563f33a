"""The first level: this process's memory, bounded in bytes and in entries."""

from __future__ import annotations

import random
import threading

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import is_theirs
from langchain_switchyard.cache.levels.expiry import Expiry
from langchain_switchyard.cache.levels.level import Usage
from langchain_switchyard.cache.levels.tinylfu import WHOLE, TinyLFU
from langchain_switchyard.errors import ConfigurationError


class MemoryLevel:
    """Keeps the entries that are asked for most, by W-TinyLFU.

    Args:
        max_bytes: Room for bodies and headers; also the largest single entry is a tenth of it.
        max_entries: Room by count; whichever bound is reached first holds.
        rng: Chance, for tests.

    Raises:
        ConfigurationError: A bound is not above 0.
    """

    waits = False

    def __init__(
        self,
        max_bytes: int = 64 << 20,
        max_entries: int = 50_000,
        *,
        name: str = "memory",
        rng: random.Random | None = None,
    ) -> None:
        """Start empty."""
        if max_bytes <= 0 or max_entries <= 0:
            raise ConfigurationError(
                f"MemoryLevel's bounds must be above 0, got max_bytes={max_bytes}, "
                f"max_entries={max_entries}"
            )
        self.name = name
        self._max_bytes = max_bytes
        self._per_entry = -(-WHOLE // max_entries)
        self._order = TinyLFU(max_entries, rng or random.Random())
        self._expiry = Expiry()
        self._entries: dict[bytes, Entry] = {}
        self._bytes = 0
        self._evictions = 0
        self._lock = threading.Lock()

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry, unless it is past all use."""
        digest = key.digest
        with self._lock:
            entry = self._entries.get(digest)
            if entry is None:
                self._order.miss(digest)
                return None
            if entry.keep_until <= now:
                self._remove(digest)
                self._order.miss(digest)
                return None
            self._order.hit(digest)
            return entry

    def put(self, key: Key, entry: Entry, now: float) -> None:
        """Keep an entry; less popular ones make room for it, or it is not kept."""
        weight, digest = entry.weight, key.digest
        with self._lock:
            self._remove(digest)
            for dead in self._expiry.pop_dead(now):
                # An overwritten entry may stand in an older bucket than its new life ends.
                if (held := self._entries.get(dead)) is not None and held.keep_until <= now:
                    self._remove(dead)
            if weight * 10 > self._max_bytes or entry.keep_until <= now:
                return
            self._entries[digest] = entry
            self._bytes += weight
            self._expiry.add(digest, entry.keep_until)
            share = max(self._per_entry, -(-weight * WHOLE // self._max_bytes))
            for evicted in self._order.put(digest, share):
                self._evictions += 1
                self._remove(evicted)

    def delete(self, key: Key) -> None:
        """Forget one entry."""
        with self._lock:
            self._remove(key.digest)

    def erase(self, subject: str, tenant: str | None = None) -> int:
        """Forget a subject's entries, or one tenant's; looks at all, which is rare enough."""
        with self._lock:
            theirs = [
                digest
                for digest, entry in self._entries.items()
                if entry.subject == subject and is_theirs(entry.tenant, tenant)
            ]
            for digest in theirs:
                self._remove(digest)
        return len(theirs)

    def usage(self) -> Usage:
        """How full it is."""
        with self._lock:
            return Usage(len(self._entries), self._bytes, self._evictions)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            for digest in list(self._entries):
                self._remove(digest)

    async def aget(self, key: Key, now: float) -> Entry | None:
        """As `get`: it never waits."""
        return self.get(key, now)

    async def aput(self, key: Key, entry: Entry, now: float) -> None:
        """As `put`: it never waits."""
        self.put(key, entry, now)

    async def adelete(self, key: Key) -> None:
        """As `delete`: it never waits."""
        self.delete(key)

    async def aerase(self, subject: str, tenant: str | None = None) -> int:
        """As `erase`."""
        return self.erase(subject, tenant)

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def _remove(self, digest: bytes) -> None:
        entry = self._entries.pop(digest, None)
        if entry is not None:
            self._bytes -= entry.weight
            self._expiry.remove(digest, entry.keep_until)
            self._order.remove(digest)
