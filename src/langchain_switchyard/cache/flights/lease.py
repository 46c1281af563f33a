"""A lease: the right to ask the model for all processes, kept while the call is under way.

Whoever holds it says so again and again, and tells the others what the model says as it comes. If
it falls silent, its process is dead or stopped; then the lease ends by itself and another may ask.
"""

from __future__ import annotations

from functools import partial

from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.flights.flight import Flight
from langchain_switchyard.cache.flights.frames import chunk_frame, end_frame
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.levels.level import SharedLevel
from langchain_switchyard.routing.effects import Io, Sleep, Steps

_SIGNS = 3
"""Signs of life per lease: two may be lost."""


class Lease:
    """One call's right to ask.

    Args:
        level: Where it is held.
        key: What is asked.
        token: Under which name.
        seconds: How long it lasts without a sign of life.
        pause: Seconds between two tellings: a stream need not be told word by word.
        is_public: Whether others may hear the answer before it is stored.
    """

    def __init__(
        self,
        level: SharedLevel,
        key: Key,
        token: str,
        seconds: float,
        *,
        pause: float,
        is_public: bool,
    ) -> None:
        """The lock has just been taken."""
        self.token = token
        self._level = level
        self._key = key
        self._seconds = seconds
        self._pause = pause
        self._told = 0
        self._has_more = is_public

    def keep(self, flight: Flight) -> Steps[None]:
        """Hold it until the flight is over, telling what arrives; then give it back."""
        try:
            while not flight.over:
                yield from _at_most(flight.until(lambda: self._is_due(flight), self._seconds / 3))
                if self._has_more:
                    self._has_more = yield from self._tell(flight)
                if (yield from self._renew()) is False:
                    return  # Another process asks now: what we say is no longer heard.
                yield from _at_most(flight.until(lambda: flight.done, self._pause))
        except BaseException:
            # The flow is being closed: nothing can be awaited any more.
            self._level.unlock(self._key, self.token)
            raise
        yield self._give_back()

    def _is_due(self, flight: Flight) -> bool:
        ends = flight.done and flight.entry is not None
        return flight.over or (self._has_more and (ends or len(flight.chunks) > self._told))

    def _tell(self, flight: Flight) -> Steps[bool]:
        """Tell what has arrived since; returns whether there may be more to tell."""
        # Asked first: nothing arrives after the end.
        entry = flight.entry if flight.done else None
        chunks = flight.chunks[self._told :]
        try:
            frames = [chunk_frame(chunk) for chunk in chunks]
        except Uncacheable:
            return False  # Others wait for what is stored.
        if entry is not None:
            frames.append(end_frame(entry))
        if not frames:
            return True
        about = self._key, self.token, self._told, frames, self._seconds
        if not (yield Io(partial(self._level.tell, *about), partial(self._level.atell, *about))):
            yield Sleep(self._pause)
            return True  # The level is down: they are told again when it is back.
        self._told += len(frames)
        return entry is None

    def _renew(self) -> Steps[bool | None]:
        about = self._key, self.token, self._seconds
        is_mine: bool | None = yield Io(
            partial(self._level.renew, *about), partial(self._level.arenew, *about)
        )
        return is_mine

    def _give_back(self) -> Io:
        about = self._key, self.token
        return Io(partial(self._level.unlock, *about), partial(self._level.aunlock, *about))


def _at_most(waiting: Io) -> Steps[None]:
    """Wait, and go on when it has lasted long enough."""
    try:
        yield waiting
    except TimeoutError:
        return
