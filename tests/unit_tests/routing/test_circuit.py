"""The circuit of one deployment: three outcomes, four states, permits with generations."""

from __future__ import annotations

import random

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.circuit import (
    Breaker,
    BreakerPolicy,
    BreakerState,
    Opening,
    SlowCalls,
    Window,
)
from langchain_switchyard.routing.failures import Outcome

SUCCESS, FAILURE, IGNORED = Outcome.SUCCESS, Outcome.FAILURE, Outcome.IGNORED
NO_JITTER = random.Random()
NO_JITTER.uniform = lambda _low, _high: 1.0  # type: ignore[method-assign]


def breaker(**policy: object) -> Breaker:
    return Breaker(BreakerPolicy(**policy), NO_JITTER)  # type: ignore[arg-type]


def attempt(circuit: Breaker, now: float, outcome: Outcome, elapsed: float = 0.0) -> bool:
    permit = circuit.acquire(now)
    if permit is None:
        return False
    circuit.settle(permit, outcome, now, elapsed=elapsed)
    return True


def opened(circuit: Breaker, now: float = 0.0) -> Breaker:
    for _ in range(3):
        attempt(circuit, now, FAILURE)
    return circuit


def test_failures_in_a_row_open_the_circuit():
    """Three in a row are enough, whatever the window's minimum says."""
    circuit = breaker(consecutive=3)

    attempt(circuit, 0, FAILURE)
    attempt(circuit, 0, FAILURE)

    assert circuit.state(0) is BreakerState.CLOSED
    attempt(circuit, 0, FAILURE)
    assert circuit.state(0) is BreakerState.OPEN
    assert circuit.acquire(0.5) is None


def test_a_success_breaks_the_row():
    """Only failures without a success between them count as in a row."""
    circuit = breaker(consecutive=3, window=Window(minimum=100))

    for outcome in (FAILURE, FAILURE, SUCCESS, FAILURE, FAILURE):
        attempt(circuit, 0, outcome)

    assert circuit.state(0) is BreakerState.CLOSED


def test_failure_rate_opens_only_with_enough_attempts():
    """Half of ten fail: open; half of eight would prove nothing."""
    circuit = breaker(consecutive=99, failure_rate=0.5, window=Window(minimum=10))

    for index in range(9):
        attempt(circuit, 0, FAILURE if index % 2 else SUCCESS)

    assert circuit.state(0) is BreakerState.CLOSED
    attempt(circuit, 0, FAILURE)
    assert circuit.state(0) is BreakerState.OPEN


def test_old_attempts_leave_the_window_by_age_and_by_count():
    """Failures of a minute ago say nothing about now."""
    circuit = breaker(consecutive=99, window=Window(seconds=30, calls=20, minimum=10))
    for index in range(9):
        attempt(circuit, 0, FAILURE if index % 2 else SUCCESS)

    for _ in range(12):
        attempt(circuit, 31, SUCCESS)
    attempt(circuit, 31, FAILURE)

    assert circuit.state(31) is BreakerState.CLOSED


def test_slow_successes_open_the_circuit_when_asked_to_judge_them():
    """An answer that takes too long is not health."""
    circuit = breaker(slow=SlowCalls(after=5, rate=0.8), window=Window(minimum=10))

    for _ in range(10):
        attempt(circuit, 0, SUCCESS, elapsed=6)

    assert circuit.state(0) is BreakerState.OPEN


def test_open_time_doubles_with_every_opening_up_to_the_longest():
    """1, 2, 4, 4 seconds with a longest of 4."""
    circuit = opened(breaker(opening=Opening(first=1, longest=4)))
    now, waits = 0.0, []
    for _ in range(4):
        ready = circuit.ready_at(now)
        waits.append(ready - now)
        now = ready
        attempt(circuit, now, FAILURE)

    assert waits == [1, 2, 4, 4]


def test_half_open_lets_one_probe_through_then_four():
    """A healed deployment is not hit by everyone at once."""
    circuit = opened(breaker())
    first = circuit.acquire(1.5)

    assert first is not None
    assert first.is_probe
    assert circuit.acquire(1.5) is None
    circuit.settle(first, SUCCESS, 1.6)
    assert [circuit.acquire(1.6) is not None for _ in range(5)] == [True] * 4 + [False]


def test_enough_successful_probes_close_the_circuit():
    """Four by default."""
    circuit = opened(breaker())

    for _ in range(4):
        assert attempt(circuit, 2, SUCCESS)

    assert circuit.state(2) is BreakerState.CLOSED


