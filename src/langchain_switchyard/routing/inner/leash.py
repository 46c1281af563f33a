"""A leash on blocking reads: what an HTTP client reads for a request ends when the request does.

An HTTP client's timeout is per read: a server that trickles white space, or sends comments without
end, resets it for ever, and a thread that waits for bytes cannot be interrupted. The sync driver
therefore puts a leash around each call, as a context variable; the HTTP clients of our own copies
(`http_client.py`) put it on every body they read. It ends the read on time, and pulling it from
another thread shuts the socket down, which wakes the reader at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from functools import partial
from typing import Any, Self

from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.timeouts import earliest

_current: ContextVar[Leash | None] = ContextVar("switchyard_leash", default=None)


class Leash:
    """How long the bodies that are read inside `with leash:` may take.

    Args:
        clock: What `until` is told on.
        until: Clock instant at which reading ends; None: only when it is cut.
        headers_by: Clock instant by which an answer must have begun; None: any time.
    """

    def __init__(self, clock: Clock, until: float | None, headers_by: float | None = None) -> None:
        """Hold nothing yet."""
        self._clock = clock
        self._until = until
        self._headers_by = earliest(until, headers_by)
        self._lock = threading.Lock()
        self._network: Any = None
        self._is_cut = False
        self._token: Token[Leash | None] | None = None

    @staticmethod
    def current() -> Leash | None:
        """The leash around the running code, if there is one."""
        return _current.get()

    def __enter__(self) -> Self:
        """Be the leash of whatever is read from here on, in threads with this context too."""
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        """No longer."""
        if self._token is not None:
            _current.reset(self._token)

    def left(self, timed_out: Callable[[], Exception]) -> float | None:
        """Seconds left to read; None without a limit. Raises `timed_out()` if there are none."""
        return self._seconds_until(self._until, timed_out)

    def left_for_headers(self, timed_out: Callable[[], Exception]) -> float | None:
        """Seconds that a server may take until its answer begins; as `left`."""
        return self._seconds_until(self._headers_by, timed_out)

    def hold(self, network: Any) -> None:
        """Reading from this network stream begins."""
        with self._lock:
            self._network = network

    def release(self) -> None:
        """The connection may serve others now: it must not be touched any more."""
        with self._lock:
            self._network = None

    def cut(self) -> None:
        """Nobody wants the rest: wake the reader, wherever it waits for bytes. From any thread."""
        with self._lock:
            self._is_cut = True
            stream, self._network = self._network, None
            wire = None if stream is None else stream.get_extra_info("socket")
            if isinstance(wire, socket.socket):
                # Unbound: a TLS socket's own `shutdown` would pull the state from under its reader.
                with contextlib.suppress(OSError):  # The peer was faster.
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)

    def _seconds_until(
        self, instant: float | None, timed_out: Callable[[], Exception]
    ) -> float | None:
        if self._is_cut:
            raise timed_out()
        if instant is None:
            return None
        seconds = instant - self._clock.now()
        if seconds <= 0:
            raise timed_out()
        return seconds


class LeashedBody:
    """A response body on a leash; mixed into the HTTP library's own `SyncByteStream`.

    Args:
        response: Whose stream it replaces.
        leash: How long it may be read.
        silence: Seconds that one read may take; None: as long as the leash.
        timed_out: Makes the library's own error.
    """

    def __init__(
        self,
        response: Any,
        leash: Leash,
        silence: float | None,
        timed_out: Callable[[], Exception],
    ) -> None:
        """Put it on."""
        self._inner = response.stream
        self._leash = leash
        self._silence = silence
        self._network = network = response.extensions.get("network_stream")
        self._timed_out = timed_out
        if network is not None:
            # The read timeout was fixed when the request began; each read gets what is left.
            network.read = partial(self._read_in_time, network.read)
        leash.hold(network)

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, as long as there is time."""
        for chunk in self._inner:
            self._leash.left(self._timed_out)
            yield chunk

    def close(self) -> None:
        """Take it off; then the connection may go back to its pool."""
        self._leash.release()
        network, self._network = self._network, None
        if network is not None:
            del network.read
        self._inner.close()

    def _read_in_time(
        self,
        read: Callable[..., bytes],
        max_bytes: int,
        timeout: float | None = None,  # noqa: ARG002 - that of the headers, replaced here.
    ) -> bytes:
        return read(max_bytes, timeout=earliest(self._silence, self._leash.left(self._timed_out)))
