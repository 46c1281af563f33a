"""What a faulty provider has seen: written by the server's thread, read by yours."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain_switchyard.testing.faulty.wire import Request


@dataclass(slots=True)
class RecordedRequest:
    """One request, as it arrived and as it ended.

    Args:
        method: HTTP method.
        path: Without the query.
        query: Undecoded.
        headers: Names in lower case.
        body: Decoded JSON, `None` if it was none.
        started: When it was complete, monotonic seconds.
        faults: Names of the faults applied.
        status: HTTP status sent, `None` while nothing was.
        finished: When the response was over, monotonic seconds.
        aborted_by_client: The client left before that.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    started: float = field(default_factory=time.monotonic)
    faults: tuple[str, ...] = ()
    status: int | None = None
    finished: float | None = None
    aborted_by_client: bool = False


class Ledger:
    """Counts and records. One lock, and a condition for those who wait for silence.

    Args:
        history: How many requests are kept; counts go on beyond.
    """

    def __init__(self, history: int) -> None:
        """Open an empty book."""
        self._changed = threading.Condition()
        self._requests: deque[RecordedRequest] = deque(maxlen=history)
        self._active = 0
        self.attempts = 0
        self.abandoned = 0
        self.connections_accepted = 0
        self.open_connections = 0
        self.errors: list[Exception] = []

    def requests(self) -> list[RecordedRequest]:
        """Return the recorded requests, oldest first (a copy)."""
        with self._changed:
            return list(self._requests)

    def enter(self, request: Request, *, completion: bool) -> Ticket:
        """Record a request that has arrived."""
        try:
            body = request.json()
        except ValueError:
            body = None  # The dialect refuses it; the record shows that it was unreadable.
        record = RecordedRequest(request.method, request.path, request.query, request.headers, body)
        with self._changed:
            self._active += 1
            self.attempts += completion
            self._requests.append(record)
        return Ticket(record, self)

    def leave(self, *, abandoned: bool) -> None:
        """Count a request that is over."""
        with self._changed:
            self._active -= 1
            self.abandoned += abandoned
            self._changed.notify_all()

    def connected(self, change: int) -> None:
        """Count a connection that came (1) or went (-1)."""
        with self._changed:
            self.open_connections += change
            self.connections_accepted += change > 0
            self._changed.notify_all()

    def failed(self, error: Exception) -> None:
        """Keep an error of a brain or of a fault."""
        with self._changed:
            self.errors.append(error)

    def wait(self, until: Callable[[], bool], timeout: float) -> bool:
        """Wait until something holds; return whether it did within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(until, timeout)

    def idle(self) -> bool:
        """Tell whether no request is being answered."""
        return self._active == 0

    def clear(self) -> None:
        """Forget requests and counts; open connections and running requests stay counted."""
        with self._changed:
            self._requests.clear()
            self.errors.clear()
            self.attempts = self.abandoned = self.connections_accepted = 0


class Ticket:
    """Follows one response to its end."""

    __slots__ = ("_ledger", "record")

    def __init__(self, record: RecordedRequest, ledger: Ledger) -> None:
        """Belong to a record."""
        self.record = record
        self._ledger = ledger

    def sent_head(self, status: int) -> None:
        """Note the status."""
        self.record.status = status

    def ended(self, *, abandoned: bool) -> None:
        """Note the end."""
        self.record.finished = time.monotonic()
        self.record.aborted_by_client = abandoned
        self._ledger.leave(abandoned=abandoned)
