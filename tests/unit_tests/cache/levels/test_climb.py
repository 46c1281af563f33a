"""The window moves towards the better hit ratio and stays within its limits."""

from __future__ import annotations

from langchain_switchyard.cache.levels.climb import Climb


def sample(climb: Climb, hits: int) -> None:
    """One sample of 50 accesses."""
    for number in range(50):
        climb.note(hit=number < hits)


def test_it_goes_on_while_things_get_better() -> None:
    """Each better sample widens the window further."""
    climb = Climb(10)
    for hits in (10, 11, 12, 13):
        sample(climb, hits)
    assert climb.window > 0.15


def test_it_turns_round_when_things_get_worse() -> None:
    """A step that did harm is taken back."""
    climb = Climb(10)
    for hits in (20, 21):
        sample(climb, hits)
    wide = climb.window
    sample(climb, 20)
    assert climb.window < wide


def test_it_stays_within_its_limits() -> None:
    """A window of nothing or of everything could never recover."""
    climb = Climb(10)
    for turn in range(200):
        sample(climb, turn % 50)
        assert 0.01 <= climb.window <= 0.8
