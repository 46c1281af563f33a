"""One broken event does not cost a stream.

SDKs give a whole stream up over one event that is not JSON, be it server-sent (OpenAI, Anthropic)
or a line (Ollama). Most such events are noise between good ones (a proxy's keep-alive, a logger's
line): the first one of a stream is passed over. A second one, or one that visibly held a piece of
the answer, is the stream's end as before: a hole in the text must not pass for the text.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

_log = logging.getLogger(__name__)

_HELD_CONTENT = re.compile(r'"(?:content|text|arguments|partial_json|reasoning_content)"\s*:\s*"')
"""What a broken event looks like that took a piece of the answer with it."""


def tolerate_noise(client: Any) -> None:
    """Make an SDK client's streams pass over one event of noise each.

    Args:
        client: A client of our own, never the caller's; left as it is if its SDK builds its
            streams in another way.
    """
    make = getattr(client, "_make_sse_decoder", None)
    if callable(make) and not isinstance(make, _Maker):
        client._make_sse_decoder = _Maker(make)  # noqa: SLF001 - the SDKs' own seam.


def is_tolerant(client: Any) -> bool:
    """Whether `tolerate_noise` has been here, or could do nothing."""
    make = getattr(client, "_make_sse_decoder", None)
    return isinstance(make, _Maker) or not callable(make)


class _Maker:
    """Makes decoders that tolerate noise."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self) -> TolerantDecoder:
        return TolerantDecoder(self._make())


class _Patience:
    """How much noise one stream may still contain."""

    def __init__(self) -> None:
        self._is_spent = False

    def excuses(self, data: str) -> bool:
        """Whether an event that is not JSON is passed over; if not, the SDK will raise on it."""
        if self._is_spent or _HELD_CONTENT.search(data):
            return False
        self._is_spent = True
        _log.warning("passed over an event that is not JSON: %.80r", data)
        return True


class TolerantDecoder:
    """Decodes events as the SDK's own decoder does, but for the noise.

    Args:
        decoder: The SDK's own.
    """

    def __init__(self, decoder: Any) -> None:
        """Nothing passed over yet."""
        self._decoder = decoder
        self._patience = _Patience()

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[Any]:
        """Events of a sync stream."""
        for event in self._decoder.iter_bytes(iterator):
            if not self._is_noise(event):
                yield event

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """Events of an async stream."""
        async for event in self._decoder.aiter_bytes(iterator):
            if not self._is_noise(event):
                yield event

    def _is_noise(self, event: Any) -> bool:
        data: str = event.data
        if not data or data.startswith("[DONE]"):
            return False
        try:
            parsed = event.json()
        except ValueError:
            return self._patience.excuses(data)
        event.json = lambda: parsed  # The SDK asks next: nothing is parsed twice.
        return False


class TolerantLines:
    """A body of one JSON value per line, without the noise.

    Mixed into the HTTP library's own byte streams, sync or async.

    Args:
        inner: The library's stream.
    """

    def __init__(self, inner: Any) -> None:
        """Nothing passed over yet."""
        self._inner = inner
        self._patience = _Patience()
        self._begun = b""

    def __iter__(self) -> Iterator[bytes]:
        """The bytes of a sync stream."""
        for chunk in self._inner:
            yield self._whole_lines(chunk)
        yield self._last_line()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes of an async stream."""
        async for chunk in self._inner:
            yield self._whole_lines(chunk)
        yield self._last_line()

    def close(self) -> None:
        """Close what is underneath."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._inner.aclose()

    def _whole_lines(self, chunk: bytes) -> bytes:
        *lines, self._begun = (self._begun + chunk).split(b"\n")
        return b"".join(line + b"\n" for line in lines if not self._is_noise(line))

    def _last_line(self) -> bytes:
        line, self._begun = self._begun, b""
        return b"" if self._is_noise(line) else line

    def _is_noise(self, line: bytes) -> bool:
        if not line.strip():
            return True  # An empty line says nothing, and json.loads would not forgive it.
        try:
            json.loads(line)
        except ValueError:
            return self._patience.excuses(line.decode("utf-8", "replace"))
        return False
