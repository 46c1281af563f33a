"""Single-flight: one call under way, and everybody who waits for its answer.

A flight is flown by a task (or thread) of its own, so that a cancelled caller, even the first one,
takes nobody down with it. Only when the last rider has left is the call itself given up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeAlias

from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.levels.level import OLDEST
from langchain_switchyard.routing.call import Reply
from langchain_switchyard.routing.effects import Io

Stamp: TypeAlias = tuple[tuple[str, int], ...]
"""Scopes with their epochs."""

_GLANCE = 1.0
"""Seconds after which a waiting thread looks whether the flight's event loop still runs."""


class Abandoned(Exception):
    """The flight ended without an answer and without an error of its own: ask anew."""


class Flight:
    """One call under way. Thread-safe: riders may sit in other threads and event loops.

    Args:
        slot: Where the flight table keeps it: the question, and how its answer travels.
        riders: How many ride already.
        epochs: What held when the question was asked; see `levels/epochs.py`.
    """

    def __init__(self, slot: tuple[bytes, str], riders: int = 0, epochs: Stamp = ()) -> None:
        """Nothing has arrived yet."""
        self.slot = slot
        self.epochs = epochs
        self.chunks: list[ChatGenerationChunk] = []
        self.reply: Reply | None = None
        """What the first rider gets: the model's own reply; None if another process answered."""
        self.entry: Entry | None = None
        """What all others get."""
        self.error: BaseException | None = None
        self.done = False
        self.over = False
        """Whether also nothing is left to be done: the answer is stored, or never will be."""
        self.riders = riders
        self.give_up: Callable[[], None] | None = None
        """Cancels the call itself; None where that cannot be done."""
        self.is_grounded: Callable[[], bool] | None = None
        """Whether it can never land, since its event loop was closed."""
        self._waiting: dict[object, tuple[Callable[[], bool], Callable[[], None]]] = {}
        self._lock = threading.Lock()

    def add(self, chunk: ChatGenerationChunk) -> None:
        """A chunk has arrived."""
        with self._lock:
            self.chunks.append(chunk)
        self._wake()

    def land(self, reply: Reply | None, entry: Entry | None) -> None:
        """The answer is there; nothing will be added."""
        self.reply, self.entry = reply, entry
        self._end()

    def fail(self, error: BaseException) -> None:
        """There will be no answer; ignored after `land`."""
        if not self.done:
            self.error = error
            self._end()

    def close(self) -> None:
        """Nothing is left to be done."""
        self.over = True
        self._wake()

    def wait(self, seen: int, seconds: float | None) -> Io:
        """Wait for the end or for more than `seen` chunks.

        Raises:
            TimeoutError: After so many seconds.
        """
        return self.until(lambda: self.done or len(self.chunks) > seen, seconds)

    def until(self, ready: Callable[[], bool], seconds: float | None) -> Io:
        """Wait for something that is looked at whenever something has happened.

        Raises:
            TimeoutError: After so many seconds.
        """
        return Io(lambda: self._block(ready, seconds), lambda: self._suspend(ready, seconds))

    def _end(self) -> None:
        with self._lock:
            self.done = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            due = [token for token, (ready, _) in self._waiting.items() if ready()]
            calls = [self._waiting.pop(token)[1] for token in due]
        for call in calls:
            call()

    def _subscribe(self, ready: Callable[[], bool], call: Callable[[], None]) -> object | None:
        """Be called once it is ready; None: it is already."""
        with self._lock:
            if ready():
                return None
            token = object()
            self._waiting[token] = ready, call
            return token

    def _unsubscribe(self, token: object) -> None:
        with self._lock:
            self._waiting.pop(token, None)

    def _block(self, ready: Callable[[], bool], seconds: float | None) -> None:
        event = threading.Event()
        token = self._subscribe(ready, event.set)
        if token is None:
            return
        left = float("inf") if seconds is None else seconds
        try:
            while left > 0:
                if event.wait(min(left, _GLANCE)):
                    return
                left -= _GLANCE
                if self.is_grounded is not None and self.is_grounded():
                    self.fail(Abandoned())
            raise TimeoutError
        finally:
            self._unsubscribe(token)

    async def _suspend(self, ready: Callable[[], bool], seconds: float | None) -> None:
        loop, thread = asyncio.get_running_loop(), threading.get_ident()
        arrival: asyncio.Future[None] = loop.create_future()

        def arrived() -> None:
            if not arrival.done():
                arrival.set_result(None)

        def wake() -> None:
            if threading.get_ident() == thread:
                arrived()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(arrived)

        token = self._subscribe(ready, wake)
        if token is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await arrival
        finally:
            self._unsubscribe(token)


class Flights:
    """All calls under way, by question and by how their answer travels."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._aloft: dict[tuple[bytes, str], Flight] = {}
        self._lock = threading.Lock()

    def board(
        self, slot: tuple[bytes, str], others: tuple[str, ...], epochs: Stamp
    ) -> tuple[Flight, bool]:
        """Ride with whoever is under way, or take off; the latter is told by True.

        Args:
            slot: The question, and how this rider's answer travels.
            others: How it may travel as well.
            epochs: As known now. What was asked before an invalidation takes on nobody after it.
        """
        digest, mode = slot
        # What was invalidated elsewhere concerns nobody here.
        known = {name: epoch for name, epoch in epochs if name != OLDEST}
        with self._lock:
            for way in (mode, *others):
                flight = self._aloft.get((digest, way))
                if flight is None or flight.done:
                    continue
                if all(known.get(scope, epoch) == epoch for scope, epoch in flight.epochs):
                    flight.riders += 1
                    return flight, False
            flight = self._aloft[slot] = Flight(slot, riders=1, epochs=epochs)
            return flight, True

    def leave(self, flight: Flight) -> None:
        """A rider has its answer, or no longer wants it; after the last one nobody asks for it."""
        with self._lock:
            flight.riders -= 1
            is_last = flight.riders <= 0
            if (is_last or flight.done) and self._aloft.get(flight.slot) is flight:
                del self._aloft[flight.slot]
        if is_last and not flight.done and flight.give_up is not None:
            flight.give_up()

    def __len__(self) -> int:
        """How many calls are under way."""
        return len(self._aloft)
