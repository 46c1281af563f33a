"""Shared, tuned HTTP clients for the provider SDKs.

A fleet owns one `HttpClients` and hands it to the presets: deployments with the same base URL share
sockets, idle sockets are kept, streams give their socket back, cancelled calls cost none, and one
model object may be used from several event loops. The SDKs are told by their own library:
openai 3.x and anthropic 2.x use `httpx2`, openai 2.x and ollama `httpx`.
"""

from __future__ import annotations

import importlib
import socket
import threading
from collections.abc import Mapping
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.http_bodies import SyncBody
from langchain_switchyard.providers.http_lanes import PerLoopTransport, bounded_timeouts
from langchain_switchyard.providers.tuning import HttpTuning

Sdk = Literal["openai", "anthropic", "ollama"]
"""SDKs whose HTTP client can be given."""

READ_TIMEOUT = 600.0
"""Seconds of silence after which a read fails when the call itself says nothing: the SDKs' own."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class HttpClients:
    """Owner of HTTP clients, one per HTTP library and base URL.

    Example:
        ```python
        with HttpClients() as clients:
            model = ChatOpenAI(
                http_client=clients.sync("openai", url),
                http_async_client=clients.asynchronous("openai", url),
                ...,
            )
        ```
    """

    def __init__(self, tuning: HttpTuning | None = None) -> None:
        """Open nothing yet."""
        self._tuning = tuning or HttpTuning()
        self._sync: dict[tuple[str, str], Any] = {}
        self._async: dict[tuple[str, str], Any] = {}
        self._transports: list[PerLoopTransport] = []
        self._ssl: dict[str, Any] = {}
        self._lock = threading.Lock()

    def sync(self, sdk: Sdk, base_url: str) -> Any:
        """The shared `Client` of the SDK's HTTP library."""
        library = library_of(sdk)
        with self._lock:
            key = (library.__name__, base_url)
            if key not in self._sync:
                transport = self.sync_transport(library, base_url)
                self._sync[key] = library.Client(transport=transport, **self._options(library))
            return self._sync[key]

    def asynchronous(self, sdk: Sdk, base_url: str) -> Any:
        """The shared `AsyncClient` of the SDK's HTTP library, usable from any event loop."""
        library = library_of(sdk)
        with self._lock:
            key = (library.__name__, base_url)
            if key not in self._async:
                transport = self.async_transport(library, base_url)
                self._async[key] = library.AsyncClient(
                    transport=transport, **self._options(library)
                )
            return self._async[key]

    def sync_transport(self, library: Any, base_url: str) -> Any:
        """A transport for clients that build themselves (ollama)."""
        inner = self._open(library, "HTTPTransport", base_url, self._tuning.max_connections)
        body = type("Body", (SyncBody, library.SyncByteStream), {})
        cls = type("DrainingTransport", (_DrainingTransport, library.BaseTransport), {})
        return cls(inner, body, self._tuning)

    def async_transport(self, library: Any, base_url: str) -> Any:
        """A transport for clients that build themselves (ollama)."""
        cls = type("PerLoopTransport", (PerLoopTransport, library.AsyncBaseTransport), {})
        transport: PerLoopTransport = cls(
            library,
            lambda size: self._open(library, "AsyncHTTPTransport", base_url, size),
            self._tuning,
        )
        self._transports.append(transport)
        return transport

    def close(self) -> None:
        """Close everything that can be closed without waiting.

        Connections of an event loop that runs elsewhere are closed by that loop, soon after.
        """
        with self._lock:
            clients, self._sync, self._async = list(self._sync.values()), {}, {}
            transports, self._transports = self._transports, []
        for client in clients:
            client.close()
        for transport in transports:
            transport.close()

    async def aclose(self) -> None:
        """Close everything, and wait for the connections of the running loop."""
        with self._lock:
            transports = list(self._transports)
        for transport in transports:
            await transport.aclose()
        self.close()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        self.close()

    async def __aenter__(self) -> Self:
        """Use as an asynchronous context manager."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        await self.aclose()

    def _options(self, library: Any) -> Mapping[str, Any]:
        tuning = self._tuning
        timeout = library.Timeout(
            READ_TIMEOUT, connect=tuning.connect_timeout, pool=tuning.pool_timeout
        )
        return {"timeout": timeout, "follow_redirects": True}

    def _open(self, library: Any, transport: str, base_url: str, size: int) -> Any:
        name = library.__name__
        if name not in self._ssl:
            # Reading the certificates costs 20 ms: once, not per pool.
            self._ssl[name] = library.create_ssl_context()
        return getattr(library, transport)(
            verify=self._ssl[name],
            limits=library.Limits(
                max_connections=size,
                max_keepalive_connections=size,
                keepalive_expiry=self._tuning.keepalive_expiry,
            ),
            proxy=proxy_for(base_url),
            socket_options=_socket_options(),
        )


class _DrainingTransport:
    """A synchronous transport whose streams give their socket back."""

    def __init__(self, inner: Any, body: Any, tuning: HttpTuning) -> None:
        self._inner = inner
        self._body = body
        self._tuning = tuning

    def handle_request(self, request: Any) -> Any:
        timeouts = bounded_timeouts(request.extensions, self._tuning)
        request.extensions = {**request.extensions, "timeout": timeouts}
        response = self._inner.handle_request(request)
        network = response.extensions.get("network_stream")
        response.stream = self._body(response.stream, network, self._tuning.drain)
        return response

    def close(self) -> None:
        self._inner.close()


def library_of(sdk: Sdk) -> Any:
    """The HTTP library an SDK uses, as a module.

    Raises:
        MissingExtra: The SDK is not installed.
    """
    try:
        if sdk == "ollama":
            return importlib.import_module("httpx")
        client = importlib.import_module(sdk).DefaultHttpxClient
    except ImportError as error:
        raise MissingExtra(f"The {sdk} provider", sdk) from error
    # The SDKs rename the classes they export; their ancestors keep their origin.
    packages = [cls.__module__.partition(".")[0] for cls in client.__mro__]
    return importlib.import_module("httpx2" if "httpx2" in packages else "httpx")


def proxy_for(base_url: str) -> str | None:
    """The proxy that the environment asks for, or None; this machine is never behind one."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _socket_options() -> list[tuple[int, int, int]]:
    """TCP keep-alive: a silently vanished peer is noticed in about 90 s, where supported."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        option = getattr(socket, name, None)
        if option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options
