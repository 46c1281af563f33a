"""The HTTP clients of our own copies: a caller's client, with its answers dressed for us.

The caller's client and its connections are shared, and never changed. Bodies read in synchronous
code are put on the leash of the request (`leash.py`), and line-wise JSON streams pass over one line
of noise as event streams do (`event_stream.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from langchain_switchyard.routing.inner.event_stream import TolerantLines
from langchain_switchyard.routing.inner.leash import Leash, LeashedBody
from langchain_switchyard.routing.timeouts import earliest

_LIBRARIES = ("httpx", "httpx2")
"""What the SDKs speak HTTP with."""


def dressed(client: Any) -> Any:
    """A stand-in for an HTTP client that dresses its answers; any other object as it is."""
    names = [cls.__module__.partition(".")[0] for cls in type(client).__mro__]
    library = next((name for name in _LIBRARIES if name in names), None)
    if library is None:
        return client
    module = import_module(library)
    if isinstance(client, module.AsyncClient):
        return AsyncDresser(client, module)
    return SyncDresser(client, module) if isinstance(client, module.Client) else client


class _Dresser:
    """Passes everything on but the sending; counts as what it stands for."""

    _lines: type[TolerantLines]

    def __init__(self, client: Any, library: Any) -> None:
        self._dressed = client
        self._library = library

    @property  # type: ignore[misc] # The SDKs accept an HTTP client by its class.
    def __class__(self) -> type:
        return type(self._dressed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dressed, name)

    def request(self, *args: Any, **kwargs: Any) -> Any:
        # The library's own code, which comes back here to send.
        return type(self._dressed).request(self, *args, **kwargs)

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        return type(self._dressed).stream(self, *args, **kwargs)

    def _without_noise(self, response: Any) -> None:
        headers = response.headers
        if "ndjson" in headers.get("content-type", "") and "content-encoding" not in headers:
            response.stream = self._lines(response.stream)


class SyncDresser(_Dresser):
    """Stands for a synchronous client."""

    def __init__(self, client: Any, library: Any) -> None:
        """Share the client's connections."""
        super().__init__(client, library)
        self._lines = type("Lines", (TolerantLines, library.SyncByteStream), {})
        self._body = type("Body", (LeashedBody, library.SyncByteStream), {})

    def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request; its answer is read on the leash of the running call."""
        leash = Leash.current()
        if leash is None:
            response = self._dressed.send(request, stream=True, **options)
            self._without_noise(response)
        else:
            response = self._send_leashed(leash, request, options)
        if not stream:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response

    def _send_leashed(self, leash: Leash, request: Any, options: Mapping[str, Any]) -> Any:
        late = partial(self._library.ReadTimeout, "the answer came too late", request=request)
        timeouts = request.extensions["timeout"]  # Every client's `build_request` sets it.
        silence = timeouts.get("read")
        begins = earliest(silence, leash.left_for_headers(late))
        request.extensions = {**request.extensions, "timeout": {**timeouts, "read": begins}}
        response = self._dressed.send(request, stream=True, **options)
        self._without_noise(response)
        response.stream = self._body(response, leash, silence, late)
        return response


class AsyncDresser(_Dresser):
    """Stands for an asynchronous client; its reads can be cancelled and need no leash."""

    def __init__(self, client: Any, library: Any) -> None:
        """Share the client's connections."""
        super().__init__(client, library)
        self._lines = type("Lines", (TolerantLines, library.AsyncByteStream), {})

    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request."""
        response = await self._dressed.send(request, stream=stream, **options)
        if stream:
            self._without_noise(response)
        return response
