"""Checked hits move the bar."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.semantic import Agreement, ShadowPolicy
from langchain_switchyard.cache.semantic.watch import Move, Watch
from langchain_switchyard.errors import ConfigurationError


def watch(**settings):
    """Return a watch over the default rule."""
    return Watch(Agreement(), ShadowPolicy(**settings))


def test_a_wrong_first_hit_raises_the_bar():
    """One of one: surely above two per cent."""
    seen = watch()
    assert seen.check(right=False) is Move.RAISED
    assert seen.mode.similarity > Agreement().similarity
    assert seen.raised == 1


def test_a_rare_wrong_hit_among_many_right_ones_changes_nothing():
    """One of a hundred is within the target."""
    seen = watch()
    moves = {seen.check(right=True) for _ in range(99)} | {seen.check(right=False)}
    assert moves == {Move.STAY}


def test_a_level_that_goes_on_being_wrong_is_closed():
    """After the last bar there is no other."""
    seen = watch()
    moves = [seen.check(right=False) for _ in range(40)]
    assert moves[-1] is Move.STAY
    assert moves.count(Move.CLOSED) == 1
    assert seen.is_closed


def test_a_closed_level_reopens_only_when_surely_good_again():
    """Then the bars come down one by one, each on its own evidence."""
    seen = watch()
    while not seen.is_closed:
        seen.check(right=False)
    checks = 0
    while seen.is_closed:
        seen.check(right=True)
        checks += 1
    assert checks > 100
    bars = seen.raised
    assert bars > 0
    while seen.check(right=True) is not Move.LOWERED:
        pass
    assert seen.raised == bars - 1


def test_the_bar_never_comes_down_below_its_first_height():
    """However good the hits are."""
    seen = watch()
    assert {seen.check(right=True) for _ in range(2000)} == {Move.STAY}
    assert seen.mode == Agreement()


def test_totals_outlive_a_move_of_the_bar():
    """The bounds speak of the present bar, the totals of all."""
    seen = watch()
    seen.check(right=True)
    seen.check(right=False)
    assert (seen.all_checked, seen.all_wrong) == (2, 1)
    assert seen.checked == 0
    assert seen.bounds() == (0.0, 1.0)


@pytest.mark.parametrize("settings", [{"share": 1.1}, {"target": -0.1}, {"confidence": 0.4}])
def test_what_is_no_share_is_refused(settings):
    """With its name."""
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        ShadowPolicy(**settings)


def test_a_watch_can_begin_where_another_stood():
    """Bars, closing and counts."""
    other = watch()
    while not other.is_closed:
        other.check(right=False)
    other.check(right=True)
    seen = watch()
    seen.adopt(other.state)
    assert seen.state == other.state
    assert seen.mode == other.mode


def test_a_watch_with_evidence_of_its_own_adopts_nothing():
    """What it saw counts."""
    seen = watch()
    seen.check(right=True)
    before = seen.state
    seen.adopt((3, 1, 0, 0, 9, 9))
    assert seen.state == before


@pytest.mark.parametrize("state", [(), (1, 0), (-1, 0, 0, 0, 0, 0), (10**9, 1, 0, 5, 0, 5)])
def test_a_state_that_cannot_be_is_survived(state):
    """It may come from anybody: no endless bars, never more wrong than checked."""
    seen = watch()
    seen.adopt(state)
    lower, upper = seen.bounds()
    assert 0 <= lower <= upper <= 1
    assert seen.raised < 30
