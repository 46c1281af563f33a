"""One timer for a whole request: cancels the await that has lasted too long, and nothing else.

`asyncio.timeout` around every chunk costs several microseconds. Here a chunk costs a few attribute
writes; the timer is re-armed lazily, and when it fires early it looks at what is due now.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from langchain_switchyard.routing.clock import Clock

_NEVER = float("inf")


class Alarm:
    """Watches one await at a time, from whichever task makes it.

    Example:
        `with alarm.until(instant): await something` raises `TimeoutError` when the time passes.
        Time spent outside, in the consumer's code, is never counted.

    Args:
        loop: Where the timer lives.
        clock: What instants are told on.
    """

    __slots__ = (
        "_cancelling", "_clock", "_handle", "_loop", "armed_for", "due", "rang", "task",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        """Start silent."""
        self._loop = loop
        self._clock = clock
        self.task: asyncio.Task[object] | None = None
        """Whose await is watched; None: nobody's."""
        self.due = 0.0
        """When the watched await has lasted too long."""
        self._handle: asyncio.TimerHandle | None = None
        self.armed_for = _NEVER
        """When the timer looks next; later than `due` is too late, and calls for `arm`."""
        self.rang = False
        """Whether it has ended the await, and `end` must be called to say so."""
        self._cancelling = 0

    def until(self, instant: float | None) -> Self:
        """Watch the awaits in the `with` block until then; None: for ever.

        Raises:
            TimeoutError: If the instant has passed already.
        """
        if instant is not None:
            self.begin(instant)
        return self

    def __enter__(self) -> None:
        """Watching began in `until`."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop watching; turn our own cancellation into a `TimeoutError`."""
        self.end(error)

    def begin(self, instant: float) -> None:
        """Watch the await that follows; the relay does this inline, per chunk."""
        self.due = instant
        self.task = asyncio.current_task(self._loop)
        if instant < self.armed_for:
            self.arm()

    def end(self, error: BaseException | None = None) -> None:
        """The await is over, with that error.

        Raises:
            TimeoutError: If it was ended by this alarm.
        """
        task, self.task = self.task, None
        if not self.rang or task is None:
            return
        self.rang = False
        if task.uncancel() > self._cancelling and isinstance(error, asyncio.CancelledError):
            return  # Cancelled from outside at the same time: that one must go on.
        raise TimeoutError("the provider was silent for too long") from error

    def close(self) -> None:
        """Stop watching for good."""
        self.armed_for = _NEVER
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def arm(self) -> None:
        """Set the timer to `due`.

        Raises:
            TimeoutError: If that has passed already.
        """
        seconds = self.due - self._clock.now()
        if seconds <= 0:
            self.task = None
            raise TimeoutError("no time was left")
        self.close()
        self.armed_for = self.due
        self._handle = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        armed_for, self.armed_for = self.armed_for, _NEVER
        self._handle = None
        if self.task is None:
            return  # The consumer has its turn; the next await arms anew.
        if self.due is not armed_for and self.due > self._clock.now():
            self.arm()
            return
        # Either it is due, or this very await has lasted as long as it may: a clock that stands
        # still (a test's) does not make a real silence shorter.
        self.rang = True
        self._cancelling = self.task.cancelling()
        self.task.cancel()
