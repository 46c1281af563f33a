"""Runs flows beside the caller: a task where there is an event loop, else a daemon thread.

Threads are daemons: a provider that hangs must not keep the interpreter from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_switchyard.cache.flights.flight import Abandoned, Flight
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.routing.effects import Io, Steps

_log = logging.getLogger(__name__)

_AT_ONCE = 16
"""Refreshes beside callers; further ones are refused, for refreshing is never urgent."""


class Background:
    """Starts flows, remembers them, and can wait for them."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._refreshing = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether further refreshing should wait for better times."""
        return self._refreshing >= _AT_ONCE

    def refresh(self, flow: Callable[[], Steps[Any]], clock: Clock) -> Io:
        """`spawn`, counted by `is_busy`."""

        def counted() -> Steps[None]:
            self._count(1)
            try:
                yield from flow()
            finally:
                self._count(-1)

        return self.spawn(counted, clock)

    def spawn(self, flow: Callable[[], Steps[Any]], clock: Clock) -> Io:
        """An effect that starts a flow and does not wait for it. Its errors are logged.

        Its answer is another effect: wait for the flow's end.
        """

        def run() -> None:
            try:
                SyncDriver(clock).run(flow())
            except Exception:  # noqa: BLE001 - nobody is left to raise it to.
                _log.exception("work behind the scenes failed")

        async def arun() -> None:
            try:
                await AsyncDriver(clock).run(flow())
            except Exception:  # noqa: BLE001 - nobody is left to raise it to.
                _log.exception("work behind the scenes failed")

        def begin() -> Io:
            thread = self._start_thread(run)
            return Io(thread.join, lambda: asyncio.to_thread(thread.join))

        async def start() -> Io:
            task = asyncio.create_task(arun())
            self._remember_task(task)
            return Io(lambda: None, lambda: asyncio.wait({task}))

        return Io(begin, start)

    def fly(self, flight: Flight, flow: Callable[[], Steps[Any]], clock: Clock, mode: str) -> Io:
        """An effect that starts a flight.

        In a thread, a whole answer is fetched by the first rider itself: a thread that waits for a
        function cannot be cancelled, so that nothing would be gained by a second one.
        """
        whole = mode == "whole"

        async def start() -> None:
            loop = asyncio.get_running_loop()
            task = asyncio.create_task(_afly(flight, flow, clock, whole=whole))
            flight.give_up = lambda: _cancel(task, loop)
            flight.is_grounded = loop.is_closed
            task.add_done_callback(lambda _: flight.fail(Abandoned()))
            self._remember_task(task)

        def begin() -> None:
            fly = partial(_fly, flight, flow, clock, whole=whole)
            if whole:
                fly()
            else:
                self._start_thread(fly)

        return Io(begin, start)

    def settle(self, seconds: float = 5.0) -> None:
        """Wait for all threads, in total about so long. Tasks need their loop: see `asettle`."""
        for thread in list(self._threads):
            thread.join(seconds)

    async def asettle(self) -> None:
        """Wait for this loop's tasks, and for all threads."""
        loop = asyncio.get_running_loop()
        while mine := [task for task in list(self._tasks) if task.get_loop() is loop]:
            await asyncio.wait(mine)
        if self._threads:
            await asyncio.to_thread(self.settle)

    def _remember_task(self, task: asyncio.Task[None]) -> None:
        with self._lock:
            # Those of closed loops never call back.
            self._tasks = {known for known in self._tasks if not known.get_loop().is_closed()}
            self._tasks.add(task)
        task.add_done_callback(self._forget_task)
        task.add_done_callback(_heard)

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        with self._lock:
            self._tasks.discard(task)

    def _count(self, change: int) -> None:
        with self._lock:
            self._refreshing += change

    def _start_thread(self, run: Callable[[], None]) -> threading.Thread:
        context = contextvars.copy_context()

        def work() -> None:
            try:
                context.run(run)
            finally:
                with self._lock:
                    self._threads.discard(thread)

        thread = threading.Thread(target=work, name="switchyard-cache", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()
        return thread


def _fly(flight: Flight, flow: Callable[[], Steps[Any]], clock: Clock, *, whole: bool) -> None:
    driver = SyncDriver(clock)
    if whole:
        driver.run(_landing(flight, flow))
        return
    for chunk in driver.stream(_landing(flight, flow)):
        flight.add(chunk)
        if flight.riders <= 0:
            break


async def _afly(
    flight: Flight, flow: Callable[[], Steps[Any]], clock: Clock, *, whole: bool
) -> None:
    driver = AsyncDriver(clock)
    if whole:
        await driver.run(_landing(flight, flow))
        return
    async for chunk in driver.stream(_landing(flight, flow)):
        flight.add(chunk)


def _landing(flight: Flight, flow: Callable[[], Steps[Any]]) -> Steps[None]:
    """Whatever happens, the riders hear of it, and nobody waits for more."""
    try:
        yield from flow()
    except (GeneratorExit, asyncio.CancelledError):
        flight.fail(Abandoned())
        raise
    except BaseException as error:  # noqa: BLE001 - the riders raise it, each in its own place.
        flight.fail(error)
    finally:
        flight.fail(Abandoned())
        flight.close()


def _heard(task: asyncio.Task[None]) -> None:
    """Riders have been told already; without this, asyncio complains of errors nobody fetched."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.debug("a flight ended badly", exc_info=error)


def _cancel(task: asyncio.Task[None], loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)
