"""The memory level: bounds that hold, and which entries stay."""

from __future__ import annotations

import hashlib
import random
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.errors import ConfigurationError
from tests.unit_tests.cache.builders import entry


def key(name: object) -> Key:
    """An address."""
    return Key(hashlib.sha256(str(name).encode()).digest(), "s")


def test_what_was_put_is_got_until_it_is_past_all_use() -> None:
    """Stale entries stay as long as an outage may need them."""
    level = MemoryLevel()
    held = entry(fresh_for=10, outage_until=20)
    level.put(key(1), held, 0)
    assert level.get(key(1), 15) is held
    assert level.get(key(1), 20) is None
    assert level.usage().entries == 0


def test_an_unknown_key_is_a_miss() -> None:
    """Nothing is made up."""
    assert MemoryLevel().get(key(1), 0) is None


def test_the_newer_entry_replaces_the_older() -> None:
    """And its weight is counted once."""
    level = MemoryLevel()
    level.put(key(1), entry("a" * 500), 0)
    level.put(key(1), entry("b"), 0)
    assert level.get(key(1), 0) == entry("b")
    assert level.usage().size == entry("b").weight


def test_dead_entries_give_back_their_room_without_being_asked_for() -> None:
    """Nobody ever asks for most of them again."""
    level = MemoryLevel()
    for number in range(100):
        level.put(key(number), entry(fresh_for=5), 0)
    level.put(key("later"), entry(at=100), 100)
    assert level.usage().entries == 1


def test_an_overwritten_entry_does_not_die_with_the_first() -> None:
    """The older one's time must not count for the newer."""
    level = MemoryLevel()
    level.put(key(1), entry(fresh_for=5), 0)
    level.put(key(1), entry(fresh_for=500), 0)
    level.put(key(2), entry(at=100), 100)
    assert level.get(key(1), 100) is not None


def test_an_entry_too_large_for_the_level_is_not_kept() -> None:
    """One answer must not drive out all others."""
    level = MemoryLevel(max_bytes=10_000)
    level.put(key(1), entry("x" * 2_000), 0)
    assert level.get(key(1), 0) is None
    assert level.usage().size == 0


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["put", "get", "delete", "wait"]),
            st.integers(0, 30),
            st.integers(0, 3_000),
        ),
        max_size=120,
    )
)
def test_bounds_hold_whatever_happens(steps: list[tuple[str, int, int]]) -> None:
    """After every single step, in bytes and in entries, and the books agree."""
    level = MemoryLevel(max_bytes=20_000, max_entries=12, rng=random.Random(1))
    now = 0.0
    for what, number, size in steps:
        if what == "put":
            level.put(key(number), entry("x" * (size // 2), at=now, fresh_for=size / 10), now)
        elif what == "get":
            level.get(key(number), now)
        elif what == "delete":
            level.delete(key(number))
        else:
            now += size / 100
        used = level.usage()
        assert (used.size or 0) <= 20_000
        assert (used.entries or 0) <= 12
        assert used.size == sum(held.weight for held in level._entries.values())
        assert len(level._order) == used.entries


def test_the_bound_holds_under_a_storm_of_short_lived_entries() -> None:
    """Inserts far faster than anything expires: memory must not grow."""
    level = MemoryLevel(max_bytes=200_000, max_entries=100_000, rng=random.Random(1))
    for number in range(5_000):
        level.put(key(number), entry("x" * 200, fresh_for=1 + number % 900), 0)
        assert (level.usage().size or 0) <= 200_000
    assert level.usage().evictions > 4_000


def test_a_scan_does_not_drive_out_what_is_asked_for_again() -> None:
    """A batch of one-time questions passes through; recency alone would lose everything."""
    level = MemoryLevel(max_entries=100, rng=random.Random(1))
    for _ in range(5):
        for number in range(80):
            if level.get(key(number), 0) is None:
                level.put(key(number), entry(), 0)
    for number in range(2_000):
        level.get(key(f"scan {number}"), 0)
        level.put(key(f"scan {number}"), entry(), 0)
    kept = sum(level.get(key(number), 0) is not None for number in range(80))
    assert kept >= 75


def test_one_time_questions_do_not_drive_out_what_recency_would_lose() -> None:
    """Half of the traffic is asked once: admission by frequency beats recency by far."""
    rng = random.Random(3)
    level, recent = MemoryLevel(max_entries=60, rng=random.Random(1)), OrderedDict[int, None]()
    ours = lru = 0
    for number in range(8_000):
        asked = 10_000 + number if rng.random() < 0.5 else int(rng.paretovariate(0.6)) % 2_000
        if level.get(key(asked), 0) is not None:
            ours += 1
        else:
            level.put(key(asked), entry(), 0)
        if asked in recent:
            lru += 1
            recent.move_to_end(asked)
        else:
            recent[asked] = None
            if len(recent) > 60:
                recent.popitem(last=False)
    assert ours > lru * 1.15


def test_a_new_favourite_gets_in() -> None:
    """Frequency fades: yesterday's favourites do not hold their places for ever."""
    level = MemoryLevel(max_entries=50, rng=random.Random(1))
    for generation in range(2):
        for _ in range(60):
            for number in range(50):
                name = key((generation, number))
                if level.get(name, 0) is None:
                    level.put(name, entry(), 0)
    assert sum(level.get(key((1, n)), 0) is not None for n in range(50)) >= 45


def test_erase_takes_a_subjects_entries_and_no_others() -> None:
    """Deletion requests are answered here at once."""
    level = MemoryLevel()
    for number in range(4):
        level.put(key(number), entry(subject="eve" if number % 2 else "adam"), 0)
    assert level.erase("eve") == 2
    assert level.get(key(0), 0) is not None
    assert level.get(key(1), 0) is None


def test_close_lets_go_of_everything() -> None:
    """Memory is given back."""
    level = MemoryLevel()
    level.put(key(1), entry(), 0)
    level.close()
    assert level.usage().size == 0


async def test_the_awaiting_methods_do_the_same() -> None:
    """They never wait."""
    level = MemoryLevel()
    await level.aput(key(1), entry(subject="eve"), 0)
    assert await level.aget(key(1), 0) is not None
    await level.adelete(key(1))
    assert await level.aerase("eve") == 0
    await level.aclose()


@pytest.mark.parametrize("bounds", [{"max_bytes": 0}, {"max_entries": -1}])
def test_bounds_that_hold_nothing_are_refused(bounds: dict[str, int]) -> None:
    """With a message that names them."""
    with pytest.raises(ConfigurationError, match="above 0"):
        MemoryLevel(**bounds)
