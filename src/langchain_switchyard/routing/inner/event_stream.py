"""One broken event does not cost a stream.

SDKs of the OpenAI and Anthropic kind give a whole stream up over one server-sent event that is not
JSON. Most such events are noise between good ones (a proxy's keep-alive, a logger's line): the
first one of a stream is passed over. A second one, or one that visibly held a piece of the answer,
is the stream's end as before: a hole in the text must not pass for the text.
"""

from __future__ import annotations

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


class _Maker:
    """Makes decoders that tolerate noise."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self) -> TolerantDecoder:
        return TolerantDecoder(self._make())


class TolerantDecoder:
    """Decodes events as the SDK's own decoder does, but for the noise.

    Args:
        decoder: The SDK's own.
    """

    def __init__(self, decoder: Any) -> None:
        """Nothing passed over yet."""
        self._decoder = decoder
        self._passed_over = False

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
            if self._passed_over or _HELD_CONTENT.search(data):
                return False  # The SDK will raise on it.
            self._passed_over = True
            _log.warning("passed over an event that is not JSON: %.80r", data)
            return True
        event.json = lambda: parsed  # The SDK asks next: nothing is parsed twice.
        return False
