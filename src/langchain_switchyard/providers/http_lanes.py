"""An asynchronous transport for many event loops, whose pool survives cancellation.

One client object lives as long as its chat model, but a connection belongs to the event loop that
opened it. So the transport keeps a set of connections for each running loop, closes it when the
loop shuts its generators down (`asyncio.run` does, before it closes the loop), and drops what a
loop left behind that was closed without that.

httpcore 1.x loses a slot of its pool for good when a request is cancelled between being given a
connection and using it. Three measures: a semaphore in front, so that requests never queue inside a
pool and waiting is cancelled safely; a request that is cancelled before it reached the wire runs on
alone until it is connected, and ends there, unsent; and pools are small ("lanes"), because theirs
is a quadratic scan.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any, Self

from langchain_switchyard.providers.http_bodies import AsyncBody
from langchain_switchyard.providers.tuning import HttpTuning

logger = logging.getLogger(__name__)

_BURIAL_LIMIT = 10.0
"""Seconds after which a cancelled request that still is not on the wire is cut."""


class PerLoopTransport:
    """Routes each request to the connections of the loop that is running.

    Args:
        library: `httpx` or `httpx2`, whichever the SDK uses.
        open_transport: Makes one pool, given how many sockets it may have.
        tuning: Sizes and times.
    """

    def __init__(
        self, library: Any, open_transport: Callable[[int], Any], tuning: HttpTuning
    ) -> None:
        """Open nothing yet."""
        self._library = library
        self._open_transport = open_transport
        self._tuning = tuning
        self._loops: dict[asyncio.AbstractEventLoop, Lanes] = {}
        self._lock = threading.Lock()

    async def handle_async_request(self, request: Any) -> Any:
        """Send one request; the answer's body frees its socket when closed."""
        lanes = self._loops.get(asyncio.get_running_loop()) or await self._open_lanes()
        return await lanes.send(request)

    async def aclose(self) -> None:
        """Close the connections of every loop that still runs."""
        here = asyncio.get_running_loop()
        with self._lock:
            loops, self._loops = self._loops, {}
        for loop, lanes in loops.items():
            if loop is here:
                await lanes.aclose()
            else:
                lanes.close_from_outside(loop)

    def close(self) -> None:
        """Close what can be closed without waiting: loops running elsewhere do it themselves."""
        with self._lock:
            loops, self._loops = self._loops, {}
        for loop, lanes in loops.items():
            lanes.close_from_outside(loop)

    async def __aenter__(self) -> Self:
        """The library's clients enter their transport."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """The library's clients leave their transport when they are closed."""
        await self.aclose()

    async def _open_lanes(self) -> Lanes:
        loop = asyncio.get_running_loop()
        lanes = Lanes(self._library, self._open_transport, self._tuning)
        with self._lock:
            for dead in [known for known in self._loops if known.is_closed()]:
                del self._loops[dead]
            self._loops[loop] = lanes
        await lanes.close_with_loop(self._forget)
        return lanes

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._loops.pop(loop, None)


class _Lane:
    """One pool and how many requests it carries."""

    def __init__(self, transport: Any, size: int) -> None:
        self.transport = transport
        self.size = size
        self.in_flight = 0


