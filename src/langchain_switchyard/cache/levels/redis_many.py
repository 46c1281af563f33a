"""Many entries of the Redis level in one breath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.envelope import wrap
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.redis_commands import Flow, RedisCommands

R = TypeVar("R")


class RedisMany:
    """What `RedisLevel` can do for a batch: see `ManyLevel`."""

    _ring: KeyRing | None
    _commands: RedisCommands

    def _do(self, flow: Flow[R], default: R) -> R:
        raise NotImplementedError

    async def _ado(self, flow: Flow[R], default: R) -> R:
        raise NotImplementedError

    def _opened(self, key: Key, blob: Any, now: float) -> Entry | None:
        raise NotImplementedError

    def get_many(self, keys: Sequence[Key], now: float) -> Sequence[Entry | None]:
        """The entries; all None if the server cannot be asked."""
        return self._all_opened(keys, self._do(self._commands.get_many(keys), None), now)

    async def aget_many(self, keys: Sequence[Key], now: float) -> Sequence[Entry | None]:
        """As `get_many`."""
        return self._all_opened(keys, await self._ado(self._commands.get_many(keys), None), now)

    def put_many(self, entries: Mapping[Key, Entry], now: float) -> None:
        """Keep entries until each is past all use."""
        if rows := self._sealed(entries, now):
            self._do(self._commands.put_many(rows), None)

    async def aput_many(self, entries: Mapping[Key, Entry], now: float) -> None:
        """As `put_many`."""
        if rows := self._sealed(entries, now):
            await self._ado(self._commands.put_many(rows), None)

    def _sealed(
        self, entries: Mapping[Key, Entry], now: float
    ) -> list[tuple[Key, bytes, int, Entry]]:
        lives = {key: int((entry.keep_until - now) * 1000) for key, entry in entries.items()}
        return [
            (key, wrap(key, entry, self._ring), lives[key], entry)
            for key, entry in entries.items()
            if lives[key] > 0
        ]

    def _all_opened(
        self, keys: Sequence[Key], blobs: Sequence[Any] | None, now: float
    ) -> list[Entry | None]:
        if blobs is None:
            return [None] * len(keys)
        return [self._opened(key, blob, now) for key, blob in zip(keys, blobs, strict=True)]
