"""Many entries at once, in whatever levels there are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.many import ManyLevel, find_many, keep_many
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.redis_level import RedisLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.testing import FakeClock

CLOCK = FakeClock()


def key(name: str) -> Key:
    """An address."""
    return Key(hashlib.sha256(name.encode()).digest(), "scope")


def entry(body: bytes, life: float = 100.0) -> Entry:
    """An entry that lives for so many seconds."""
    end = CLOCK.wall() + life
    return Entry(
        body=body, created=CLOCK.wall(), fresh_until=end, stale_until=end, outage_until=end
    )


def run(steps: Any) -> Any:
    """Perform steps."""
    return SyncDriver(CLOCK).run(steps)


class Counting(SqliteLevel):
    """A level that counts how often it is asked."""

    asked = 0

    def get_many(self, keys: Any, now: float) -> Any:
        """Count."""
        self.asked += 1
        return super().get_many(keys, now)


def test_which_levels_take_many_at_once() -> None:
    """Those behind a wire or a file."""
    assert isinstance(SqliteLevel(":memory:"), ManyLevel)
    assert isinstance(RedisLevel("redis://localhost:1"), ManyLevel)
    assert not isinstance(MemoryLevel(), ManyLevel)


@pytest.mark.parametrize("make", [SqliteLevel, MemoryLevel])
def test_what_was_kept_is_found_and_nothing_else(make: Any, tmp_path: Path) -> None:
    """More than fit into one operation."""
    shelf = Shelf([make(tmp_path / "a.db") if make is SqliteLevel else make()])
    entries = {key(str(number)): entry(str(number).encode()) for number in range(250)}
    run(keep_many(shelf, entries, CLOCK))
    asked = [*entries, key("unknown")]
    found = run(find_many(shelf, asked, CLOCK))
    assert {one: held.body for one, held in found.items()} == {
        one: held.body for one, held in entries.items()
    }


async def test_awaited_it_finds_the_same(tmp_path: Path) -> None:
    """On an event loop nothing blocks it."""
    shelf = Shelf([SqliteLevel(tmp_path / "a.db")])
    driver = AsyncDriver(CLOCK)
    await driver.run(keep_many(shelf, {key("a"): entry(b"1"), key("b"): entry(b"2")}, CLOCK))
    found = await driver.run(find_many(shelf, [key("b"), key("c"), key("a")], CLOCK))
    assert {one: held.body for one, held in found.items()} == {key("a"): b"1", key("b"): b"2"}


def test_a_near_level_is_filled_and_a_far_one_asked_for_the_rest_only(tmp_path: Path) -> None:
    """In one question for a hundred entries."""
    near, far = MemoryLevel(), Counting(tmp_path / "a.db")
    entries = {key(str(number)): entry(b"x") for number in range(200)}
    run(keep_many(Shelf([far]), entries, CLOCK))
    shelf = Shelf([near, far])
    assert len(run(find_many(shelf, list(entries), CLOCK))) == 200
    assert far.asked == 2
    assert len(run(find_many(shelf, list(entries), CLOCK))) == 200
    assert far.asked == 2


def test_what_is_past_its_life_is_not_found(tmp_path: Path) -> None:
    """Nor is what was invalidated."""
    shelf = Shelf([SqliteLevel(tmp_path / "a.db")])
    run(keep_many(shelf, {key("a"): entry(b"1", life=-1.0), key("b"): entry(b"2")}, CLOCK))
    assert list(run(find_many(shelf, [key("a"), key("b")], CLOCK))) == [key("b")]


def test_a_level_that_fails_has_nothing(tmp_path: Path) -> None:
    """And costs no error."""
    shelf = Shelf([SqliteLevel(tmp_path / "missing" / "a.db")])
    run(keep_many(shelf, {key("a"): entry(b"1")}, CLOCK))
    assert run(find_many(shelf, [key("a")], CLOCK)) == {}