def test_one_failed_probe_among_successes_does_not_open_the_circuit_again():
    """Probes are judged as a closed circuit is: one failure in five is no illness."""
    circuit = opened(breaker())

    for outcome in (SUCCESS, FAILURE, SUCCESS, SUCCESS, SUCCESS):
        assert attempt(circuit, 2, outcome)

    assert circuit.state(2) is BreakerState.CLOSED


def test_a_row_of_failed_probes_opens_the_circuit_again_after_a_lucky_one():
    """One success does not buy a deployment that is still dead four more failures."""
    circuit = opened(breaker())

    for outcome in (SUCCESS, FAILURE, FAILURE, FAILURE):
        assert attempt(circuit, 2, outcome)

    assert circuit.state(2) is BreakerState.OPEN


def test_probes_that_fail_more_often_than_not_open_the_circuit_again():
    """The same share as in the window, once as many failed as would have had to succeed."""
    circuit = opened(breaker())

    for outcome in (SUCCESS, FAILURE, FAILURE) * 2:
        assert attempt(circuit, 2, outcome)

    assert circuit.state(2) is BreakerState.OPEN


def test_failed_probes_leave_fewer_places_for_others():
    """After one success four may run, and after a failure among them one at a time again."""
    circuit = opened(breaker())
    attempt(circuit, 2, SUCCESS)
    attempt(circuit, 2, FAILURE)

    assert circuit.acquire(2) is not None
    assert circuit.acquire(2) is None


def test_open_time_does_not_grow_after_probes_that_succeeded():
    """Who answers now and then is asked again soon."""
    circuit = opened(breaker(opening=Opening(first=1, longest=8)))
    for outcome in (SUCCESS, FAILURE, FAILURE, FAILURE):
        attempt(circuit, 1, outcome)

    assert circuit.ready_at(1) == 2


@pytest.mark.parametrize(("seconds", "opening"), [(9, 2), (11, 1)])
def test_open_time_is_short_again_after_ten_times_as_long_in_health(seconds, opening):
    """An opening forgets the last one by having been closed, not by the calendar."""
    circuit = opened(breaker(opening=Opening(first=1)))
    for _ in range(4):
        attempt(circuit, 1, SUCCESS)
    now = 1 + seconds

    opened(circuit, now)

    assert circuit.ready_at(now) - now == opening


def test_a_deployment_known_to_fail_now_and_then_needs_a_longer_row():
    """Three failures in a row are nothing new from one that fails every third time."""
    circuit = breaker()
    for _ in range(30):
        for outcome in (FAILURE, SUCCESS, SUCCESS):
            attempt(circuit, 0, outcome)

    for _ in range(5):
        attempt(circuit, 0, FAILURE)

    assert circuit.state(0) is BreakerState.CLOSED
    attempt(circuit, 0, FAILURE)
    assert circuit.state(0) is BreakerState.OPEN


def ill(circuit: Breaker) -> Breaker:
    """Open for the share of failures, not for a row of them."""
    while circuit.state(0) is BreakerState.CLOSED:
        attempt(circuit, 0, SUCCESS)
        attempt(circuit, 0, FAILURE)
    return circuit


def test_a_circuit_opened_by_its_rate_is_passed_where_there_is_nobody_else():
    """Every second attempt succeeds: better than none."""
    circuit = ill(breaker())

    assert circuit.acquire(0.1) is None
    assert circuit.passes_last_resort()
    permit = circuit.acquire(0.1, last_resort=True)
    assert permit is not None
    assert not permit.is_probe


def test_a_circuit_opened_by_a_row_is_not_passed_before_something_has_succeeded():
    """Whoever seems dead is left alone, whoever asks."""
    circuit = opened(breaker())

    assert not circuit.passes_last_resort()
    assert circuit.acquire(0.1, last_resort=True) is None
    attempt(circuit, 1, SUCCESS)
    assert circuit.passes_last_resort()


def test_so_many_failures_of_last_resort_end_it():
    """And one success begins it anew."""
    circuit = ill(breaker(opening=Opening(last_resort=3)))
    for _ in range(3):
        permit = circuit.acquire(0.1, last_resort=True)
        assert permit is not None
        circuit.settle(permit, FAILURE, 0.1)
    assert circuit.acquire(0.1, last_resort=True) is None

    circuit.settle(permit, SUCCESS, 0.1)

    assert circuit.passes_last_resort()
    assert circuit.state(0.1) is BreakerState.OPEN


def test_a_cancelled_attempt_of_last_resort_costs_nothing():
    """It proved nothing."""
    circuit = ill(breaker(opening=Opening(last_resort=1)))
    for _ in range(5):
        permit = circuit.acquire(0.1, last_resort=True)
        assert permit is not None
        circuit.settle(permit, IGNORED, 0.1)


