"""Many entries at once: what a batch of texts needs, and a single request never does.

A level may offer it (`ManyLevel`); others are asked for one entry after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.level import Level
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Io, Steps

T = TypeVar("T")

_AT_ONCE = 100
"""Entries in one operation: each has the level's budget of time."""


@runtime_checkable
class ManyLevel(Level, Protocol):
    """A level that waits, and takes less time for many entries together than one by one."""

    def get_many(self, keys: Sequence[Key], now: float) -> Sequence[Entry | None]:
        """As `get`, in the order of the keys; all None if the level cannot tell."""
        ...

    async def aget_many(self, keys: Sequence[Key], now: float) -> Sequence[Entry | None]:
        """As `get_many`."""
        ...

    def put_many(self, entries: Mapping[Key, Entry], now: float) -> None:
        """As `put`."""
        ...

    async def aput_many(self, entries: Mapping[Key, Entry], now: float) -> None:
        """As `put_many`."""
        ...


def find_many(shelf: Shelf, keys: Sequence[Key], clock: Clock) -> Steps[dict[Key, Entry]]:
    """Fresh entries at these addresses, from the nearest level that has them."""
    yield from shelf.epochs.refresh(clock.now())
    now, missing, found = clock.wall(), list(keys), dict[Key, Entry]()
    for index, level in enumerate(shelf.levels):
        held = yield from _held(level, missing, now)
        fit = {
            key: entry
            for key, entry in held.items()
            if now < entry.fresh_until and shelf.epochs.holds(entry)
        }
        for nearer in shelf.levels[:index]:
            if not nearer.waits:
                for key, entry in fit.items():
                    nearer.put(key, entry, now)
        found.update(fit)
        missing = [key for key in missing if key not in fit]
    return found


def keep_many(shelf: Shelf, entries: Mapping[Key, Entry], clock: Clock) -> Steps[None]:
    """Keep entries in all levels."""
    now = clock.wall()
    for level in shelf.levels:
        if isinstance(level, ManyLevel):
            for some in _stretches(list(entries)):
                told = {key: entries[key] for key in some}, now
                yield Io(partial(level.put_many, *told), partial(level.aput_many, *told))
            continue
        for key, entry in entries.items():
            if level.waits:
                one = key, entry, now
                yield Io(partial(level.put, *one), partial(level.aput, *one))
            else:
                level.put(key, entry, now)


def _held(level: Level, keys: Sequence[Key], now: float) -> Steps[dict[Key, Entry]]:
    held: dict[Key, Entry | None] = {}
    if isinstance(level, ManyLevel):
        for some in _stretches(keys):
            asked = some, now
            entries = yield Io(partial(level.get_many, *asked), partial(level.aget_many, *asked))
            held.update(zip(some, entries, strict=True))
    else:
        for key in keys:
            if level.waits:
                held[key] = yield Io(partial(level.get, key, now), partial(level.aget, key, now))
            else:
                held[key] = level.get(key, now)
    return {key: entry for key, entry in held.items() if entry is not None}


def _stretches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
