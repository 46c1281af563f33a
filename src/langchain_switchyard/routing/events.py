"""What observers are told. Events are facts in the past; sinks for them live in `telemetry`."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from langchain_switchyard.routing.call import Attempt, Call

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """A request has come in."""

    call: Call


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A deployment is being asked."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """A deployment has answered, failed (`attempt.failure`) or been abandoned."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    """A deployment's circuit went from one state to another."""

    deployment: str
    before: str
    after: str
    attempt: Attempt | None
    """The attempt that moved it; None: it was moved by hand."""


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """A request is over."""

    call: Call
    elapsed: float
    """Seconds in all."""
    error: BaseException | None


Event: TypeAlias = RequestStarted | AttemptStarted | AttemptEnded | BreakerChanged | RequestEnded

Observer: TypeAlias = Callable[[Event], None]
"""Anything that wants to know. It is called in the request's own thread: be quick."""


class Audience:
    """Everybody who listens. A listener that fails is logged and never fails a request."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        """Keep the listeners in order."""
        self._observers = tuple(observers)
        self._failures: Counter[tuple[int, str]] = Counter()

    def __bool__(self) -> bool:
        """Whether anybody listens, now and ever; events are not even built for an empty room."""
        return bool(self._observers)

    def tell(self, event: Event) -> None:
        """Tell everybody."""
        for place, observer in enumerate(self._observers):
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the listener's own.
                self._complain(place, observer, type(event).__name__, error)

    def _complain(self, place: int, observer: Observer, event: str, error: Exception) -> None:
        """The first failure with its traceback, then every thousandth: each request has four."""
        self._failures[place, event] += 1
        times = self._failures[place, event]
        if times == 1:
            _log.error("observer %r failed on %s", observer, event, exc_info=error)
        elif times % 1000 == 0:
            _log.error("observer %r has failed on %s %d times", observer, event, times)
