"""What the Redis level says to a server: flows of single commands, performed blocking or awaiting.

Every command names keys of one hash slot only, so that a cluster takes it as one server would. Two
things that must happen at once are a few lines of script, which Redis and Valkey know without any
module.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import subject_mark

R = TypeVar("R")

Flow: TypeAlias = Generator[Callable[[Any], Any], Any, R]
"""Yields functions of a client, gets their answers, and ends in a value."""

_AT_ONCE = 256
"""Frames read by one command."""

_IF_MINE = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
_RENEW = (
    _IF_MINE + "redis.call('pexpire', KEYS[2], ARGV[2]) "
    "return redis.call('pexpire', KEYS[1], ARGV[2])"
)
_UNLOCK = _IF_MINE + "return redis.call('del', KEYS[1])"
_PUBLISH = _IF_MINE + "redis.call('set', KEYS[2], ARGV[2], 'px', ARGV[3]) return 1"
_BUMP = """
local time = redis.call('time')
local before = tonumber(redis.call('zscore', KEYS[1], ARGV[1]) or 0)
local epoch = math.max(time[1] * 1000000 + time[2], before + 1)
redis.call('zadd', KEYS[1], string.format('%.0f', epoch), ARGV[1])
return epoch
"""
"""The server's own time: processes need not agree on theirs."""


