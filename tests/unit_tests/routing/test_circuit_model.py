"""The circuit beside a model that is slow, plain and obviously right: they agree at every step."""

from __future__ import annotations

import math
import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from langchain_switchyard.routing.circuit import Breaker, BreakerPolicy, BreakerState, Permit
from langchain_switchyard.routing.failures import Outcome

NO_JITTER = random.Random()
NO_JITTER.uniform = lambda _low, _high: 1.0  # type: ignore[method-assign]


class Model:
    """The rules of the breaker's documentation, written down from its whole history."""

    def __init__(self) -> None:
        self.state, self.until, self.length, self.doublings = BreakerState.CLOSED, 0.0, 0.0, -1
        self.closed_since = 0.0
        self.habits: list[bool] = []
        self.phase: list[tuple[float, bool]] = []
        self.generation = self.credit = 0

    def usual(self) -> float:
        weights = [0.99**age for age in range(len(self.habits))][::-1]
        failed = sum(w for w, was in zip(weights, self.habits, strict=True) if was)
        return (failed + 1) / (sum(weights) + 10)

    def row(self) -> int:
        return next((i for i, (_, bad) in enumerate(self.phase[::-1]) if not bad), len(self.phase))

    def looks_dead(self) -> bool:
        chance = min(max(self.usual(), 0.1), 0.9)
        longest = next(n for n in range(1, 99) if n * math.log(chance) <= 3 * math.log(0.1) + 1e-9)
        return self.row() >= max(3, longest)

    def settle(self, permit: Permit, outcome: Outcome, now: float) -> None:
        if permit.is_last_resort:
            if outcome is not Outcome.FAILURE:
                self.credit = 20 if outcome is Outcome.SUCCESS else min(20, self.credit + 1)
        elif outcome is not Outcome.IGNORED and permit.generation == self.generation:
            self.learn(now, failed=outcome is Outcome.FAILURE)
            closed = self.state is BreakerState.CLOSED
            (self.judge_closed if closed else self.judge_probes)(now)

    def learn(self, now: float, *, failed: bool) -> None:
        if not failed:
            # A row that a success has ended was chance, and so a habit; weights of a batch are one.
            row = self.row()
            self.habits += [True] * row + [False]
        self.phase.append((now, failed))

    def judge_closed(self, now: float) -> None:
        window = [failed for then, failed in self.phase if then >= now - 30][-100:]
        is_ill = len(window) >= 20 and sum(window) >= 0.5 * len(window)
        if self.looks_dead() or is_ill:
            self.credit = 0 if self.looks_dead() else 20
            proven = now - self.closed_since > 10 * self.length
            self.doublings = 0 if proven else self.doublings + 1
            self.open(now)

    def judge_probes(self, now: float) -> None:
        failed = sum(bad for _, bad in self.phase)
        passed = len(self.phase) - failed
        self.credit = self.credit if self.phase[-1][1] else 20
        if not passed:
            self.doublings += 1
            self.open(now)
        elif self.looks_dead() or (failed >= 4 and failed >= passed):
            self.open(now)
        elif passed >= 4 and passed > failed:
            self.closed_since = now
            self.enter(BreakerState.CLOSED)

    def open(self, now: float, seconds: float | None = None) -> None:
        if seconds is None:
            seconds = self.length = min(2.0 ** max(self.doublings, 0), 15.0)
        self.enter(BreakerState.OPEN)
        self.until = max(self.until, now + seconds)

    def enter(self, state: BreakerState) -> None:
        self.state, self.phase, self.generation = state, [], self.generation + 1


class BreakerBesideModel(RuleBasedStateMachine):
    """Any order of acquiring, settling and waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.circuit = Breaker(BreakerPolicy(), NO_JITTER)
        self.model = Model()
        self.out: list[Permit] = []

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds):
        self.now += seconds

    @rule(last_resort=st.booleans())
    def acquire(self, last_resort):
        before, credit = self.circuit.state(self.now), self.model.credit
        permit = self.circuit.acquire(self.now, last_resort=last_resort)
        if before is BreakerState.CLOSED:
            assert permit is not None
            assert not permit.is_probe
        if before is BreakerState.OPEN:
            assert (permit is not None) == (last_resort and credit > 0)
        if permit is None:
            return
        if permit.half_opened:
            self.model.enter(BreakerState.HALF_OPEN)
        self.model.credit -= permit.is_last_resort
        self.out.append(permit)

    @precondition(lambda self: self.out)
    @rule(outcome=st.sampled_from(list(Outcome)), data=st.data())
    def settle(self, outcome, data):
        permit = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.circuit.settle(permit, outcome, self.now)
        self.model.settle(permit, outcome, self.now)

    @rule(outcomes=st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.FAILURE]), max_size=40))
    def many_attempts(self, outcomes):
        for outcome in outcomes:
            self.acquire(last_resort=False)
            if self.out:
                permit = self.out.pop()
                self.circuit.settle(permit, outcome, self.now)
                self.model.settle(permit, outcome, self.now)

    @precondition(lambda self: self.out)
    @rule(seconds=st.floats(0, 100))
    def refuse_for(self, seconds):
        was_open = self.circuit.state(self.now) is BreakerState.OPEN
        ready = self.circuit.ready_at(self.now) if was_open else self.now
        self.circuit.settle(self.out.pop(), Outcome.FAILURE, self.now, open_for=seconds)
        self.model.credit = 0
        self.model.open(self.now, seconds)
        assert self.circuit.ready_at(self.now) >= max(ready, self.now + seconds)

    @invariant()
    def both_stand_alike(self):
        assert self.circuit._state is self.model.state
        assert self.circuit._open_until == self.model.until
        assert self.circuit._credit == self.model.credit >= 0

    @invariant()
    def few_probes_are_out(self):
        assert len(self.circuit._probes) <= 4**self.circuit._recovered

    @invariant()
    def ready_and_acquire_agree(self):
        if self.circuit.ready_at(self.now) > self.now:
            assert self.circuit.acquire(self.now) is None


TestBreakerBesideModel = BreakerBesideModel.TestCase
TestBreakerBesideModel.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
