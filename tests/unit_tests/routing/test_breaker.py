"""The layer between an attempt and its deployment's circuit."""

from __future__ import annotations

import logging

import pytest

from langchain_switchyard.routing.breaker import breaker
from langchain_switchyard.routing.call import Attempt, Reply
from langchain_switchyard.routing.effects import Sleep, Steps
from langchain_switchyard.routing.events import Audience, BreakerChanged, Event
from langchain_switchyard.routing.failures import Failure, Kind, Outcome
from langchain_switchyard.routing.layer import Refused
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.routing.fleet import call, shut, state


def attempt_over(*outcomes: Outcome, heard: list[Event] | None = None) -> Attempt:
    """An attempt whose deployment has just had these outcomes."""
    one = Attempt(call(), state("a"), number=1)
    audience = Audience([] if heard is None else [heard.append])
    for outcome in outcomes:
        one.outcome = outcome
        failed = outcome is Outcome.FAILURE
        one.failure = Failure(Kind.OVERLOADED, Exception("busy")) if failed else None
        with pytest.raises(StopIteration):
            next(breaker(audience, FakeClock())(_answer)(one))
    return one


def _answer(attempt: Attempt) -> Steps[Reply]:
    return Reply(attempt)
    yield Sleep(0)


def test_an_open_circuit_lets_nothing_through(caplog):
    """And says in the log why it has opened."""
    with caplog.at_level(logging.WARNING):
        one = attempt_over(*[Outcome.FAILURE] * 3)

    with pytest.raises(Refused):
        next(breaker(Audience([]), FakeClock())(_answer)(one))
    assert "breaker closed -> open: overloaded" in caplog.text


def test_a_change_is_told_to_the_audience():
    """With the attempt that brought it about."""
    heard: list[Event] = []
    attempt_over(*[Outcome.FAILURE] * 3, heard=heard)

    (event,) = heard
    assert isinstance(event, BreakerChanged)
    assert (event.deployment, event.before, event.after) == ("a", "closed", "open")
    assert event.attempt is not None
    assert event.attempt.failure is not None


def test_the_first_probe_tells_that_the_circuit_is_half_open():
    """Once, not with every probe."""
    heard: list[Event] = []
    one = Attempt(call(), state("a"), number=1)
    shut(one.state, 0.0)
    clock = FakeClock()
    clock.advance(60)
    for _ in range(2):
        one.outcome = Outcome.SUCCESS
        with pytest.raises(StopIteration):
            next(breaker(Audience([heard.append]), clock)(_answer)(one))

    changes = [(event.before, event.after) for event in heard]
    assert changes == [("open", "half_open")]


def test_a_closed_generator_gives_its_permit_back_as_ignored():
    """Cancellation is nobody's failure."""
    one = Attempt(call(), state("a"), number=1)
    shut(one.state, 0.0)

    def waiting(_attempt: Attempt) -> Steps[Reply]:
        yield Sleep(1)
        raise AssertionError

    for _ in range(5):
        steps = breaker(Audience([]), FakeClock())(waiting)(one)
        next(steps)
        steps.close()

    assert one.state.breaker.state(0) == "half_open"
    assert one.state.breaker.acquire(0) is not None
