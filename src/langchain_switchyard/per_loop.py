"""One client for each event loop, closed when its loop ends.

An awaiting client belongs to the loop it was first used on, and an application may have one loop
after the other (`asyncio.run` for every call). A loop that ends in order closes its asynchronous
generators; so each client is held by one, and leaves with its loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

_log = logging.getLogger(__name__)

_PATIENCE = 1.0
"""Seconds that closing a client may take at most."""


class PerLoop:
    """The clients of one service.

    Args:
        make: Makes a client; it has an awaiting `aclose`.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        """Make nothing yet."""
        self._make = make
        self._held: dict[asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[None]]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many clients there are."""
        return len(self._held)

    async def get(self) -> Any:
        """This loop's client."""
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is not None:
            return held[0]
        client = self._make()
        keeper = self._keep(loop, client)
        with self._lock:
            # Those of loops that ended without saying so.
            self._held = {known: at for known, at in self._held.items() if not known.is_closed()}
            self._held[loop] = client, keeper
        await anext(keeper)  # It waits for nothing: no other task runs meanwhile.
        return client

    async def close(self) -> None:
        """Close this loop's client."""
        held = self._held.get(asyncio.get_running_loop())
        if held is not None:
            await held[1].aclose()

    async def _keep(self, loop: asyncio.AbstractEventLoop, client: Any) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(loop, None)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await client.aclose()
            except Exception:  # noqa: BLE001 - a sick server must not spoil the end of a loop.
                _log.debug("a client did not close in order", exc_info=True)
