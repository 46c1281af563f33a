"""Series in the Redis level: one stream each."""

from __future__ import annotations

from typing import Any, TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.envelope import wrap
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.redis_commands import Flow, RedisCommands
from langchain_switchyard.cache.levels.series import Stretch
from langchain_switchyard.cache.levels.sqlite_series import opened

R = TypeVar("R")


class RedisSeries:
    """What `RedisLevel` can do with series."""

    name: str
    _ring: KeyRing | None
    _commands: RedisCommands

    def _do(self, flow: Flow[R], default: R) -> R:
        raise NotImplementedError

    async def _ado(self, flow: Flow[R], default: R) -> R:
        raise NotImplementedError

    def append(self, key: Key, entry: Entry, now: float, limit: int) -> None:
        """Add an entry at the end of a series."""
        self._do(self._append(key, entry, now, limit), None)

    async def aappend(self, key: Key, entry: Entry, now: float, limit: int) -> None:
        """As `append`."""
        await self._ado(self._append(key, entry, now, limit), None)

    def read_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """Return entries behind a position."""
        found = self._do(self._commands.read_on(key, after, count), None)
        return self._stretch(key, after, count, now, found)

    async def aread_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """As `read_on`."""
        found = await self._ado(self._commands.read_on(key, after, count), None)
        return self._stretch(key, after, count, now, found)

    def _append(self, key: Key, entry: Entry, now: float, limit: int) -> Flow[None]:
        life = int((entry.keep_until - now) * 1000)
        if life > 0:
            blob = wrap(key, entry, self._ring)
            yield from self._commands.append(key, blob, life, limit, entry)

    def _stretch(self, key: Key, after: str, count: int, now: float, found: Any) -> Stretch | None:
        if found is None:
            return None
        blobs = [fields[b"e"] for _, fields in found if b"e" in fields]
        entries = opened(key, blobs, self._ring, self.name)
        useful = tuple(entry for entry in entries if entry.keep_until > now)
        return Stretch(useful, found[-1][0].decode() if found else after, len(found) < count)
