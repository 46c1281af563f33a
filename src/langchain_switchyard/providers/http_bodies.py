"""Response bodies that leave their socket reusable.

SDKs close a stream when they see its last event (`[DONE]`), before the few bytes that end the HTTP
body have been read; the connection is then in an unknown state and must be thrown away: twenty
streams, twenty TLS handshakes. These bodies read on, for at most some milliseconds, before closing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

_TAIL = 128
_LAST_EVENTS = (b"[DONE]", b"message_stop")
"""How OpenAI-compatible and Anthropic streams announce their end."""


class _Tail:
    """The last bytes of a body, to know whether its last event was seen."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._bytes = b""

    def add(self, chunk: bytes) -> None:
        """Remember the end of what was read."""
        self._bytes = (self._bytes + chunk)[-_TAIL:] if len(chunk) < _TAIL else chunk[-_TAIL:]

    def is_last_event(self) -> bool:
        """Whether only the end of the HTTP body is still missing."""
        return any(mark in self._bytes for mark in _LAST_EVENTS)


class AsyncBody:
    """Mixed into the HTTP library's own `AsyncByteStream`, which its clients insist on."""

    def __init__(
        self, inner: Any, release: Callable[[], None], drain: float, background: set[Any]
    ) -> None:
        """Wrap the transport's stream; `release` is called once, when the socket is free."""
        self._inner = inner
        self._iterator: AsyncIterator[bytes] = inner.__aiter__()
        self._release = release
        self._drain = drain
        self._background = background
        self._tail = _Tail()
        self._ended = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body is its own iterator: it can be read on after the SDK has stopped."""
        return self

    async def __anext__(self) -> bytes:
        """The next bytes."""
        try:
            chunk = await self._iterator.__anext__()
        except StopAsyncIteration:
            self._ended = True
            raise
        self._tail.add(chunk)
        return chunk

    async def aclose(self) -> None:
        """Free the socket: reusable if the body ended, closed otherwise."""
        if self._closed:
            return
        self._closed = True
        # In a task of its own: a second cancellation must not leave the pool half informed.
        finish = asyncio.get_running_loop().create_task(self._finish())
        self._background.add(finish)
        finish.add_done_callback(self._background.discard)
        await asyncio.shield(finish)

    async def _finish(self) -> None:
        try:
            if not self._ended and self._drain and self._tail.is_last_event():
                await self._read_on()
            await self._inner.aclose()
        except Exception:  # The answer is complete; only the socket is lost.
            logger.debug("could not end a response cleanly", exc_info=True)
        finally:
            self._release()

    async def _read_on(self) -> None:
        try:
            async with asyncio.timeout(self._drain):
                async for _ in self:
                    pass
        except TimeoutError:
            logger.debug("no end of the body %s s after its last event", self._drain)


class SyncBody:
    """Mixed into the HTTP library's own `SyncByteStream`, which its clients insist on."""

    def __init__(self, inner: Any, network: Any, drain: float) -> None:
        """Wrap the transport's stream; `network` is the socket it reads from, if known."""
        self._inner = inner
        self._iterator: Iterator[bytes] = iter(inner)
        self._network = network
        self._drain = drain
        self._tail = _Tail()
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        """The body is its own iterator: it can be read on after the SDK has stopped."""
        return self

    def __next__(self) -> bytes:
        """The next bytes."""
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self._ended = True
            raise
        self._tail.add(chunk)
        return chunk

    def close(self) -> None:
        """Free the socket: reusable if the body ended, closed otherwise."""
        if not self._ended and self._drain and self._tail.is_last_event():
            self._read_on()
        self._inner.close()

    def _read_on(self) -> None:
        read = getattr(self._network, "read", None)
        if read is None:
            return
        # The read timeout was fixed when the body began; only the socket can still be hurried.
        self._network.read = partial(_read_within, read, self._drain)
        try:
            for _ in self:
                pass
        except Exception:  # The answer is complete; only the socket is lost.
            logger.debug("no end of the body %s s after its last event", self._drain, exc_info=True)
        finally:
            del self._network.read


def _read_within(
    read: Callable[..., bytes],
    seconds: float,
    max_bytes: int,
    timeout: float | None = None,  # noqa: ARG001 - the caller's, replaced here.
) -> bytes:
    return read(max_bytes, timeout=seconds)
