"""HTTP/1.1 as bytes: read requests as they arrive, write responses. No sockets here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

_MAX_HEAD = 64 * 1024
_MAX_BODY = 64 * 1024 * 1024


class BadHttp(ValueError):
    """The bytes are no HTTP request this server can read."""


@dataclass(slots=True)
class Request:
    """One HTTP request. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    keep_alive: bool = True
    chunked_allowed: bool = True
    _json: Any = field(default=None, repr=False)

    @property
    def bearer(self) -> str:
        """The bearer token, empty if there is none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def json(self) -> Any:
        """Return the decoded body, `None` if there is none.

        Raises:
            ValueError: The body is not JSON.
        """
        if self._json is None and self.body:
            self._json = json.loads(self.body)
        return self._json


class Head(NamedTuple):
    """Status line and headers. Without a length the body is sent in chunks."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


class Data(NamedTuple):
    """A part of the body. `kind` tells faults what it is.

    `start` opens a stream, `token` carries one token, `finish` the finish reason, `usage` the
    counts, `done` the end marker, `body` everything else.
    """

    content: bytes
    kind: str = "body"


class Wait(NamedTuple):
    """Silence, in seconds; `None` lasts until the client leaves or the server stops."""

    seconds: float | None


class Hangup(NamedTuple):
    """Close the connection here; `reset` sends RST instead of FIN."""

    reset: bool = False


Step = Head | Data | Wait | Hangup
"""What a response is made of, in the order it happens."""


def render_head(head: Head, request: Request) -> bytes:
    """Return the bytes of status line and headers."""
    lines = [f"HTTP/1.1 {head.status} {_reason(head.status)}"]
    lines += [f"{name}: {value}" for name, value in head.headers]
    if head.length is not None:
        lines.append(f"content-length: {head.length}")
    elif request.chunked_allowed:
        lines.append("transfer-encoding: chunked")
    if not stays_open(head, request):
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def stays_open(head: Head, request: Request) -> bool:
    """Tell whether another request may follow on the connection."""
    return request.keep_alive and (head.length is not None or request.chunked_allowed)


def _reason(status: int) -> str:
    if status == 529:
        return "Overloaded"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class RequestReader:
    """Cuts the bytes of a connection into requests."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._buffer = bytearray()
        self._waiting: tuple[Request, int] | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next(self) -> Request | None:
        """Return the next complete request, `None` while it is incomplete.

        Raises:
            BadHttp: The bytes cannot be read; close the connection.
        """
        if self._waiting is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > _MAX_HEAD:
                    raise BadHttp("the request head is longer than 64 KiB")
                return None
            request = _parse_head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            self._waiting = request, _body_length(request.headers)
        request, length = self._waiting
        body = self._take_chunked() if length < 0 else self._take(length)
        if body is None:
            return None
        self._waiting = None
        request.body = body
        return request

    def _take(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _take_chunked(self) -> bytes | None:
        """Return a chunked body once its last chunk is here (trailers are not supported)."""
        parts: list[bytes] = []
        at = 0
        while (end := self._buffer.find(b"\r\n", at)) >= 0:
            size = _chunk_size(bytes(self._buffer[at:end]))
            at = end + 2 + size + 2
            if len(self._buffer) < at:
                return None
            if size == 0:
                del self._buffer[:at]
                return b"".join(parts)
            parts.append(bytes(self._buffer[end + 2 : end + 2 + size]))
        return None


def _parse_head(head: bytes) -> Request:
    start, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = start.split(" ")
    except ValueError:
        raise BadHttp(f"not an HTTP request line: {start[:80]!r}") from None
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    path, _, query = target.partition("?")
    modern = version == "HTTP/1.1"
    connection = headers.get("connection", "").lower()
    keep_alive = connection != "close" if modern else connection == "keep-alive"
    return Request(method, path, query, headers, b"", keep_alive, modern)


def _body_length(headers: dict[str, str]) -> int:
    """Return the announced length, -1 for a chunked body."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return -1
    text = headers.get("content-length", "0")
    if not text.isdecimal() or int(text) > _MAX_BODY:
        raise BadHttp(f"content-length {text!r} is no number up to {_MAX_BODY}")
    return int(text)


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line.partition(b";")[0], 16)
    except ValueError:
        raise BadHttp(f"not a chunk size: {line[:40]!r}") from None
    if size > _MAX_BODY:
        raise BadHttp(f"a chunk of {size} bytes is too large")
    return size
