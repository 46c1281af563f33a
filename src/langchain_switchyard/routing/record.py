"""The record of one deployment: what its circuit has seen, and what may be concluded from it.

Two questions. *Is it dead?* A row of failures says so if it is too long for chance, and how long
that is depends on how often the deployment fails when it is well: three in a row prove much of one
that never fails, and nothing of one that fails every third time. *Is it ill?* The share of failures
in a sliding window says so, once there are enough attempts to believe a share.
"""

from __future__ import annotations

import math
from collections import deque

from langchain_switchyard.routing.circuit_policy import BreakerPolicy

_EXPECTED = 0.1
"""Share of failures that is expected of a deployment nobody knows; nobody is thought better of."""

_EXPECTED_FROM = 10
"""How many attempts that expectation weighs as much as."""

_REMEMBERED = 100
"""Attempts over which the usual share of failures fades."""

_WORST = 0.9
"""No deployment is thought to be worse than this: its row would never be long enough."""


class Record:
    """What one circuit has seen. Not locked: the circuit's own lock guards it.

    Args:
        policy: When a circuit opens.
    """

    def __init__(self, policy: BreakerPolicy) -> None:
        """Nothing seen yet."""
        self._policy = policy
        self._window: deque[tuple[float, bool, bool]] = deque()
        self._failed = 0
        self._slow = 0
        self._row = 0
        self._usual_failed = 0.0
        self._usual_seen = 0.0

    @property
    def usual_rate(self) -> float:
        """Share of failures while it is not dead: rows that opened the circuit do not count."""
        expected = _EXPECTED * _EXPECTED_FROM
        return (self._usual_failed + expected) / (self._usual_seen + _EXPECTED_FROM)

    def add(self, now: float, *, failed: bool, slow: bool = False) -> None:
        """One more attempt has been made."""
        self._window.append((now, failed, slow))
        self._failed += failed
        self._slow += slow
        limits = self._policy.window
        oldest = now - limits.seconds
        while len(self._window) > limits.calls or self._window[0][0] < oldest:
            _, was_failed, was_slow = self._window.popleft()
            self._failed -= was_failed
            self._slow -= was_slow
        if failed:
            self._row += 1
            return
        # A success proves that the row before it was chance: only now is it a habit.
        fades = (1 - 1 / _REMEMBERED) ** (self._row + 1)
        self._usual_failed = self._usual_failed * fades + self._row
        self._usual_seen = self._usual_seen * fades + self._row + 1
        self._row = 0

    def clear(self) -> None:
        """Begin anew; only what is usual is still known."""
        self._window.clear()
        self._failed = self._slow = self._row = 0

    def looks_dead(self) -> bool:
        """Whether the present row of failures is too long for chance."""
        if self._row < self._policy.consecutive:
            return False
        rate = min(max(self.usual_rate, _EXPECTED), _WORST)
        # rate ** row <= _EXPECTED ** consecutive, without underflow.
        return self._row * math.log(1 / rate) >= self._policy.consecutive * math.log(1 / _EXPECTED)

    def looks_ill(self) -> bool:
        """Whether too large a share of the window failed, or was slow."""
        policy, seen = self._policy, len(self._window)
        if seen < policy.window.minimum:
            return False
        too_slow = policy.slow is not None and self._slow >= policy.slow.rate * seen
        return too_slow or self._failed >= policy.failure_rate * seen
