"""Time and chance, injected: nothing in `routing` asks the operating system by itself."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """What the pipeline needs to know of time. All values are seconds."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean something."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, to read dates that servers send."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Suspend the calling task."""
        ...


class SystemClock:
    """The machine's own time."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    sleep = staticmethod(time.sleep)

    async def asleep(self, seconds: float) -> None:
        """Suspend the calling task."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class World:
    """What the pipeline takes from outside itself: time and chance.

    Tests and rehearsals give their own: `World(clock=FakeClock(), random=Random(7).random)`.
    """

    clock: Clock = field(default_factory=SystemClock)
    """Tells the time and sleeps."""

    random: random.Random = field(default_factory=random.Random)
    """Draws jitter and balances load."""
