"""The circuit of one deployment: leave it alone while it fails, find out cheaply when it is back.

States: *closed* (asked), *open* (not asked until an instant), *half_open* (a few probes at a time),
*isolated* (shut by hand; time does not matter). Three outcomes: success, failure, ignored. A permit
carries the generation it was given in, so a straggler from before an opening cannot close the
circuit, and a cancelled probe frees its place without counting as recovery.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.failures import Outcome

NEVER = float("inf")

_GLANCE = 0.1
"""Seconds after which it is worth asking again whether a busy half-open circuit has a place."""


class BreakerState(StrEnum):
    """Where the circuit stands."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"
    ISOLATED = "isolated"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which past attempts the rates are taken over: the latest, by count and by age."""

    seconds: float = 30.0
    calls: int = 100
    minimum: int = 10
    """With fewer attempts in the window no rate is believed."""


@dataclass(frozen=True, kw_only=True)
class SlowCalls:
    """Successes that took too long count against a deployment, too."""

    after: float
    """Seconds from which an attempt is slow."""
    rate: float = 0.8
    """Share of slow attempts in the window that opens the circuit."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How long a circuit stays open, and what closes it."""

    first: float = 1.0
    """Seconds of the first opening; each further one in a row doubles, ± 20 %."""
    longest: float = 15.0
    """Seconds at most, so that a healed deployment is back soon."""
    successes: int = 4
    """Probes that must succeed to close; 1, then 4, then 16 may run at once."""
    probe_lease: float = 30.0
    """Seconds after which a probe that has not come back no longer holds its place."""


@dataclass(frozen=True, kw_only=True)
class BreakerPolicy:
    """When a deployment is no longer asked, and how it comes back."""

    consecutive: int = 3
    """Failures in a row that open the circuit."""
    failure_rate: float = 0.5
    """Share of failures in the window that opens it."""
    slow: SlowCalls | None = None
    """Judge slow answers, too; None: only failures count."""
    window: Window = field(default_factory=Window)
    opening: Opening = field(default_factory=Opening)

    def __post_init__(self) -> None:
        """Refuse settings under which the breaker could not work."""
        if self.consecutive < 1 or self.opening.successes < 1:
            raise ConfigurationError("BreakerPolicy: consecutive and successes must be 1 or more")
        if not 0 < self.failure_rate <= 1:
            raise ConfigurationError(
                f"BreakerPolicy.failure_rate must be in (0, 1], got {self.failure_rate}"
            )


@dataclass(slots=True, eq=False)
class Permit:
    """Leave to make one attempt; settled exactly once."""

    generation: int
    is_probe: bool
    expires: float
    half_opened: bool = False
    """Whether giving it moved the circuit from open to half_open."""


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
        self._openings = 0
        self._closed_since = 0.0
        self._in_a_row = 0
        self._recovered = 0
        self._probes: set[Permit] = set()
        self._window: deque[tuple[float, bool, bool]] = deque()
        self._failed = 0
        self._slow = 0

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

    def acquire(self, now: float) -> Permit | None:
        """A permit for one attempt, or None if the circuit lets nobody through now."""
        with self._lock:
            if self._state is BreakerState.CLOSED:
                return Permit(self._generation, is_probe=False, expires=NEVER)
            is_first = self._state is BreakerState.OPEN and now >= self._open_until
            if is_first:
                self._enter_locked(BreakerState.HALF_OPEN)
            if self._state is not BreakerState.HALF_OPEN or self._next_probe_locked(now) > now:
                return None
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
                self._open_locked(now, open_for)
            elif outcome is Outcome.IGNORED or permit.generation != self._generation:
                pass  # Nobody's doing; or a straggler that tells of a time before the last change.
            elif permit.is_probe:
                self._settle_probe_locked(now, failed=failed or self._is_slow(elapsed))
            else:
                self._record_locked(now, failed=failed, elapsed=elapsed)
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
            self._openings = 0
            self._open_until = 0.0
            self._enter_locked(BreakerState.CLOSED)
            return before

    def _is_slow(self, elapsed: float) -> bool:
        slow = self._policy.slow
        return slow is not None and elapsed >= slow.after

    def _record_locked(self, now: float, *, failed: bool, elapsed: float) -> None:
        policy = self._policy
        slow = self._is_slow(elapsed)
        self._window.append((now, failed, slow))
        self._failed += failed
        self._slow += slow
        oldest = now - policy.window.seconds
        while len(self._window) > policy.window.calls or self._window[0][0] < oldest:
            _, was_failed, was_slow = self._window.popleft()
            self._failed -= was_failed
            self._slow -= was_slow
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if self._should_open_locked():
            quiet = 10 * policy.opening.longest
            if now - self._closed_since > quiet:
                self._openings = 0
            self._open_locked(now, None)

    def _should_open_locked(self) -> bool:
        policy = self._policy
        if self._in_a_row >= policy.consecutive:
            return True
        seen = len(self._window)
        if seen < policy.window.minimum:
            return False
        too_slow = policy.slow is not None and self._slow >= policy.slow.rate * seen
        return too_slow or self._failed >= policy.failure_rate * seen

    def _settle_probe_locked(self, now: float, *, failed: bool) -> None:
        if failed:
            self._open_locked(now, None)
            return
        self._recovered += 1
        if self._recovered >= self._policy.opening.successes:
            self._closed_since = now
            self._enter_locked(BreakerState.CLOSED)

    def _open_locked(self, now: float, seconds: float | None) -> None:
        if self._state is BreakerState.ISOLATED:
            return
        opening = self._policy.opening
        if seconds is None:
            # 2**30 is far beyond any longest opening; unbounded powers overflow a float.
            grown = min(opening.first * 2.0 ** min(self._openings, 30), opening.longest)
            seconds = grown * self._rng.uniform(0.8, 1.2)
        self._openings += 1
        self._enter_locked(BreakerState.OPEN)
        self._open_until = max(self._open_until, now + seconds)

    def _enter_locked(self, state: BreakerState) -> None:
        self._state = state
        self._generation += 1
        self._in_a_row = self._recovered = self._failed = self._slow = 0
        self._window.clear()
        self._probes.clear()

    def _next_probe_locked(self, now: float) -> float:
        expired = {probe for probe in self._probes if probe.expires <= now}
        self._probes -= expired
        allowed = 4**self._recovered
        if len(self._probes) < allowed:
            return now
        return min(now + _GLANCE, *(probe.expires for probe in self._probes))
