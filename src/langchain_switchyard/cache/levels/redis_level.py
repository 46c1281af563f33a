"""A level in Redis or Valkey: one server, a cluster of them, or one that sentinels watch.

Every operation has a budget of time. A server that is slow, absent or full counts as empty; after a
failure it is left alone for a second.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.envelope import unwrap, unwrap_frame, wrap, wrap_frame
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.level import Usage
from langchain_switchyard.cache.levels.redis_clients import Clients
from langchain_switchyard.cache.levels.redis_commands import Flow, RedisCommands
from langchain_switchyard.cache.levels.redis_many import RedisMany
from langchain_switchyard.cache.levels.redis_series import RedisSeries
from langchain_switchyard.cache.levels.redis_talk import RedisTalk

_log = logging.getLogger(__name__)

_NOT_ERASED = "not everything could be erased; erase again when it is back"


class RedisLevel(RedisTalk, RedisSeries, RedisMany):
    """Keeps entries in Redis, and carries epochs, locks and live answers between processes.

    ```python
    RedisLevel("redis://cache:6379/0")
    RedisLevel("redis+cluster://node-1:6379,node-2:6379")
    RedisLevel("redis+sentinel://watch-1:26379,watch-2:26379/mymaster/0")
    RedisLevel(clients=(lambda: RedisCluster(...), lambda: redis.asyncio.RedisCluster(...)))
    ```

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://` for one server; `redis+cluster://` for a
            cluster by some of its nodes; `redis+sentinel://` for the master that sentinels name.
            With `rediss+...` those speak TLS.
        budget: Seconds one operation may take.
        ring: Encrypts entries; None: they are checked but readable.
        prefix: Begins every key of ours; nothing else in the database is ever touched.
        name: For metadata and statistics.
        clients: Clients of your own instead of a URL: a blocking one and an awaiting one, or
            functions that make them. An awaiting client belongs to one event loop: give a function
            where there are several. They should carry timeouts of their own.

    Raises:
        MissingExtra: `redis` is not installed (extra `redis`).
        ConfigurationError: The URL names no server, or a client decodes what it reads.
    """

    waits = True

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        budget: float = 0.05,
        ring: KeyRing | None = None,
        prefix: str = "switchyard",
        name: str = "redis",
        clients: Clients | None = None,
    ) -> None:
        """Connect to nothing yet."""
        super().__init__(name, url, budget, clients)
        self.name = name
        self._ring = ring
        self._commands = RedisCommands(prefix)

    # --- Entries ---

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry; Redis itself forgets those past all use."""
        return self._opened(key, self._do(self._commands.get(key), None), now)

    async def aget(self, key: Key, now: float) -> Entry | None:
        """As `get`."""
        return self._opened(key, await self._ado(self._commands.get(key), None), now)

    def put(self, key: Key, entry: Entry, now: float) -> None:
        """Keep an entry until it is past all use."""
        if (life := _milliseconds(entry.keep_until - now)) > 0:
            blob = wrap(key, entry, self._ring)
            self._do(self._commands.put(key, blob, life, entry), None)

    async def aput(self, key: Key, entry: Entry, now: float) -> None:
        """As `put`."""
        if (life := _milliseconds(entry.keep_until - now)) > 0:
            blob = wrap(key, entry, self._ring)
            await self._ado(self._commands.put(key, blob, life, entry), None)

    def delete(self, key: Key) -> None:
        """Forget one entry."""
        self._do(self._commands.delete(key), None)

    async def adelete(self, key: Key) -> None:
        """As `delete`."""
        await self._ado(self._commands.delete(key), None)

    def erase(self, subject: str, tenant: str | None = None) -> int:
        """Forget every entry of a subject, however many and however long it takes."""
        return self._insist(self._commands.erase(subject, tenant), _NOT_ERASED)

    async def aerase(self, subject: str, tenant: str | None = None) -> int:
        """As `erase`."""
        return await self._ainsist(self._commands.erase(subject, tenant), _NOT_ERASED)

    # --- Epochs ---

    def news(self, since: int) -> Sequence[tuple[str, int]] | None:
        """Scopes bumped since."""
        return self._do(self._commands.news(since), None)

    async def anews(self, since: int) -> Sequence[tuple[str, int]] | None:
        """As `news`."""
        return await self._ado(self._commands.news(since), None)

    def bump(self, scope: str) -> int | None:
        """Begin a new epoch."""
        return self._try(self._commands.bump(scope), None)

    async def abump(self, scope: str) -> int | None:
        """As `bump`."""
        return await self._atry(self._commands.bump(scope), None)

    def remind(self, epochs: Mapping[str, int]) -> bool:
        """Tell lost epochs again."""
        return self._do(self._commands.remind(epochs), default=False)

    async def aremind(self, epochs: Mapping[str, int]) -> bool:
        """As `remind`."""
        return await self._ado(self._commands.remind(epochs), default=False)

    # --- Calls under way ---

    def lock(self, key: Key, token: str, seconds: float) -> str | None:
        """Whose lock it is now."""
        return self._do(self._commands.lock(key, token, _milliseconds(seconds)), None)

    async def alock(self, key: Key, token: str, seconds: float) -> str | None:
        """As `lock`."""
        return await self._ado(self._commands.lock(key, token, _milliseconds(seconds)), None)

    def renew(self, key: Key, token: str, seconds: float) -> bool | None:
        """Whether the lock is still this token's; if so, for so many seconds more."""
        return self._do(self._commands.renew(key, token, _milliseconds(seconds)), None)

    async def arenew(self, key: Key, token: str, seconds: float) -> bool | None:
        """As `renew`."""
        return await self._ado(self._commands.renew(key, token, _milliseconds(seconds)), None)

    def unlock(self, key: Key, token: str) -> None:
        """Let others ask."""
        self._do(self._commands.unlock(key, token), None)

    async def aunlock(self, key: Key, token: str) -> None:
        """As `unlock`."""
        await self._ado(self._commands.unlock(key, token), None)

    def publish(self, key: Key, token: str, entry: Entry, now: float) -> bool | None:
        """Keep an entry, only if the lock is still this token's."""
        flow = self._publish(key, token, entry, now)
        return self._do(flow, None)

    async def apublish(self, key: Key, token: str, entry: Entry, now: float) -> bool | None:
        """As `publish`."""
        flow = self._publish(key, token, entry, now)
        return await self._ado(flow, None)

    def tell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> bool:
        """Add frames to the token's line."""
        flow = self._tell(key, token, first, frames, seconds)
        return self._do(flow, default=False)

    async def atell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> bool:
        """As `tell`."""
        flow = self._tell(key, token, first, frames, seconds)
        return await self._ado(flow, default=False)

    def heard(self, key: Key, token: str, first: int) -> Sequence[bytes]:
        """The line's frames from `first` on."""
        blobs = self._do(self._commands.heard(key, token, first), [])
        return self._frames(key, token, first, blobs)

    async def aheard(self, key: Key, token: str, first: int) -> Sequence[bytes]:
        """As `heard`."""
        blobs = await self._ado(self._commands.heard(key, token, first), [])
        return self._frames(key, token, first, blobs)

    # --- Inside ---

    def usage(self) -> Usage:
        """Only how often it failed: to count entries would mean to search the database."""
        return Usage(None, None, failures=self._fuse.failures)

    def _publish(self, key: Key, token: str, entry: Entry, now: float) -> Flow[bool]:
        # What is past all use already is written for a moment: Redis knows no shorter life.
        life = max(1, _milliseconds(entry.keep_until - now))
        blob = wrap(key, entry, self._ring)
        return self._commands.publish(key, token, blob, life, entry)

    def _tell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> Flow[bool]:
        blobs = [
            wrap_frame(key, token, index, frame, self._ring)
            for index, frame in enumerate(frames, first)
        ]
        return self._commands.tell(key, token, first, blobs, _milliseconds(seconds))

    def _frames(self, key: Key, token: str, first: int, blobs: Sequence[bytes]) -> Sequence[bytes]:
        frames: list[bytes] = []
        try:
            for index, blob in enumerate(blobs, first):
                frames.append(unwrap_frame(key, token, index, blob, self._ring))
        except ValueError as error:
            _log.warning("damaged or foreign frames in %s are not heard: %s", self.name, error)
        return frames

    def _opened(self, key: Key, blob: Any, now: float) -> Entry | None:
        if not isinstance(blob, bytes):
            return None
        try:
            entry = unwrap(key, blob, self._ring)
        except ValueError as error:
            _log.warning("a damaged or foreign entry in %s counts as missing: %s", self.name, error)
            return None
        return entry if entry.keep_until > now else None


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
