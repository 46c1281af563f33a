"""The rule that bounds the error per request."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.cache.semantic.bounded import Bounded, Curve, bounded, exploration, fit
from langchain_switchyard.cache.semantic.neighbour import Neighbour
from langchain_switchyard.errors import ConfigurationError

SEEN = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30).map(tuple)


@pytest.mark.parametrize("count", range(4))
def test_nothing_is_served_before_four_observations(count):
    """However sure they look."""
    seen = ((0.99, True),) * count
    assert fit(seen) is None
    assert Bounded(delta=0.5).choose([Neighbour(0, 1.0, 0, None, seen)], 1.0).reason == "cold"


def test_no_neighbour_is_a_cold_start():
    """Nothing to serve."""
    assert bounded(0.1).choose([], 1.0).reason == "cold"


@given(SEEN, st.floats(0, 1), st.floats(0.001, 0.5))
def test_exploration_is_a_probability_for_any_observations(seen, similarity, delta):
    """Contradictory, equal or separable ones, too."""
    curve = fit(seen)
    if curve is not None:
        assert 0 <= curve.threshold <= 1
        assert curve.variance >= 0
        assert 0 <= exploration(curve, similarity, delta) <= 1


@given(st.floats(0, 1), st.floats(1, 200), st.floats(0, 0.1), st.floats(0, 1), st.floats(0, 1))
def test_a_nearer_question_is_never_explored_more(threshold, slope, variance, one, other):
    """The curve rises, so the chance to explore falls."""
    curve = Curve(threshold, slope, variance)
    low, high = sorted((one, other))
    assert exploration(curve, high, 0.02) <= exploration(curve, low, 0.02) + 1e-9


@given(st.floats(0.001, 0.3), st.floats(0.001, 0.3), st.floats(0, 1))
def test_a_tighter_bound_explores_at_least_as_much(one, other, similarity):
    """Less error may only cost more questions to the model."""
    curve = Curve(0.7, 30.0, 0.01)
    tight, loose = sorted((one, other))
    assert exploration(curve, similarity, tight) >= exploration(curve, similarity, loose)


def test_the_fitted_curve_is_the_one_the_observations_were_drawn_from():
    """Maximum likelihood on a few thousand draws."""
    chance, true = random.Random(3), Curve(0.7, 15.0, 0.0)
    seen = tuple(
        (similarity, chance.random() < true.right(similarity))
        for similarity in (chance.uniform(0.3, 1.0) for _ in range(4000))
    )
    curve = fit(seen)
    assert curve.threshold == pytest.approx(0.7, abs=0.02)
    assert curve.slope == pytest.approx(15.0, rel=0.15)
    assert curve.variance < 1e-3


@pytest.mark.parametrize("delta", [0.02, 0.1])
def test_the_error_per_request_stays_under_the_bound(delta):
    """Simulated: one entry, questions at random, labels from a known curve."""
    chance, true, mode = random.Random(1), Curve(0.75, 25.0, 0.0), Bounded(delta=delta)
    wrong = served = requests = 0
    for _ in range(15):
        seen: tuple[tuple[float, bool], ...] = ()
        for _ in range(100):
            similarity = chance.uniform(0.5, 1.0)
            right = chance.random() < true.right(similarity)
            requests += 1
            if mode.choose(
                [Neighbour(0, similarity, 0, None, seen[-64:])], chance.random()
            ).candidates:
                served += 1
                wrong += not right
            else:
                seen = (*seen, (similarity, right))
    assert served > 0
    assert wrong / requests <= delta


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1])
def test_a_bound_that_is_no_share_is_refused(delta):
    """With an example of a good one."""
    with pytest.raises(ConfigurationError, match=r"0\.01"):
        bounded(delta)


def test_the_bound_is_halved_until_closing_is_left():
    """Five per cent, then two and a half..."""
    mode, seen = Bounded(delta=0.05), []
    while mode is not None:
        seen.append(mode.delta)
        mode = mode.stricter()
    assert seen[1] == 0.025
    assert len(seen) < 10
