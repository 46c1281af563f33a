"""A thread with an event loop and a listening socket on this machine; gone without a trace."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

from langchain_switchyard.testing.faulty.connection import Connection, Progress
from langchain_switchyard.testing.faulty.ledger import Ledger
from langchain_switchyard.testing.faulty.wire import Request, Step

_BACKLOG = 2048


class Server:
    """Serves responses on 127.0.0.1, on a port of the system's choice.

    Args:
        respond: Answers a request; called in the server's thread.
        ledger: Counts the connections.
    """

    def __init__(
        self, respond: Callable[[Request], tuple[Iterator[Step], Progress]], ledger: Ledger
    ) -> None:
        """Listen and begin to serve."""
        self.respond = respond
        self._ledger = ledger
        self._connections: set[Connection] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._empty = asyncio.Event()
        self._thread = threading.Thread(
            target=self._serve, name=f"faulty-provider-{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Drop every client, close the socket, end the thread; return when all is gone."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def drain(self, timeout: float) -> None:
        """Let the loop take in what clients have already sent (or closed).

        What a client on this machine has written is readable here at once; a few turns of the
        loop accept, read and answer it.

        Args:
            timeout: Real seconds to wait for the loop.

        Raises:
            TimeoutError: The loop is busy: a brain blocks it.
        """
        asyncio.run_coroutine_threadsafe(_turn(), self._loop).result(timeout)

    def connected(self, connection: Connection) -> None:
        """Remember a client, to drop it at the end."""
        self._connections.add(connection)
        self._ledger.connected(1)

    def disconnected(self, connection: Connection) -> None:
        """Forget a client."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        self._ledger.connected(-1)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._until_stopped())
        finally:
            self._loop.close()
            self._socket.close()

    async def _until_stopped(self) -> None:
        server = await self._loop.create_server(
            lambda: Connection(self, self._loop), sock=self._socket, backlog=_BACKLOG
        )
        await self._stop.wait()
        # A client accepted a moment ago is still a task of the loop. Closing the server under it
        # would make asyncio drop the task and leave the socket to the garbage collector.
        while arriving := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(arriving)
        server.close()
        for connection in list(self._connections):
            connection.close()
        if self._connections:
            self._empty.clear()
            await self._empty.wait()  # Each leaves the set when its socket is closed.


async def _turn() -> None:
    for _ in range(8):
        await asyncio.sleep(0)
