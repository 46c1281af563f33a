"""The circuit of one deployment: leave it alone while it fails, find out cheaply when it is back.

States: *closed* (asked), *open* (not asked until an instant), *half_open* (a few probes at a time),
*isolated* (shut by hand; time does not matter). Three outcomes: success, failure, ignored. A permit
carries the generation it was given in, so a straggler from before an opening cannot close the
circuit, and a cancelled probe frees its place without counting as recovery.

What the outcomes mean is concluded in `record.py`; what an owner may set is in `circuit_policy.py`.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from enum import StrEnum

from langchain_switchyard.routing.circuit_policy import BreakerPolicy, Opening, SlowCalls, Window
from langchain_switchyard.routing.failures import Outcome
from langchain_switchyard.routing.record import Record

__all__ = ["Breaker", "BreakerPolicy", "BreakerState", "Opening", "Permit", "SlowCalls", "Window"]

NEVER = float("inf")

_GLANCE = 0.1
"""Seconds after which it is worth asking again whether a busy half-open circuit has a place."""

_PROVEN = 10
"""Times its last opening that a circuit must stay closed for the next one to be short again."""


class BreakerState(StrEnum):
    """Where the circuit stands."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"
    ISOLATED = "isolated"


@dataclass(slots=True, eq=False)
class Permit:
    """Leave to make one attempt; settled exactly once."""

    generation: int
    is_probe: bool
    expires: float
    half_opened: bool = False
    """Whether giving it moved the circuit from open to half_open."""
    is_last_resort: bool = False
    """Whether it passes a shut circuit because there is nobody else to ask."""