class RedisCommands:
    """The level's operations.

    Args:
        prefix: Begins every key of ours; nothing else in the database is ever touched.
    """

    def __init__(self, prefix: str) -> None:
        """Ask nobody yet."""
        self._prefix = prefix
        self._epochs = f"{prefix}:epochs"
        self._all_series = f"{prefix}:series:"

    # --- Entries ---

    def get(self, key: Key) -> Flow[Any]:
        """The blob at a key's address."""
        return (yield lambda redis: redis.get(self._entry(key)))

    def put(self, key: Key, blob: bytes, life: int, subject: str | None) -> Flow[None]:
        """Keep a blob for `life` milliseconds."""
        yield lambda redis: redis.set(self._entry(key), blob, px=life)
        yield from self._note(self._entry(key), life, subject)

    def publish(
        self, key: Key, token: str, blob: bytes, life: int, subject: str | None
    ) -> Flow[bool]:
        """Keep a blob, only if the lock is this token's."""
        lock, entry = self._lock(key), self._entry(key)
        kept = yield lambda redis: redis.eval(_PUBLISH, 2, lock, entry, token, blob, life)
        if kept:
            yield from self._note(self._entry(key), life, subject)
        return bool(kept)

    def delete(self, key: Key) -> Flow[None]:
        """Forget a blob."""
        yield lambda redis: redis.unlink(self._entry(key))

    def erase(self, subject: str) -> Flow[int]:
        """Forget all blobs and series about a subject; returns how many blobs there were."""
        index, erased = self._about(subject), 0
        # One by one: in a cluster they lie on different servers.
        for address in (yield lambda redis: redis.smembers(index)):
            gone = yield partial(_unlink, address)
            erased += 0 if address.startswith(self._all_series.encode()) else gone
        yield lambda redis: redis.unlink(index)
        return erased

    def _note(self, address: str, life: int, subject: str | None) -> Flow[None]:
        """Let `erase` find it; the index lives as long as its longest entry."""
        if subject is None:
            return
        index = self._about(subject)
        yield lambda redis: redis.sadd(index, address)
        if (yield lambda redis: redis.pttl(index)) < life:
            yield lambda redis: redis.pexpire(index, life)

    # --- Series: a stream each ---

    def append(
        self, key: Key, blob: bytes, life: int, limit: int, subject: str | None
    ) -> Flow[None]:
        """Add a blob at the end of a series, which lives as long as its longest entry."""
        name = self._series(key)
        yield lambda redis: redis.xadd(name, {"e": blob}, maxlen=limit, approximate=True)
        if (yield lambda redis: redis.pttl(name)) < life:
            yield lambda redis: redis.pexpire(name, life)
        yield from self._note(name, life, subject)

    def read_on(self, key: Key, after: str, count: int) -> Flow[list[Any]]:
        """Blobs of a series behind a position, each with its own."""
        start = f"({after}" if after else "-"
        name = self._series(key)
        found: list[Any] = yield lambda redis: redis.xrange(name, min=start, count=count)
        return found

    # --- Epochs: a sorted set, scored by the server's own time in microseconds ---

    def news(self, since: int) -> Flow[list[tuple[str, int]]]:
        """Scopes bumped since, with their epochs."""
        found = yield lambda redis: redis.zrangebyscore(
            self._epochs, since, "+inf", withscores=True
        )
        return [(name.decode(), int(score)) for name, score in found]

    def bump(self, scope: str) -> Flow[int]:
        """Begin a new epoch, later than any before it."""
        return int((yield lambda redis: redis.eval(_BUMP, 1, self._epochs, scope)))

    # --- Calls under way: a lock with a lease, and for each token a hash of its frames ---

    def lock(self, key: Key, token: str, life: int) -> Flow[str]:
        """Whose lock it is now."""
        name = self._lock(key)
        if (yield lambda redis: redis.set(name, token, nx=True, px=life)):
            return token
        holder: bytes | None = yield lambda redis: redis.get(name)
        return "" if holder is None else holder.decode()

    def renew(self, key: Key, token: str, life: int) -> Flow[bool]:
        """Whether it is still this token's; it and what was told live `life` milliseconds more."""
        lock, line = self._lock(key), self._line(key, token)
        return bool((yield lambda redis: redis.eval(_RENEW, 2, lock, line, token, life)))

    def unlock(self, key: Key, token: str) -> Flow[None]:
        """Give the lock back."""
        yield lambda redis: redis.eval(_UNLOCK, 1, self._lock(key), token)

    def tell(
        self, key: Key, token: str, first: int, blobs: Sequence[bytes], life: int
    ) -> Flow[bool]:
        """Write frames at their places; told twice, they are told once."""
        line, frames = self._line(key, token), dict(enumerate(blobs, first))
        yield lambda redis: redis.hset(line, mapping=frames)
        yield lambda redis: redis.pexpire(line, life)
        return True

    def heard(self, key: Key, token: str, first: int) -> Flow[list[bytes]]:
        """Frames from `first` on, up to the first gap."""
        line, frames = self._line(key, token), list[bytes]()
        while len(frames) % _AT_ONCE == 0:
            turns = range(first + len(frames), first + len(frames) + _AT_ONCE)
            found = yield partial(_hmget, line, turns)
            held = list(itertools.takewhile(lambda blob: blob is not None, found))
            frames.extend(held)
            if not held:
                break
        return frames

    # --- Names; what stands in braces decides the slot ---

    def _series(self, key: Key) -> str:
        return f"{self._all_series}{key.scope}:{{{key.digest.hex()}}}"

    def _entry(self, key: Key) -> str:
        return f"{self._prefix}:{key.scope}:{{{key.digest.hex()}}}"

    def _lock(self, key: Key) -> str:
        return f"{self._prefix}:lock:{{{key.digest.hex()}}}"

    def _line(self, key: Key, token: str) -> str:
        return f"{self._prefix}:line:{{{key.digest.hex()}}}:{token}"

    def _about(self, subject: str) -> str:
        return f"{self._prefix}:subject:{subject_mark(subject).hex()}"


def _hmget(line: str, turns: Sequence[int], redis: Any) -> Any:
    return redis.hmget(line, turns)


def _unlink(address: Any, redis: Any) -> Any:
    return redis.unlink(address)


def perform(client: Any, flow: Flow[R], seconds: float) -> R:
    """Run a flow on a blocking client.

    Raises:
        TimeoutError: So many seconds had passed and there was more to do.
    """
    end, answer = time.monotonic() + seconds, None
    try:
        command = next(flow)
        while True:
            answer = command(client)
            command = flow.send(answer)
            if time.monotonic() > end:
                raise TimeoutError("the budget is spent")
    except StopIteration as done:
        value: R = done.value
        return value


async def aperform(client: Any, flow: Flow[R]) -> R:
    """Run a flow on an awaiting client."""
    try:
        command = next(flow)
        while True:
            command = flow.send(await command(client))
    except StopIteration as done:
        value: R = done.value
        return value
