"""A clock that only moves when told, for tests that must never wait."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from langchain_switchyard.testing.virtual_loop import VirtualLoop

T = TypeVar("T")

NEW_YEAR_2026 = 1_767_225_600.0
"""Default epoch of a fake clock: 2026-01-01T00:00:00Z."""


class FakeClock:
    """Time that stands still until somebody advances it; sleeping advances it at once.

    Usable wherever a clock with `now`, `wall`, `sleep` and `asleep` is expected. Thread-safe.

    ```python
    clock = FakeClock()
    clock.sleep(3)  # returns immediately
    assert clock.now() == 3.0
    assert clock.slept == [3]


    async def patient() -> str:
        await asyncio.sleep(3600)
        return "an hour later"


    assert clock.run(patient()) == "an hour later"  # in microseconds
    ```

    Args:
        start: First value of `now()`, seconds.
        epoch: First value of `wall()`, seconds since 1970.
    """

    def __init__(self, start: float = 0.0, *, epoch: float = NEW_YEAR_2026) -> None:
        """Stop the time at `start`."""
        self._start = start
        self._now = start
        self._epoch = epoch
        self._slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now

    def wall(self) -> float:
        """Seconds since the epoch, moving in step with `now()`."""
        return self._epoch + self._now - self._start

    @property
    def slept(self) -> list[float]:
        """Every sleep asked for so far, in seconds, in order (a copy)."""
        with self._lock:
            return list(self._slept)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Args:
            seconds: How much; never negative.

        Raises:
            ValueError: `seconds` is negative or not a number.
        """
        if not seconds >= 0:
            raise ValueError(f"time cannot move by {seconds!r} seconds; give a number >= 0")
        with self._lock:
            before = self._now
            self._now += seconds
            if seconds > 0 and self._now == before:
                # Too small for a float this large: still move, or a loop would spin forever.
                self._now = math.nextafter(before, math.inf)

    def sleep(self, seconds: float) -> None:
        """Advance by `seconds` and return at once.

        Raises:
            ValueError: `seconds` is negative, as with `time.sleep`.
        """
        self.advance(seconds)
        self._remember(seconds)

    async def asleep(self, seconds: float) -> None:
        """Advance by `seconds`, letting other tasks run once.

        Inside `run` the sleep is a timer of the virtual loop, so that sleeps of several tasks
        overlap as they would in real life.
        """
        self._remember(seconds)
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualLoop) and loop.clock is self:
            await asyncio.sleep(seconds)
            return
        self.advance(max(seconds, 0.0))
        await asyncio.sleep(0)

    def run(self, coro: Coroutine[Any, Any, T], *, patience: float = 5.0) -> T:
        """Run a coroutine in virtual time: timers fire in order, at once.

        Args:
            coro: What to run, on a fresh event loop in this thread.
            patience: Real seconds granted to threads and sockets when nothing else can happen.

        Returns:
            The coroutine's result.

        Raises:
            Deadlock: Every task waits for something that can no longer happen.
            RuntimeError: Called from inside a running event loop.
        """
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(self, patience)) as runner:
            return runner.run(coro)

    def _remember(self, seconds: float) -> None:
        with self._lock:
            self._slept.append(seconds)

    def __repr__(self) -> str:
        """Tell the time."""
        return f"FakeClock(now={self._now:g})"