class Lanes:
    """The connections of one event loop to one base URL."""

    def __init__(
        self, library: Any, open_transport: Callable[[int], Any], tuning: HttpTuning
    ) -> None:
        """Open nothing yet."""
        self._library = library
        self._open_transport = open_transport
        self._tuning = tuning
        self._slots = asyncio.Semaphore(tuning.max_connections)
        self._lanes: list[_Lane] = []
        self._background: set[Any] = set()
        self._body = type("Body", (AsyncBody, library.AsyncByteStream), {})
        # httpx2 repaired its pool; only httpcore 1.x must be protected from cancellation.
        self._detaches = library.__name__ == "httpx"
        self._guardian: AsyncGenerator[None, None] | None = None

    async def send(self, request: Any) -> Any:
        """Send one request when a socket is free."""
        await self._take_slot(request)
        lane = self._lane_with_room()
        lane.in_flight += 1
        release = _Once(lambda: self._give_back(lane))
        request.extensions = self._bounded(request.extensions)
        try:
            if self._detaches:
                response = await self._send_detached(lane, request, release)
            else:
                response = await lane.transport.handle_async_request(request)
        except self._library.PoolTimeout:
            # We held a slot, so this pool has lost one: never use it again.
            self._retire(lane)
            release()
            raise
        except asyncio.CancelledError:
            if not self._detaches:
                release()
            raise
        except BaseException:
            release()
            raise
        response.stream = self._body(response.stream, release, self._tuning.drain, self._background)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        lanes, self._lanes = self._lanes, []
        for lane in lanes:
            await lane.transport.aclose()

    def close_from_outside(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask a loop that runs in another thread to close its connections."""
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(self.aclose(), loop)

    async def close_with_loop(self, forget: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        """Have the loop close the connections when it shuts down its generators."""
        self._guardian = _until_shutdown(self, forget)
        await anext(self._guardian)

    async def _take_slot(self, request: Any) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._tuning.pool_timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise self._library.PoolTimeout(
                f"all {self._tuning.max_connections} connections are in use; "
                "raise HttpTuning.max_connections or add deployments",
                request=request,
            ) from None

    def _lane_with_room(self) -> _Lane:
        for lane in self._lanes:
            if lane.in_flight < lane.size:
                return lane
        size = min(self._tuning.lane, self._tuning.max_connections)
        lane = _Lane(self._open_transport(size), size)
        self._lanes.append(lane)
        return lane

    def _give_back(self, lane: _Lane) -> None:
        lane.in_flight -= 1
        self._slots.release()

    def _retire(self, lane: _Lane) -> None:
        logger.warning("a connection pool lost connections and is replaced")
        if lane in self._lanes:
            self._lanes.remove(lane)

    def _bounded(self, extensions: dict[str, Any]) -> dict[str, Any]:
        return {**extensions, "timeout": bounded_timeouts(extensions, self._tuning)}

    async def _send_detached(self, lane: _Lane, request: Any, release: Callable[[], None]) -> Any:
        """Send in a task of its own, which a cancelled caller leaves to end safely."""
        wire = _Wire(request.extensions.get("trace"))
        request.extensions["trace"] = wire.trace
        loop = asyncio.get_running_loop()
        task = loop.create_task(lane.transport.handle_async_request(request))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            wire.abandoned = True
            if wire.reached:
                task.cancel()  # On the wire the pool copes with it.
            burial = loop.create_task(_bury(task, release))
            self._background.add(burial)
            burial.add_done_callback(self._background.discard)
            raise


class _Once:
    """Calls a function at most once, however often it is called itself."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()


class _Wire:
    """Knows whether a request has reached the wire; ends an abandoned one just before it."""

    def __init__(self, trace: Callable[..., Any] | None) -> None:
        self._trace = trace
        self.reached = False
        self.abandoned = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by httpcore at every step of a request."""
        if self._trace is not None:
            await self._trace(event, info)
        if self.reached or event != "http11.send_request_headers.started":
            return
        if getattr(info.get("request"), "method", b"") == b"CONNECT":
            return  # The tunnel to a proxy: not yet our own request.
        self.reached = True
        if self.abandoned:
            raise asyncio.CancelledError


async def _bury(task: asyncio.Task[Any], release: Callable[[], None]) -> None:
    """Wait for an abandoned request to end, close what it brought, free its slot."""
    try:
        done, _ = await asyncio.wait({task}, timeout=_BURIAL_LIMIT)
        if not done:
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
        if task.done() and not task.cancelled() and task.exception() is None:
            await task.result().aclose()
    except Exception:  # Nobody waits for this answer.
        logger.debug("an abandoned request did not end cleanly", exc_info=True)
    finally:
        release()


async def _until_shutdown(
    lanes: Lanes, forget: Callable[[asyncio.AbstractEventLoop], None]
) -> AsyncGenerator[None, None]:
    loop = asyncio.get_running_loop()
    try:
        yield
    finally:
        forget(loop)
        await lanes.aclose()


def bounded_timeouts(extensions: dict[str, Any], tuning: HttpTuning) -> dict[str, float | None]:
    """A request's own timeouts, with connecting and waiting for a socket bounded by ours."""
    timeouts = dict(extensions.get("timeout") or {})
    connect = timeouts.get("connect")
    bound = tuning.connect_timeout
    timeouts["connect"] = bound if connect is None else min(connect, bound)
    timeouts["pool"] = tuning.pool_timeout
    return timeouts
