"""The circuit of one deployment: three outcomes, four states, permits with generations."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.circuit import (
    Breaker,
    BreakerPolicy,
    BreakerState,
    Opening,
    Permit,
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
    "wrong", [{"consecutive": 0}, {"failure_rate": 0.0}, {"failure_rate": 1.5}]
)
def test_policy_refuses_what_could_not_work(wrong):
    """Wrong settings are refused when they are made."""
    with pytest.raises(ConfigurationError):
        BreakerPolicy(**wrong)


class BreakerModel(RuleBasedStateMachine):
    """Any order of acquiring, settling and waiting keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.circuit = Breaker(BreakerPolicy(), random.Random(3))
        self.out: list[Permit] = []
        self.open_until = 0.0
        self.recovered = 0

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def acquire(self):
        before = self.circuit.state(self.now)
        permit = self.circuit.acquire(self.now)
        if before is BreakerState.OPEN:
            assert permit is None
        if before is BreakerState.CLOSED:
            assert permit is not None
            assert not permit.is_probe
        if permit is not None:
            self.out.append(permit)

    @precondition(lambda self: self.out)
    @rule(outcome=st.sampled_from(list(Outcome)), data=st.data())
    def settle(self, outcome, data):
        permit = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before = self.circuit.state(self.now)
        self.circuit.settle(permit, outcome, self.now)
        after = self.circuit.state(self.now)
        if outcome is Outcome.IGNORED:
            assert after is before
        if after is BreakerState.CLOSED and before is not BreakerState.CLOSED:
            assert outcome is Outcome.SUCCESS
            assert permit.is_probe

    @precondition(lambda self: self.out)
    @rule(seconds=st.floats(0, 100))
    def refuse_for(self, seconds):
        was_open = self.circuit.state(self.now) is BreakerState.OPEN
        ready = self.circuit.ready_at(self.now) if was_open else self.now
        self.circuit.settle(self.out.pop(), Outcome.FAILURE, self.now, open_for=seconds)
        assert self.circuit.ready_at(self.now) >= max(ready, self.now + seconds)

    @invariant()
    def few_probes_are_out(self):
        assert len(self.circuit._probes) <= 4**self.circuit._recovered
        assert self.circuit._failed >= 0

    @invariant()
    def ready_and_acquire_agree(self):
        if self.circuit.ready_at(self.now) > self.now:
            assert self.circuit.acquire(self.now) is None


TestBreakerModel = BreakerModel.TestCase
TestBreakerModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
