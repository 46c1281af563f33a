"""Choosing one of those who are ready."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from langchain_switchyard import ConfigurationError
from langchain_switchyard.routing.balance import (
    least_pending,
    round_robin,
    strategy_named,
    weighted_random,
)
from tests.unit_tests.routing.fleet import asked, fleet, scripted, shut, state


def test_weighted_random_gives_each_its_share():
    """Three to one, within what chance allows."""
    heavy, light = state("heavy", weight=3), state("light", weight=1)
    rng = random.Random(7)

    chosen = Counter(weighted_random([heavy, light], rng).deployment.id for _ in range(4000))

    assert 2800 < chosen["heavy"] < 3200


def test_round_robin_takes_turns():
    """Each router has its own turn."""
    ready = [state("a"), state("b"), state("c")]
    turn, other = round_robin(), round_robin()
    rng = random.Random(7)

    assert [turn(ready, rng).deployment.id for _ in range(4)] == ["a", "b", "c", "a"]
    assert other(ready, rng).deployment.id == "a"


def test_least_pending_takes_the_idle_one():
    """Measured by weight: a double weight may carry double."""
    busy, idle, strong = state("busy"), state("idle"), state("strong", weight=4)
    busy.begin()
    strong.begin()

    assert least_pending([busy, idle], random.Random(7)) is idle
    assert least_pending([busy, idle, strong], random.Random(7)) is strong


def test_least_pending_breaks_ties_by_lot():
    """The first listed must not take every quiet moment."""
    ready = [state("a"), state("b")]
    rng = random.Random(7)

    chosen = Counter(least_pending(ready, rng).deployment.id for _ in range(400))

    assert 150 < chosen["a"] < 250


def test_own_function_is_a_strategy():
    """Extension is a callable."""

    def last(ready, _rng):
        return ready[-1]

    model = fleet([scripted("a", "x"), scripted("b", "y")], balance=last)

    assert asked(model.invoke("hi")) == ["b"]
    assert strategy_named(last) is last


def test_unknown_name_is_refused_with_those_that_exist():
    """A typo is found when the router is made."""
    with pytest.raises(ConfigurationError, match="least_pending, round_robin, weighted_random"):
        strategy_named("fastest")  # type: ignore[arg-type]


def test_who_takes_the_last_probe_first_leaves_the_others_to_others():
    """A breaker that refuses between choosing and asking sends the request to the next."""
    model = fleet([scripted("a", "x"), scripted("b", "y")], balance=lambda ready, _: ready[0])
    first = model._yard.states[0]
    shut(first, 0.0)
    first.breaker.acquire(0.0)  # The only probe is out.
    first.not_before = lambda now: now  # type: ignore[method-assign] # Seen as ready a moment ago.

    assert asked(model.invoke("hi")) == ["b"]


@pytest.mark.parametrize(
    "strategy", [lambda _ready, _rng: None, lambda ready, _rng: ready[9], lambda *_: "a"]
)
def test_a_strategy_that_chooses_nobody_is_named(strategy):
    """Whatever it returned or raised; the request says whose fault it is."""
    strategy.__name__ = "my_choice"
    model = fleet([scripted("a", "x"), scripted("b", "x")], balance=strategy)

    with pytest.raises(ConfigurationError, match="balancing strategy my_choice"):
        model.invoke("hi")
