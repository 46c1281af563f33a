"""An event loop whose time is a clock in your hand, and which never waits for it.

When no callback is ready the loop jumps to its next timer instead of sleeping, so `asyncio.sleep`,
`asyncio.timeout` and `loop.call_later` cost nothing and always happen in the same order. Work that
really runs elsewhere (a thread of `asyncio.to_thread`, a socket) takes real time: the loop waits
for threads before it jumps, and for sockets only when no timer is left to jump to.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar, TypeVarTuple

from langchain_switchyard.errors import SwitchyardError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Deadlock(SwitchyardError, RuntimeError):
    """Every task waits and nothing is left that could wake one: no timer, thread or socket."""


class Time(Protocol):
    """The clock a loop runs on."""

    def now(self) -> float:
        """Seconds; only differences mean something."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        ...


class JumpingSelector(selectors.BaseSelector):
    """Waits by moving the clock. Asks the real selector only for what is ready now.

    Args:
        clock: Moved forward whenever the loop would have slept.
        patience: Real seconds to wait for threads and sockets before giving up.
        busy: Tells whether a thread is working for the loop.
        describe: Says what everybody waits for, for the error message.
    """

    def __init__(
        self,
        clock: Time,
        patience: float,
        busy: Callable[[], bool],
        describe: Callable[[], str],
    ) -> None:
        """Wrap the platform's best selector."""
        self._inner = selectors.DefaultSelector()
        self._clock = clock
        self._patience = patience
        self._busy = busy
        self._describe = describe

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return ready sockets; else let `timeout` seconds pass on the clock.

        Raises:
            Deadlock: Nothing is scheduled and nothing came within the patience.
        """
        ready = self._inner.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self._busy():
            ready = self._inner.select(self._patience)
        if not ready and timeout is None:
            raise Deadlock(
                "nothing can ever wake this coroutine: no timer is set, and no thread or socket "
                f"stirred within {self._patience:g} real seconds. Waiting:\n{self._describe()}"
            )
        if not ready and timeout is not None:
            self._clock.advance(timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a socket."""
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stop watching a socket."""
        return self._inner.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return what is watched."""
        return self._inner.get_map()

    def close(self) -> None:
        """Release the platform's selector."""
        self._inner.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """The event loop behind `FakeClock.run`.

    Args:
        clock: Tells the time and is moved forward.
        patience: Real seconds to wait for threads and sockets before raising `Deadlock`.
    """

    def __init__(self, clock: Time, patience: float) -> None:
        """Build a loop on the clock."""
        self.clock = clock
        self._at_work = 0
        self._threads: ThreadPoolExecutor | None = None
        super().__init__(JumpingSelector(clock, patience, self._is_busy, self._describe))
        # asyncio runs timers due within this much. The platform's nanosecond vanishes when added
        # to a large float (an epoch, say), and a timer due exactly now would then never run.
        self._clock_resolution = max(1e-9, 2 * math.ulp(clock.now()))

    def time(self) -> float:
        """Return the clock's seconds."""
        return self.clock.now()

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Run in a thread, and hold the time still while it runs."""
        if executor is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(thread_name_prefix="virtual-loop")
            executor = self._threads
        future = super().run_in_executor(executor, func, *args)
        self._at_work += 1
        future.add_done_callback(self._left_work)
        return future

    async def shutdown_default_executor(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - asyncio's own signature
    ) -> None:
        """Wait for the threads in real time; a timer would fire at once here.

        Args:
            timeout: Ignored, for the same reason.
        """
        del timeout
        if self._threads is not None:
            self._threads.shutdown(wait=True)

    def _left_work(self, _: asyncio.Future[Any]) -> None:
        self._at_work -= 1

    def _is_busy(self) -> bool:
        return self._at_work > 0

    def _describe(self) -> str:
        return "\n".join(_where(task) for task in asyncio.all_tasks(self)) or "(no task)"


def _where(task: asyncio.Task[Any]) -> str:
    """Name a task and the line it waits at."""
    stack = task.get_stack(limit=1)
    code = getattr(task.get_coro(), "__qualname__", "?")
    if not stack:
        return f"  {task.get_name()} in {code}"
    return f"  {task.get_name()} in {code}, {stack[0].f_code.co_filename}:{stack[0].f_lineno}"
