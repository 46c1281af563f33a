"""Several levels as one."""

from __future__ import annotations

from typing import Any

from langchain_switchyard.cache.levels.epochs import Epochs, scope
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.builders import address, entry


def find(shelf: Shelf, clock: FakeClock) -> Any:
    """Look for the one address of these tests."""
    return SyncDriver(clock).run(shelf.find(address(), clock))


def two(clock: FakeClock, near: Any, far: Any) -> tuple[Shelf, MemoryLevel]:
    """Two levels with an entry each, and the nearer one."""
    levels = [MemoryLevel(name="near"), MemoryLevel(name="far")]
    for level, held in zip(levels, (near, far), strict=True):
        if held is not None:
            level.put(address(), held, clock.wall())
    return Shelf(levels), levels[0]


def test_a_fresh_entry_nearby_is_enough() -> None:
    """Far levels are not asked."""
    clock = FakeClock(epoch=0)
    shelf, _ = two(clock, entry("near"), entry("far", at=1))
    assert find(shelf, clock) == (entry("near"), "near")


def test_a_fresh_entry_far_away_beats_a_stale_one_nearby_and_moves_in() -> None:
    """Another process has refreshed it."""
    clock = FakeClock(epoch=0)
    stale, fresh = entry("old", fresh_for=5, outage_until=99), entry("new", at=10)
    shelf, near = two(clock, stale, fresh)
    clock.advance(20)
    assert find(shelf, clock) == (fresh, "far")
    assert near.get(address(), 20) == fresh


def test_of_two_stale_entries_the_younger_counts() -> None:
    """And the older one does not replace it nearby."""
    clock = FakeClock(epoch=0)
    younger = entry("younger", at=10, fresh_for=5, outage_until=99)
    older = entry("older", fresh_for=5, outage_until=99)
    shelf, near = two(clock, younger, older)
    clock.advance(20)
    assert find(shelf, clock) == (younger, "near")
    assert near.get(address(), 20) == younger


class Radio:
    """The part of a shared level that carries epochs; it can be out of order."""

    def __init__(self) -> None:
        """On, and silent."""
        self.works = True
        self.said: dict[str, int] = {}

    def bump(self, name: str) -> int | None:
        """Tell a new epoch."""
        if not self.works:
            return None
        self.said[name] = self.said.get(name, 100) + 1
        return self.said[name]

    def news(self, since: int) -> list[tuple[str, int]] | None:
        """Everything, or nothing."""
        return list(self.said.items()) if self.works else None


def test_an_invalidation_that_nobody_could_hear_is_told_later() -> None:
    """The shared level was down just then; here it counts at once."""
    clock, radio = FakeClock(epoch=0), Radio()
    mine, yours = Epochs(radio), Epochs(radio)  # type: ignore[arg-type]  # epochs only
    drive = SyncDriver(clock)
    held = entry(epochs=mine.stamp("n", ()))
    radio.works = False
    drive.run(mine.bump([scope("n")], clock.wall()))
    assert not mine.holds(held)
    radio.works = True
    drive.run(mine.refresh(10.0))
    drive.run(yours.refresh(10.0))
    assert not yours.holds(held)
    fresh = entry(epochs=mine.stamp("n", ()))
    assert yours.holds(fresh)


def test_news_are_asked_for_twice_a_second_and_not_at_every_hit() -> None:
    """A far level must not be on the path of near hits."""
    clock, radio = FakeClock(epoch=0), Radio()
    epochs = Epochs(radio)  # type: ignore[arg-type]  # epochs only
    asked = []
    radio.news = asked.append  # type: ignore[method-assign, assignment, func-returns-value]
    for tenth in range(21):
        SyncDriver(clock).run(epochs.refresh(tenth / 10))
    assert len(asked) == 5
