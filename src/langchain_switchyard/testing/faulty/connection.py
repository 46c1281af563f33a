"""One client connection: plays a response step by step, without a task or a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from typing import Protocol, cast

from langchain_switchyard.testing.faulty.wire import (
    BadHttp,
    Data,
    Hangup,
    Head,
    Request,
    RequestReader,
    Step,
    Wait,
    render_head,
    stays_open,
)

_FLUSH_AT = 64 * 1024
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Progress(Protocol):
    """What a connection reports about the response it plays."""

    def sent_head(self, status: int) -> None:
        """Status and headers were written."""
        ...

    def ended(self, *, abandoned: bool) -> None:
        """The response is over; `abandoned` if the client left before."""
        ...


class Host(Protocol):
    """What a connection needs of its server."""

    def respond(self, request: Request) -> tuple[Iterator[Step], Progress]:
        """Answer a request."""
        ...

    def connected(self, connection: Connection) -> None:
        """A client came."""
        ...

    def disconnected(self, connection: Connection) -> None:
        """A client is gone."""
        ...


class Connection(asyncio.Protocol):
    """Reads requests, plays their responses in order, notices a client that leaves.

    Args:
        host: Answers the requests.
        loop: Where waits are scheduled.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the connection."""
        self._host = host
        self._loop = loop
        self._reader = RequestReader()
        self._steps: Iterator[Step] | None = None
        self._request: Request | None = None
        self._progress: Progress | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._chunked = False
        self._keep = True
        self._paused = False
        self._held = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (asyncio sets TCP_NODELAY itself)."""
        self._transport = cast("asyncio.Transport", transport)
        self._host.connected(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer when nothing is being answered."""
        self._reader.feed(data)
        if self._steps is None:
            self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop playing at once: nobody listens."""
        del exc
        self._end(abandoned=True)
        self._host.disconnected(self)

    def pause_writing(self) -> None:
        """Hold the response: the client reads too slowly."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the response."""
        self._paused = False
        if self._held:
            self._held = False
            self._advance()

    def close(self) -> None:
        """Drop the client because the server stops."""
        self._end(abandoned=False)
        self._transport.abort()

    def _advance(self) -> None:
        """Play until something has to be waited for, then take the next request."""
        self._timer = None
        try:
            while not self._transport.is_closing() and self._begin():
                rest = self._play()
                if rest is None:
                    return
                # The record is closed before the last byte leaves: who has the whole answer can
                # rely on what the records say about it.
                self._end(abandoned=False)
                self._transport.write(rest)
                if not self._keep:
                    self._transport.close()
        except BadHttp as problem:
            self._keep = False
            body = f"{problem}\n".encode()
            head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)
            self._transport.close()

    def _begin(self) -> bool:
        """Make sure there is a response to play."""
        if self._steps is None:
            request = self._reader.next()
            if request is None:
                return False
            self._request = request
            self._steps, self._progress = self._host.respond(request)
        return True

    def _play(self) -> bytes | None:
        """Write steps until the response has to wait; return the last bytes when it is over."""
        out = bytearray()
        for step in self._steps or ():
            if isinstance(step, Data):
                self._add(out, step.content)
            elif isinstance(step, Head):
                self._open(out, step)
            else:
                self._interrupt(step, bytes(out))
                return None
            if len(out) > _FLUSH_AT:
                self._transport.write(bytes(out))
                out.clear()
                if self._paused:
                    self._held = True
                    return None
        if self._chunked:
            out += b"0\r\n\r\n"
        return bytes(out)

    def _open(self, out: bytearray, head: Head) -> None:
        request = self._request
        if request is None:
            raise RuntimeError("a response is played without a request")
        self._chunked = head.length is None and request.chunked_allowed
        self._keep = stays_open(head, request)
        out += render_head(head, request)
        if self._progress is not None:
            self._progress.sent_head(head.status)

    def _add(self, out: bytearray, content: bytes) -> None:
        if self._chunked and content:  # An empty chunk would end the body.
            out += b"%x\r\n%b\r\n" % (len(content), content)
        else:
            out += content

    def _interrupt(self, step: Wait | Hangup, before: bytes) -> None:
        if isinstance(step, Wait):
            self._transport.write(before)
            if step.seconds is not None:
                self._timer = self._loop.call_later(step.seconds, self._advance)
            return
        self._end(abandoned=False)
        self._transport.write(before)
        if step.reset:
            # Closing with a linger of zero makes the kernel send RST.
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self._transport.abort()
        else:
            self._transport.close()

    def _end(self, *, abandoned: bool) -> None:
        """Finish the current response, if any, exactly once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._progress is not None:
            self._progress.ended(abandoned=abandoned)
            self._progress = None
        self._steps = None
        self._chunked = self._held = False
