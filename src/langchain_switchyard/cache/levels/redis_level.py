"""A level in Redis (or Valkey, or a cluster of either): plain commands, no modules, no scripts.

Every operation has a budget of time. A server that is slow, absent or full counts as empty; after a
failure it is left alone for a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import subject_mark
from langchain_switchyard.cache.levels.envelope import unwrap, wrap
from langchain_switchyard.cache.levels.fuse import Fuse
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.level import Usage
from langchain_switchyard.cache.levels.redis_clients import clients_of

_log = logging.getLogger(__name__)

R = TypeVar("R")


class RedisLevel:
    """Keeps entries in Redis, and carries epochs and locks between processes.

    Args:
        url: Such as `redis://cache:6379/0` or `rediss://...`.
        budget: Seconds one operation may take.
        ring: Encrypts entries; None: they are checked but readable.
        prefix: Begins every key of ours; nothing else in the database is ever touched.
        clients: Makes the clients instead, a blocking one and an awaiting one: for clusters and
            sentinels. They should carry timeouts of their own.

    Raises:
        MissingExtra: `redis` is not installed (extra `redis`).
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
        clients: tuple[Callable[[], Any], Callable[[], Any]] | None = None,
    ) -> None:
        """Connect to nothing yet."""
        self.name = name
        self._budget = budget
        self._ring = ring
        self._prefix = prefix
        self._make, self._amake = clients or clients_of(url, budget)
        self._fuse = Fuse(name)
        self._client: Any = None
        # An awaiting client belongs to the loop it was first used on.
        self._aclients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any]
        self._aclients = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    # --- Entries ---

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry; Redis itself forgets those past all use."""
        blob = self._do(lambda redis: redis.get(self._entry_key(key)), None)
        return self._opened(key, blob, now)

    async def aget(self, key: Key, now: float) -> Entry | None:
        """As `get`."""
        blob = await self._ado(lambda redis: redis.get(self._entry_key(key)), None)
        return self._opened(key, blob, now)

    def put(self, key: Key, entry: Entry, now: float) -> None:
        """Keep an entry until it is past all use."""
        life = int((entry.keep_until - now) * 1000)
        if life <= 0:
            return
        blob = wrap(key, entry, self._ring)
        self._do(lambda redis: redis.set(self._entry_key(key), blob, px=life), None)
        if entry.subject is not None:
            index = self._subject_key(entry.subject)

            def note(redis: Any) -> None:
                redis.sadd(index, self._entry_key(key))
                if redis.pttl(index) < life:
                    redis.pexpire(index, life)

            self._do(note, None)

    async def aput(self, key: Key, entry: Entry, now: float) -> None:
        """As `put`."""
        life = int((entry.keep_until - now) * 1000)
        if life <= 0:
            return
        blob = wrap(key, entry, self._ring)
        await self._ado(lambda redis: redis.set(self._entry_key(key), blob, px=life), None)
        if entry.subject is not None:
            index = self._subject_key(entry.subject)

            async def note(redis: Any) -> None:
                await redis.sadd(index, self._entry_key(key))
                if await redis.pttl(index) < life:
                    await redis.pexpire(index, life)

            await self._ado(note, None)

    def delete(self, key: Key) -> None:
        """Forget one entry."""
        self._do(lambda redis: redis.unlink(self._entry_key(key)), None)

    async def adelete(self, key: Key) -> None:
        """As `delete`."""
        await self._ado(lambda redis: redis.unlink(self._entry_key(key)), None)

    def erase(self, subject: str) -> int:
        """Forget every entry of a subject."""
        index = self._subject_key(subject)

        def wipe(redis: Any) -> int:
            # One by one: in a cluster they lie on different nodes.
            erased = sum(redis.unlink(address) for address in redis.smembers(index))
            redis.unlink(index)
            return int(erased)

        return self._do(wipe, 0)

    async def aerase(self, subject: str) -> int:
        """As `erase`."""
        index = self._subject_key(subject)

        async def wipe(redis: Any) -> int:
            erased = 0
            for address in await redis.smembers(index):
                erased += await redis.unlink(address)
            await redis.unlink(index)
            return erased

        return await self._ado(wipe, 0)

    # --- Epochs: a sorted set, scored by the server's own time in microseconds ---

    def news(self, since: int) -> Sequence[tuple[str, int]] | None:
        """Scopes bumped since."""
        name = self._epochs_key
        return _pairs(
            self._do(lambda redis: redis.zrangebyscore(name, since, "+inf", withscores=True), None)
        )

    async def anews(self, since: int) -> Sequence[tuple[str, int]] | None:
        """As `news`."""
        name = self._epochs_key
        return _pairs(
            await self._ado(
                lambda redis: redis.zrangebyscore(name, since, "+inf", withscores=True), None
            )
        )

    def bump(self, scope: str) -> int | None:
        """Begin a new epoch."""

        def tell(redis: Any) -> int:
            epoch = _microseconds(redis.time())
            redis.zadd(self._epochs_key, {scope: epoch}, gt=True)
            return int(redis.zscore(self._epochs_key, scope))

        return self._do(tell, None)

    async def abump(self, scope: str) -> int | None:
        """As `bump`."""

        async def tell(redis: Any) -> int:
            epoch = _microseconds(await redis.time())
            await redis.zadd(self._epochs_key, {scope: epoch}, gt=True)
            return int(await redis.zscore(self._epochs_key, scope))

        return await self._ado(tell, None)

    # --- Locks ---

    def lock(self, key: Key, token: str, seconds: float) -> bool:
        """Whether this caller may ask; True also if the server cannot tell."""
        life, name = int(seconds * 1000), self._lock_key(key)
        return bool(self._do(lambda redis: redis.set(name, token, nx=True, px=life) or False, True))

    async def alock(self, key: Key, token: str, seconds: float) -> bool:
        """As `lock`."""
        life, name = int(seconds * 1000), self._lock_key(key)

        async def take(redis: Any) -> bool:
            return bool(await redis.set(name, token, nx=True, px=life))

        return await self._ado(take, default=True)

    def unlock(self, key: Key, token: str) -> None:
        """Let others ask. Look, then delete: at worst, two processes ask the same."""
        name = self._lock_key(key)
        if self._do(lambda redis: redis.get(name), None) == token.encode():
            self._do(lambda redis: redis.unlink(name), None)

    async def aunlock(self, key: Key, token: str) -> None:
        """As `unlock`."""
        name = self._lock_key(key)
        if await self._ado(lambda redis: redis.get(name), None) == token.encode():
            await self._ado(lambda redis: redis.unlink(name), None)

    # --- Inside ---

    def usage(self) -> Usage:
        """Only how often it failed: to count entries would mean to search the database."""
        return Usage(None, None, failures=self._fuse.failures)

    def close(self) -> None:
        """Close the blocking client."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close this loop's client, and the blocking one."""
        client = self._aclients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
        self.close()

    def _opened(self, key: Key, blob: Any, now: float) -> Entry | None:
        if not isinstance(blob, bytes):
            return None
        try:
            entry = unwrap(key, blob, self._ring)
        except ValueError as error:
            _log.warning("a damaged or foreign entry in %s counts as missing: %s", self.name, error)
            return None
        return entry if entry.keep_until > now else None

    def _entry_key(self, key: Key) -> str:
        return f"{self._prefix}:{key.scope}:{key.digest.hex()}"

    def _lock_key(self, key: Key) -> str:
        return f"{self._prefix}:lock:{key.digest.hex()}"

    def _subject_key(self, subject: str) -> str:
        return f"{self._prefix}:subject:{subject_mark(subject).hex()}"

    @property
    def _epochs_key(self) -> str:
        return f"{self._prefix}:epochs"

    def _do(self, operation: Callable[[Any], R], default: R) -> R:
        def ask() -> R:
            with self._lock:
                if self._client is None:
                    self._client = self._make()
                client = self._client
            return operation(client)

        return self._fuse.call(ask, default)

    async def _ado(self, operation: Callable[[Any], Awaitable[R]], default: R) -> R:
        async def ask() -> R:
            loop = asyncio.get_running_loop()
            client = self._aclients.get(loop)
            if client is None:
                client = self._aclients[loop] = self._amake()
            async with asyncio.timeout(self._budget):
                return await operation(client)

        return await self._fuse.acall(ask, default)


def _microseconds(told: Sequence[int]) -> int:
    seconds, microseconds = told
    return seconds * 1_000_000 + microseconds


def _pairs(found: Any) -> Sequence[tuple[str, int]] | None:
    if found is None:
        return None
    return [(name.decode(), int(score)) for name, score in found]
