"""What the Redis level says to a server: flows of single commands, performed blocking or awaiting.

Every command names keys of one hash slot only, so that a cluster takes it as one server would. Two
things that must happen at once are a few lines of script (`redis_scripts.py`): whoever says them
may be gone before the second.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import is_theirs, subject_mark
from langchain_switchyard.cache.levels.level import KEPT, OLDEST, RENEWED
from langchain_switchyard.cache.levels.redis_scripts import (
    APPEND,
    BUMP,
    NOTE,
    PUBLISH,
    REMIND,
    RENEW,
    TELL,
    UNLOCK,
)

R = TypeVar("R")

Flow: TypeAlias = Generator[Callable[[Any], Any], Any, R]
"""Yields functions of a client, gets their answers, and ends in a value."""

Command: TypeAlias = tuple[Any, ...]
"""Its words."""

_AT_ONCE = 256
"""Frames read by one command."""

_ERASED_AT_ONCE = 500
_REMINDED_AT_ONCE = 500


class RedisCommands:
    """The level's operations.

    Args:
        prefix: Begins every key of ours; nothing else in the database is ever touched.
    """

    def __init__(self, prefix: str) -> None:
        """Ask nobody yet."""
        self._prefix = prefix
        self._epochs = f"{prefix}:epochs"
        # In the same slot: one server's time for both.
        self._renewed = f"{prefix}:renewed:{{{prefix}:epochs}}"
        self._all_series = f"{prefix}:series:"

    # --- Entries ---

    def get(self, key: Key) -> Flow[Any]:
        """The blob at a key's address."""
        return (yield lambda redis: redis.get(self._entry(key)))

    def put(self, key: Key, blob: bytes, life: int, entry: Entry) -> Flow[None]:
        """Keep a blob for `life` milliseconds."""
        name = self._entry(key)
        yield partial(_at_once, [*self._note(name, life, entry), ("SET", name, blob, "PX", life)])

    def get_many(self, keys: Sequence[Key]) -> Flow[Any]:
        """The blobs at these addresses, in their order."""
        return (yield partial(_at_once, [("GET", self._entry(key)) for key in keys]))

    def put_many(self, rows: Sequence[tuple[Key, bytes, int, Entry]]) -> Flow[None]:
        """As `put`, of many."""
        commands: list[Command] = []
        for key, blob, life, entry in rows:
            name = self._entry(key)
            commands += [*self._note(name, life, entry), ("SET", name, blob, "PX", life)]
        yield partial(_at_once, commands)

    def publish(self, key: Key, token: str, blob: bytes, life: int, entry: Entry) -> Flow[bool]:
        """Keep a blob, only if the lock is this token's."""
        name = self._entry(key)
        keep = "EVAL", PUBLISH, 2, self._lock(key), name, token, blob, life
        *_, kept = yield partial(_at_once, [*self._note(name, life, entry), keep])
        return bool(kept)

    def delete(self, key: Key) -> Flow[None]:
        """Forget a blob."""
        yield lambda redis: redis.unlink(self._entry(key))

    def erase(self, subject: str, tenant: str | None) -> Flow[int]:
        """Forget all blobs and series about a subject; returns how many blobs there were."""
        index, erased, cursor = self._about(subject), 0, 0
        while True:
            cursor, members = yield partial(_scan, index, cursor)
            theirs = [member for member in members if is_theirs(_split(member)[1], tenant)]
            if theirs:
                *gone, _ = yield partial(_remove, index, theirs)
                erased += sum(
                    int(count)
                    for member, count in zip(theirs, gone, strict=True)
                    if not member.startswith(self._all_series.encode())
                )
            if not int(cursor):
                return erased

    def _note(self, address: str, life: int, entry: Entry) -> list[Command]:
        """Let `erase` find it; the index lives as long as its longest entry.

        It is said before and together with what keeps the entry: what is kept and not noted could
        never be erased.
        """
        if entry.subject is None:
            return []
        return [("EVAL", NOTE, 1, self._about(entry.subject), address + entry.tenant, life)]

    # --- Series: a stream each ---

    def append(self, key: Key, blob: bytes, life: int, limit: int, entry: Entry) -> Flow[None]:
        """Add a blob at the end of a series, which lives as long as its longest entry."""
        name = self._series(key)
        add = "EVAL", APPEND, 1, name, blob, limit, life
        yield partial(_at_once, [*self._note(name, life, entry), add])

    def read_on(self, key: Key, after: str, count: int) -> Flow[list[Any]]:
        """Blobs of a series behind a position, each with its own."""
        start = f"({after}" if after else "-"
        name = self._series(key)
        found: list[Any] = yield lambda redis: redis.xrange(name, min=start, count=count)
        return found

    # --- Epochs: two sorted sets, scored by the server's own time in microseconds ---

    def news(self, since: int) -> Flow[list[tuple[str, int]]]:
        """Scopes bumped since, with their epochs."""
        news: list[tuple[str, int]] = []
        for book in (self._epochs, self._renewed):
            found = yield partial(_since, book, since)
            news.extend((name.decode(), int(score)) for name, score in found)
        return news

    def bump(self, scope: str) -> Flow[int]:
        """Begin a new epoch, later than any before it."""
        book, oldest = self._book(scope)
        return int((yield lambda redis: redis.eval(BUMP, 1, book, scope, KEPT, oldest)))

    def remind(self, epochs: Mapping[str, int]) -> Flow[bool]:
        """Write epochs that are later than those known."""
        for book in (self._epochs, self._renewed):
            pairs = [pair for pair in epochs.items() if self._book(pair[0])[0] == book]
            for start in range(0, len(pairs), _REMINDED_AT_ONCE):
                some = pairs[start : start + _REMINDED_AT_ONCE]
                yield partial(_eval, REMIND, book, list(itertools.chain.from_iterable(some)))
        return True

    def _book(self, scope: str) -> tuple[str, str]:
        """Where a scope's epoch stands, and the scope of what is no longer remembered there."""
        return (self._renewed, RENEWED) if scope.startswith(RENEWED) else (self._epochs, OLDEST)

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
        return bool((yield lambda redis: redis.eval(RENEW, 2, lock, line, token, life)))

    def unlock(self, key: Key, token: str) -> Flow[None]:
        """Give the lock back."""
        yield lambda redis: redis.eval(UNLOCK, 1, self._lock(key), token)

    def tell(
        self, key: Key, token: str, first: int, blobs: Sequence[bytes], life: int
    ) -> Flow[bool]:
        """Write frames at their places; told twice, they are told once."""
        frames = itertools.chain.from_iterable(enumerate(blobs, first))
        yield partial(_eval, TELL, self._line(key, token), [life, *frames])
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