@pytest.mark.parametrize("shut", ["key", "hand"])
def test_a_refused_key_and_a_hand_are_never_passed(shut):
    """The first would fail again, the second is an order."""
    circuit = ill(breaker())
    permit = circuit.acquire(0, last_resort=True)
    assert permit is not None
    if shut == "key":
        circuit.settle(permit, FAILURE, 0, open_for=300)
    else:
        circuit.isolate()

    assert not circuit.passes_last_resort()
    assert circuit.acquire(1, last_resort=True) is None


def test_failed_probe_opens_the_circuit_again():
    """And for longer."""
    circuit = opened(breaker())

    attempt(circuit, 2, FAILURE)

    assert circuit.state(2) is BreakerState.OPEN
    assert circuit.ready_at(2) == 4


def test_cancelled_probe_does_not_close_the_circuit_and_frees_its_place():
    """A cancelled call says nothing about health."""
    circuit = opened(breaker())

    for _ in range(20):
        assert attempt(circuit, 2, IGNORED)

    assert circuit.state(2) is BreakerState.HALF_OPEN


def test_success_begun_before_the_break_does_not_close_the_circuit():
    """A straggler tells of a time that is over."""
    circuit = breaker()
    straggler = circuit.acquire(0)
    opened(circuit)
    assert straggler is not None

    circuit.settle(straggler, SUCCESS, 1.5)

    assert circuit.state(0.5) is BreakerState.OPEN


def test_stragglers_do_not_fill_the_half_open_window():
    """Failures of calls begun before the opening leave the probes alone."""
    circuit = breaker()
    stragglers = [circuit.acquire(0) for _ in range(5)]
    opened(circuit)
    probe = circuit.acquire(1.5)

    for straggler in stragglers:
        assert straggler is not None
        circuit.settle(straggler, FAILURE, 1.6)

    assert circuit.state(1.6) is BreakerState.HALF_OPEN
    assert probe is not None


def test_settling_twice_changes_nothing():
    """A permit is worth one outcome."""
    circuit = opened(breaker())
    probe = circuit.acquire(2)
    assert probe is not None
    circuit.settle(probe, FAILURE, 2)

    circuit.settle(probe, SUCCESS, 2)

    assert circuit.state(2) is BreakerState.OPEN


def test_lost_probe_gives_its_place_up_after_its_lease():
    """A probe that never comes back must not keep the circuit half-open for ever."""
    circuit = opened(breaker(opening=Opening(probe_lease=30)))
    assert circuit.acquire(2) is not None

    assert circuit.acquire(31) is None
    assert circuit.acquire(32) is not None


def test_open_for_opens_at_once_and_long():
    """A refused key is not worth two more tries."""
    circuit = breaker()
    permit = circuit.acquire(0)
    assert permit is not None

    circuit.settle(permit, FAILURE, 0, open_for=300)

    assert circuit.ready_at(0) == 300


def test_known_deadline_is_never_shortened():
    """The longest known deadline wins."""
    circuit = breaker()
    first, second = circuit.acquire(0), circuit.acquire(0)
    assert first is not None
    assert second is not None
    circuit.settle(first, FAILURE, 0, open_for=100)

    circuit.settle(second, FAILURE, 0, open_for=50)

    assert circuit.ready_at(0) == 100


def test_slow_probes_do_not_close_a_circuit_that_opened_for_slowness():
    """Slow is what it was shut for."""
    circuit = opened(breaker(slow=SlowCalls(after=5)))

    attempt(circuit, 2, SUCCESS, elapsed=60)

    assert circuit.state(2) is BreakerState.OPEN


def test_isolated_ignores_time_until_restored():
    """By hand means by hand."""
    circuit = breaker()
    circuit.isolate()

    assert circuit.ready_at(1e9) == float("inf")
    assert circuit.acquire(1e9) is None
    assert circuit.state(10) is BreakerState.ISOLATED
    circuit.restore()
    assert circuit.acquire(0) is not None


def test_settle_tells_the_change_of_state():
    """Observers hear of openings from the attempt that caused them."""
    circuit = breaker(consecutive=1)
    permit = circuit.acquire(0)
    assert permit is not None

    assert circuit.settle(permit, FAILURE, 0) == (BreakerState.CLOSED, BreakerState.OPEN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"consecutive": 0},
        {"consecutive": "3"},
        {"failure_rate": 0.0},
        {"failure_rate": 1.5},
        {"failure_rate": float("nan")},
    ],
)
def test_policy_refuses_what_could_not_work(wrong):
    """Wrong settings are refused when they are made."""
    with pytest.raises(ConfigurationError):
        BreakerPolicy(**wrong)