class Breaker:
    """The circuit of one deployment. All methods are safe to call from any thread.

    Args:
        policy: When it opens and closes.
        rng: Draws the jitter of its opening time.
    """

    def __init__(self, policy: BreakerPolicy, rng: random.Random) -> None:
        """Start closed, with an empty window."""
        self._policy = policy
        self._rng = rng
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._generation = 0
        self._open_until = 0.0
        self._doublings = -1
        self._length = 0.0
        self._closed_since = 0.0
        self._record = Record(policy)
        self._recovered = 0
        self._relapsed = 0
        self._probes: set[Permit] = set()
        self._credit = 0

    def state(self, now: float) -> BreakerState:
        """Where the circuit stands at this instant."""
        with self._lock:
            if self._state is BreakerState.OPEN and now >= self._open_until:
                return BreakerState.HALF_OPEN
            return self._state

    def ready_at(self, now: float) -> float:
        """The instant from which an attempt would be let through; `now` or before: at once."""
        with self._lock:
            if self._state is BreakerState.CLOSED:
                return now
            if self._state is BreakerState.ISOLATED:
                return NEVER
            if self._state is BreakerState.OPEN:
                return max(now, self._open_until)
            return self._next_probe_locked(now)

    def passes_last_resort(self) -> bool:
        """Whether an attempt would be let through if there were nobody else to ask."""
        with self._lock:
            return self._credit > 0 and self._is_shut_locked()

    def acquire(self, now: float, *, last_resort: bool = False) -> Permit | None:
        """A permit for one attempt, or None if the circuit lets nobody through now.

        Args:
            now: Clock instant.
            last_resort: There is nobody else to ask: pass a shut circuit on its credit.
        """
        with self._lock:
            if self._state is BreakerState.CLOSED:
                return Permit(self._generation, is_probe=False, expires=NEVER)
            is_first = self._state is BreakerState.OPEN and now >= self._open_until
            if is_first:
                self._enter_locked(BreakerState.HALF_OPEN)
            if self._state is not BreakerState.HALF_OPEN or self._next_probe_locked(now) > now:
                return self._on_credit_locked() if last_resort else None
            expires = now + self._policy.opening.probe_lease
            probe = Permit(self._generation, is_probe=True, expires=expires, half_opened=is_first)
            self._probes.add(probe)
            return probe

    def settle(
        self,
        permit: Permit,
        outcome: Outcome,
        now: float,
        *,
        elapsed: float = 0.0,
        open_for: float | None = None,
    ) -> tuple[BreakerState, BreakerState]:
        """Take a permit back with what became of its attempt.

        Args:
            permit: What `acquire` gave; a second settling changes nothing.
            outcome: Success, failure, or ignored (cancelled, the caller's fault).
            now: Clock instant.
            elapsed: Seconds the attempt took, to judge slow calls.
            open_for: Seconds to open at once, whatever the window says (a refused key).

        Returns:
            The circuit's state before and after.
        """
        with self._lock:
            before = self._state
            self._probes.discard(permit)
            failed = outcome is Outcome.FAILURE
            if failed and open_for is not None:
                self._credit = 0
                self._open_locked(now, open_for)
            elif permit.is_last_resort:
                self._repay_locked(outcome)
            elif outcome is Outcome.IGNORED or permit.generation != self._generation:
                pass  # Nobody's doing; or a straggler that tells of a time before the last change.
            elif permit.is_probe:
                self._settle_probe_locked(now, failed=failed or self._is_slow(elapsed))
            else:
                self._settle_usual_locked(now, failed=failed, slow=self._is_slow(elapsed))
            return before, self._state

    def isolate(self) -> BreakerState:
        """Shut by hand, until `restore`; returns the state before."""
        with self._lock:
            before = self._state
            self._enter_locked(BreakerState.ISOLATED)
            return before

    def restore(self) -> BreakerState:
        """Close by hand, with a clean window; returns the state before."""
        with self._lock:
            before = self._state
            self._doublings = -1
            self._open_until = 0.0
            self._enter_locked(BreakerState.CLOSED)
            return before

    def _is_slow(self, elapsed: float) -> bool:
        slow = self._policy.slow
        return slow is not None and elapsed >= slow.after

    def _settle_usual_locked(self, now: float, *, failed: bool, slow: bool) -> None:
        record = self._record
        record.add(now, failed=failed, slow=slow)
        looks_dead = record.looks_dead()
        if not (looks_dead or record.looks_ill()):
            return
        # Who still answers now and then is better than nobody; who answers nothing is not.
        self._credit = 0 if looks_dead else self._policy.opening.last_resort
        is_proven = now - self._closed_since > _PROVEN * self._length
        self._doublings = 0 if is_proven else self._doublings + 1
        self._open_locked(now, None)

    def _settle_probe_locked(self, now: float, *, failed: bool) -> None:
        """Judge all probes since the circuit is half open as closed circuits are judged."""
        self._record.add(now, failed=failed)
        if failed:
            self._relapsed += 1
        else:
            self._recovered += 1
            self._credit = self._policy.opening.last_resort
        opening = self._policy.opening
        is_ill = self._relapsed >= self._policy.failure_rate * (self._recovered + self._relapsed)
        if not self._recovered:
            self._doublings += 1
            self._open_locked(now, None)
        elif self._record.looks_dead() or (is_ill and self._relapsed >= opening.successes):
            self._open_locked(now, None)
        elif self._recovered >= opening.successes and not is_ill:
            self._closed_since = now
            self._enter_locked(BreakerState.CLOSED)

    def _open_locked(self, now: float, seconds: float | None) -> None:
        if self._state is BreakerState.ISOLATED:
            return
        opening = self._policy.opening
        if seconds is None:
            # 2**30 is far beyond any longest opening; unbounded powers overflow a float.
            doubled = 2.0 ** min(max(self._doublings, 0), 30)
            seconds = min(opening.first * doubled, opening.longest) * self._rng.uniform(0.8, 1.2)
            self._length = seconds
        self._enter_locked(BreakerState.OPEN)
        self._open_until = max(self._open_until, now + seconds)

    def _enter_locked(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        self._recovered = self._relapsed = 0
        self._record.clear()
        self._probes.clear()

    def _is_shut_locked(self) -> bool:
        return self._state in (BreakerState.OPEN, BreakerState.HALF_OPEN)

    def _on_credit_locked(self) -> Permit | None:
        if self._credit < 1 or not self._is_shut_locked():
            return None
        self._credit -= 1
        return Permit(self._generation, is_probe=False, expires=NEVER, is_last_resort=True)

    def _repay_locked(self, outcome: Outcome) -> None:
        allowed = self._policy.opening.last_resort
        if outcome is Outcome.SUCCESS:
            self._credit = allowed
        elif outcome is Outcome.IGNORED:
            self._credit = min(self._credit + 1, allowed)

    def _next_probe_locked(self, now: float) -> float:
        expired = {probe for probe in self._probes if probe.expires <= now}
        self._probes -= expired
        allowed = 4 ** max(0, self._recovered - self._relapsed)
        if len(self._probes) < allowed:
            return now
        return min(now + _GLANCE, *(probe.expires for probe in self._probes))