def _eval(script: str, name: str, words: Sequence[Any], redis: Any) -> Any:
    return redis.eval(script, 1, name, *words)


def _since(book: str, since: int, redis: Any) -> Any:
    return redis.zrangebyscore(book, since, "+inf", withscores=True)


def _scan(index: str, cursor: int, redis: Any) -> Any:
    return redis.sscan(index, cursor, count=_ERASED_AT_ONCE)


def _split(member: bytes) -> tuple[bytes, str]:
    """An entry's address, which ends in a brace, and whose it is."""
    address, brace, mark = member.rpartition(b"}")
    return address + brace, mark.decode()


def _remove(index: str, members: Sequence[bytes], redis: Any) -> Any:
    # Not the whole index: what is stored meanwhile must still be found by the next erasure.
    blobs = [("UNLINK", _split(member)[0]) for member in members]
    return _at_once([*blobs, ("SREM", index, *members)], redis)


def _at_once(commands: Sequence[Command], redis: Any) -> Any:
    """Say several commands in one breath; in a cluster each goes to its own server."""
    pipeline = redis.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return pipeline.execute()


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


async def aperform(client: Any, flow: Flow[R], seconds: float | None = None) -> R:
    """Run a flow on an awaiting client.

    Raises:
        TimeoutError: A single step took so many seconds.
    """
    try:
        command = next(flow)
        while True:
            async with asyncio.timeout(seconds):
                answer = await command(client)
            command = flow.send(answer)
    except StopIteration as done:
        value: R = done.value
        return value
