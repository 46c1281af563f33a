"""The rules of decision, as pure functions of the neighbourhood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic import Agreement, Threshold, agreement, threshold
from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.errors import ConfigurationError
from tests.unit_tests.cache.semantic.builders import near

NEIGHBOURS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3)), max_size=20).map(
    lambda pairs: near(*sorted(pairs, reverse=True))
)


def served(mode, neighbours):
    """Return the numbers of the entries that may be served."""
    return [one.entry for one in mode.choose(neighbours, 0.5).candidates]


def test_three_neighbours_of_one_answer_are_served_nearest_first():
    """The plain case."""
    assert served(Agreement(), near((0.95, 1), (0.9, 1), (0.88, 1))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("neighbours", "reason"),
    [
        (near(), "cold"),
        (near((0.99, 1), (0.98, 1)), "cold"),
        (near((0.7, 1), (0.7, 1), (0.7, 1)), "too far"),
        (near((0.95, 1), (0.94, 2), (0.93, 1)), "no agreement"),
        (near((0.8, 1), (0.79, 1), (0.79, 1), *[(0.785, 2)] * 6), "outvoted"),
    ],
)
def test_agreement_says_why_it_serves_nobody(neighbours, reason):
    """One word for the statistics."""
    choice = Agreement().choose(neighbours, 0.5)
    assert choice.candidates == ()
    assert choice.reason == reason


def test_a_neighbour_of_another_group_is_never_a_candidate():
    """Even if it is nearer than members of the group that won."""
    neighbours = near((0.97, 1), (0.96, 1), (0.95, 1), (0.94, 2), (0.93, 1))
    assert served(Agreement(odds=1.0), neighbours) == [0, 1, 2, 4]


def test_a_member_below_the_bar_is_never_a_candidate():
    """It may have voted all the same."""
    assert served(Agreement(odds=0.0), near((0.9, 1), (0.6, 1), (0.5, 1))) == [0]


@given(NEIGHBOURS)
def test_whoever_agreement_serves_is_of_the_nearest_ones_group_and_near(neighbours):
    """For any neighbourhood."""
    mode = Agreement()
    for one in mode.choose(neighbours, 0.5).candidates:
        assert one.group == neighbours[0].group
        assert one.similarity >= mode.similarity
        assert all(other.group == one.group for other in neighbours[: mode.k])


@given(NEIGHBOURS)
def test_a_stricter_rule_serves_nobody_that_the_looser_one_does_not(neighbours):
    """Raising the bar can only take away."""
    for mode in (Agreement(odds=0.5), Threshold(similarity=0.6)):
        stricter = mode.stricter()
        assert set(served(stricter, neighbours)) <= set(served(mode, neighbours))


@given(NEIGHBOURS, st.floats(0.5, 1))
def test_one_more_dissenter_never_makes_a_hit(neighbours, similarity):
    """Evidence against a group cannot count for it."""
    stranger = Neighbour(99, similarity, 77)
    more = sorted([*neighbours, stranger], key=lambda one: -one.similarity)
    mode = Agreement(neighbours=50)
    if not served(mode, neighbours):
        assert 77 in {one.group for one in mode.choose(more, 0.5).candidates} or not served(
            mode, more
        )


def test_bars_run_out_so_that_closing_is_reached():
    """No rule can be made stricter for ever."""
    for first in (Agreement(), Threshold(similarity=0.8)):
        bars = [first]
        while (stricter := bars[-1].stricter()) is not None:
            bars.append(stricter)
        assert 2 <= len(bars) <= 10


def test_a_threshold_serves_whoever_is_near_enough():
    """Groups do not matter to it."""
    assert served(Threshold(similarity=0.9), near((0.95, 1), (0.91, 2), (0.8, 1))) == [0, 1]
    assert Threshold(similarity=0.9).choose(near((0.8, 1)), 0.5).reason == "too far"
    assert Threshold(similarity=0.9).choose([], 0.5).reason == "cold"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Agreement(similarity=0.0),
        lambda: Agreement(similarity=1.5),
        lambda: Agreement(k=0),
        lambda: Agreement(k=30),
        lambda: Agreement(comparisons=0),
        lambda: Threshold(similarity=-1),
    ],
)
def test_settings_that_cannot_work_are_refused(make):
    """With the name of the setting."""
    with pytest.raises(ConfigurationError, match=r"Agreement|Threshold"):
        make()


def test_the_short_names_make_the_same_rules():
    """`agreement(k)` and `threshold(t)`."""
    assert agreement(4, 0.8, 2.0) == Agreement(k=4, similarity=0.8, odds=2.0)
    assert threshold(0.9) == Threshold(similarity=0.9)
