"""When notes are fetched and told: seldom, in stretches, and never too large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.journal import Journal
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.epochs import Epochs
from langchain_switchyard.cache.levels.series import Stretch
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.semantic import Capacity, SemanticCache, bounded
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.semantic.builders import (
    UNWATCHED,
    Fixed,
    Placed,
    ask,
    cache,
    teach,
)

PLACE = ask("refund").place


class Watched(SqliteLevel):
    """Remembers what was read."""

    def __init__(self, path: Path) -> None:
        """Nothing was."""
        super().__init__(path)
        self.reads: list[tuple[str, int]] = []
        self.keys: set[Key] = set()

    def read_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """Note it."""
        self.reads.append((after, count))
        self.keys.add(key)
        return super().read_on(key, after, count, now)


@pytest.fixture
def level(tmp_path: Path) -> Iterator[Watched]:
    """A level in a file."""
    opened = Watched(tmp_path / "cache.db")
    yield opened
    opened.close()


def placed() -> SemanticCache:
    """A semantic level without any questions."""
    return cache(Placed(refund=0.0, money=6.0))


def runs(clock: FakeClock) -> Callable[[Any], Any]:
    """Runs steps on that clock."""
    return SyncDriver(clock).run


def fill(level: SqliteLevel, clock: FakeClock, count: int) -> None:
    """Let another process tell so many notes."""
    semantic = placed()
    journal, run = Journal(level, semantic, Epochs()), runs(clock)
    run(journal.catch_up(PLACE, clock))
    for number in range(count):
        semantic.record(ask(f"refund {'o' * number}"), "30 days", None)
        run(journal.tell(PLACE, None, clock.wall() + 60, clock))


def test_a_place_is_looked_at_once_a_second(level: Watched) -> None:
    """However many questions come."""
    clock, semantic = FakeClock(), placed()
    journal, run = Journal(level, semantic, Epochs()), runs(clock)
    for _ in range(5):
        run(journal.catch_up(PLACE, clock))
    assert len(level.reads) == 1
    clock.advance(1.0)
    run(journal.catch_up(PLACE, clock))
    assert len(level.reads) == 2


def test_a_long_series_is_read_in_stretches_by_several_questions(level: Watched) -> None:
    """Nobody waits for all of it; the next question reads on at once."""
    clock, semantic = FakeClock(), placed()
    fill(level, clock, 300)
    journal, run = Journal(level, semantic, Epochs()), runs(clock)
    run(journal.catch_up(PLACE, clock, patience=1))
    assert semantic.stats()["entries"] == 128
    run(journal.catch_up(PLACE, clock, patience=1))
    run(journal.catch_up(PLACE, clock, patience=1))
    assert semantic.stats()["entries"] == 300
    run(journal.catch_up(PLACE, clock))
    assert len(level.reads) == 1 + 3


def test_a_note_that_is_too_large_stays_here(level: Watched) -> None:
    """Others miss one question; the level is not flooded."""
    clock, semantic = FakeClock(), placed()
    journal, run = Journal(level, semantic, Epochs()), runs(clock)
    run(journal.catch_up(PLACE, clock))
    semantic.record(ask("refund"), "long " * 20_000, None)
    run(journal.tell(PLACE, None, clock.wall() + 60, clock))
    (key,) = level.keys
    assert level.read_on(key, "", 9, clock.wall()) == Stretch((), "", is_last=True)


def test_what_is_invalid_by_now_is_not_heard(level: Watched) -> None:
    """An epoch that no longer holds: the question stays unknown, later ones are heard."""
    clock, semantic = FakeClock(), placed()
    fill(level, clock, 2)
    epochs = Epochs()
    journal, run = Journal(level, semantic, epochs), runs(clock)
    epochs.are_current = lambda stamp: False  # type: ignore[method-assign]
    run(journal.catch_up(PLACE, clock))
    assert semantic.stats()["entries"] == 0


def test_anything_may_lie_in_the_series(level: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be read is left out."""
    clock, semantic = FakeClock(), placed()
    journal, run = Journal(level, semantic, Epochs()), runs(clock)
    run(journal.catch_up(PLACE, clock))
    (key,) = level.keys
    until = clock.wall() + 60
    for body in (b"", b"[]", b'["x", ["stored"]]', b"\xff" * 99):
        times = {"fresh_until": until, "stale_until": until, "outage_until": until}
        level.append(key, Entry(body=body, created=0.0, **times), clock.wall(), 9)
    fill(level, clock, 1)
    clock.advance(2)
    run(journal.catch_up(PLACE, clock))
    assert semantic.stats()["entries"] == 1
    assert caplog.text.count("cannot be read") >= 4


def test_a_partition_that_left_for_want_of_room_is_read_again(level: Watched) -> None:
    """Its own notes, too: it has forgotten them."""
    clock = FakeClock()
    policy = replace(UNWATCHED, capacity=Capacity(partitions=1))
    semantic = cache(Placed(refund=0.0), policy=policy)
    journal, run = Journal(level, semantic, Epochs()), runs(clock)
    run(journal.catch_up(PLACE, clock))
    semantic.record(ask("refund"), "30 days", None)
    run(journal.tell(PLACE, None, clock.wall() + 60, clock))
    semantic.lookup(ask("refund", b"another"))
    assert semantic.lookup(ask("refund")).hit is None
    clock.advance(1)
    run(journal.catch_up(PLACE, clock))
    assert semantic.lookup(ask("refund")).hit is not None


def test_a_threshold_learned_for_an_entry_outlives_a_restart(level: Watched) -> None:
    """`bounded` serves at once what it had seen often enough."""
    clock, levels = FakeClock(), []
    for _ in range(2):
        levels.append(cache(Placed(a=0.0), mode=bounded(0.3), chance=Fixed(0.999)))
        journal, run = Journal(level, levels[-1], Epochs()), runs(clock)
        run(journal.catch_up(PLACE, clock))
        if len(levels) == 1:
            for number in range(6):
                teach(levels[0], ("a " + "o" * (number + 1), "same"))
            run(journal.tell(PLACE, None, clock.wall() + 60, clock))
    for semantic in levels:
        assert semantic.stats()["entries"] == 1
        assert semantic.lookup(ask("a ooo")).hit is not None
