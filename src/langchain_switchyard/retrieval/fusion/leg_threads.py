"""Threads for legs, of which one that never returns costs nobody else a place.

A thread cannot be killed. One whose leg was given up is therefore no longer counted among the
working ones, so that another may start in its place, and ends when its leg does. Threads are
daemons: a leg that hangs does not keep the interpreter from leaving. (``ThreadPoolExecutor`` waits
for its threads there, and never replaces one.) A child of a fork has none of them, and begins anew.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from langchain_switchyard.errors import SwitchyardError
from langchain_switchyard.forks import FORKS

T = TypeVar("T")
# Seconds after which a thread without work ends.
_IDLE = 5.0


class LegsStuck(SwitchyardError):
    """So many legs hang that no further one is started until some of them return."""


class LegThreads:
    """A bounded number of working threads, and a bounded number of stuck ones beside them.

    Args:
        size: Threads at work at a time; more legs wait for their turn.
        most_stuck: Given-up legs that may hang at a time; beyond, ``submit`` refuses at once.
    """

    def __init__(self, size: int = 32, most_stuck: int = 32) -> None:
        """Start no thread yet."""
        self._size = size
        self._most_stuck = most_stuck
        self._closed = False
        self.forked()
        FORKS.tend(self)

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def forked(self) -> None:
        """Count no thread, and keep nobody's work: what waits is waited for in the parent."""
        self._ready = threading.Condition()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._given_up: set[Future[Any]] = set()
        self._threads = self._idle = 0

    @property
    def stuck(self) -> int:
        """Legs that were given up and have not returned."""
        with self._ready:
            return len(self._given_up)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run ``work`` in a thread, in the caller's context.

        Raises:
            LegsStuck: ``most_stuck`` legs hang, or the threads are closed.
        """
        future: Future[T] = Future()
        work = partial(copy_context().run, work)
        with self._ready:
            if self._closed:
                raise LegsStuck("this retriever is closed")
            if len(self._given_up) >= self._most_stuck:
                raise LegsStuck(
                    f"{len(self._given_up)} searches over their leg_timeout still hang: "
                    "give the embedding model or the engine's client a timeout of its own"
                )
            self._waiting.append((future, work))
            self._start_if_needed()
            self._ready.notify()
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread and await it; cancelled, it is given up."""
        future = self.submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            self.give_up(future)
            raise

    def give_up(self, future: Future[Any]) -> None:
        """Nobody waits for this one any more: never start it, or let another take its place."""
        if future.cancel():
            return
        with self._ready:
            if future.running():
                self._given_up.add(future)
                self._threads -= 1
                self._start_if_needed()

    def close(self) -> None:
        """Start nothing any more; wait for nobody."""
        with self._ready:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            self._ready.notify_all()
        for future, _ in waiting:
            future.cancel()

    def _start_if_needed(self) -> None:
        if len(self._waiting) > self._idle and self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, name="retrieval-leg", daemon=True).start()

    def _work(self) -> None:
        while True:
            task = self._next()
            if task is None:
                return
            future, work = task
            if future.set_running_or_notify_cancel():
                _settle(future, work)
            with self._ready:
                if future in self._given_up:
                    self._given_up.remove(future)  # Its place was given to another thread.
                    return
            del task, future, work  # An idle thread must not keep a result alive.

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._ready:
            self._idle += 1
            self._ready.wait_for(lambda: self._waiting or self._closed, _IDLE)
            self._idle -= 1
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None


def _settle(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits.
        future.set_exception(error)
    else:
        future.set_result(result)
