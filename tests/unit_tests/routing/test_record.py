"""What one circuit has seen: rows too long for chance, and shares worth believing."""

from __future__ import annotations

import random

import pytest

from langchain_switchyard import BreakerPolicy
from langchain_switchyard.routing.record import Record


def after(rate: float, attempts: int = 400, **policy: int) -> Record:
    """A record of a deployment that fails at this rate, its latest attempt a success."""
    record, rng = Record(BreakerPolicy(**policy)), random.Random(5)
    for _ in range(attempts):
        record.add(0.0, failed=rng.random() < rate)
    record.add(0.0, failed=False)
    return record


def row_until_dead(record: Record) -> int:
    for length in range(1, 100):
        record.add(0.0, failed=True)
        if record.looks_dead():
            return length
    raise AssertionError("never")


@pytest.mark.parametrize(
    ("rate", "shortest", "longest"), [(0.0, 3, 3), (0.1, 3, 4), (0.2, 4, 5), (0.3, 5, 7)]
)
def test_a_row_must_be_longer_the_more_often_a_deployment_fails(rate, shortest, longest):
    """As improbable at its own rate as three in a row are at one in ten."""
    assert shortest <= row_until_dead(after(rate)) <= longest


@pytest.mark.parametrize("consecutive", [1, 3, 8])
def test_a_deployment_nobody_knows_is_dead_after_as_many_as_the_policy_says(consecutive):
    """At a cold start, too."""
    record = Record(BreakerPolicy(consecutive=consecutive))

    assert row_until_dead(record) == consecutive


def test_an_outage_does_not_become_a_habit():
    """The row that opened the circuit is no sign of how the deployment is when it is well."""
    record = after(0.0)
    for _ in range(50):
        record.add(0.0, failed=True)

    record.clear()

    assert record.usual_rate < 0.02
    assert row_until_dead(record) == 3


def test_a_habit_is_forgotten_when_it_is_given_up():
    """Hundreds of answers later it counts as one that usually answers."""
    record = after(0.3)
    for _ in range(500):
        record.add(0.0, failed=False)

    assert row_until_dead(record) == 3


def test_no_share_is_believed_of_few_attempts():
    """Half of nineteen is a bad day, half of twenty is an illness."""
    record = Record(BreakerPolicy(consecutive=99))
    for index in range(19):
        record.add(0.0, failed=index % 2 == 0)
    assert not record.looks_ill()

    record.add(0.0, failed=True)

    assert record.looks_ill()
