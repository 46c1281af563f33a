"""One timer for a whole request: cancels the await that has lasted too long, and nothing else.

`asyncio.timeout` around every chunk costs several microseconds. Here the handle is re-armed lazily:
a chunk costs a few attribute writes, and when the handle fires early it looks at what is due now.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Alarm:
    """Watches one await at a time, from whichever task makes it.

    Example:
        `with alarm.within(seconds): await something` raises `TimeoutError` when the time passes.
        Time spent outside, in the consumer's code, is never counted.
    """

    __slots__ = ("_due", "_handle", "_loop", "_rang", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start silent."""
        self._loop = loop
        self._task: asyncio.Task[object] | None = None
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self._rang = False

    def within(self, seconds: float | None) -> Self:
        """Watch the awaits in the `with` block, for at most so many seconds; None: for ever."""
        if seconds is None:
            return self
        self._task = asyncio.current_task(self._loop)
        self._due = due = self._loop.time() + seconds
        handle = self._handle
        if handle is None or handle.when() > due:
            if handle is not None:
                handle.cancel()
            self._handle = self._loop.call_at(due, self._fire)
        return self

    def __enter__(self) -> None:
        """Watching began in `within`."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop watching; turn our own cancellation into a `TimeoutError`."""
        task, self._task = self._task, None
        if not self._rang or task is None:
            return
        self._rang = False
        if task.uncancel() > 0 and isinstance(error, asyncio.CancelledError):
            return  # Cancelled from outside at the same time: that one must go on.
        raise TimeoutError("the provider was silent for too long") from error

    def close(self) -> None:
        """Stop watching for good."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        if self._task is None:
            return
        if self._loop.time() < self._due:
            self._handle = self._loop.call_at(self._due, self._fire)
            return
        self._rang = True
        self._task.cancel()
