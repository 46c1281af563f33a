"""How the Redis level talks to its server: which client, how long at most, and what if it fails."""

from __future__ import annotations

import asyncio
import math
import threading
import weakref
from typing import Any, TypeVar

from langchain_switchyard.cache.levels.fuse import Fuse
from langchain_switchyard.cache.levels.redis_clients import Clients, clients_of, made_by
from langchain_switchyard.cache.levels.redis_commands import Flow, aperform, perform
from langchain_switchyard.per_loop import PerLoop

R = TypeVar("R")

_TO_MEET = 10
"""Budgets that the very first operation may take: a cluster's client learns who holds what."""
_PATIENCE = 5.0
"""Seconds that one step may take of what must not be left undone."""


class RedisTalk:
    """The connections of one level.

    Args:
        name: The level's.
        url: Of the server.
        budget: Seconds an operation may take.
        clients: Clients instead of a URL.
    """

    def __init__(self, name: str, url: str, budget: float, clients: Clients | None) -> None:
        """Connect to nothing yet."""
        blocking, awaiting = clients or clients_of(url, budget)
        # What must be done gets a client of its own that waits longer; a given one is as it is.
        self._patient = None if clients else clients_of(url, _PATIENCE)
        self._budget = budget
        self._make = made_by(blocking)
        self._aclients = PerLoop(made_by(awaiting))
        self._fuse = Fuse(name)
        self._client: Any = None
        self._met: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the blocking client."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close this loop's client, and the blocking one."""
        await self._aclients.close()
        self.close()

    # --- Within the budget: a failure is the default answer ---

    def _do(self, flow: Flow[R], default: R) -> R:
        return self._fuse.call(lambda: self._ask(flow), default)

    async def _ado(self, flow: Flow[R], default: R) -> R:
        return await self._fuse.acall(lambda: self._aask(flow), default)

    def _try(self, flow: Flow[R], default: R) -> R:
        """As `_do`, also right after a failure."""
        return self._fuse.attempt(lambda: self._ask(flow), default)

    async def _atry(self, flow: Flow[R], default: R) -> R:
        return await self._fuse.aattempt(lambda: self._aask(flow), default)

    def _ask(self, flow: Flow[R]) -> R:
        client = self._blocking()
        return perform(client, flow, self._limit(client))

    async def _aask(self, flow: Flow[R]) -> R:
        client = await self._aclients.get()
        async with asyncio.timeout(self._limit(client)):
            return await aperform(client, flow)

    # --- As long as it takes: a failure is raised ---

    def _insist(self, flow: Flow[R], undone: str) -> R:
        def ask() -> R:
            if self._patient is None:
                return perform(self._blocking(), flow, math.inf)
            client = made_by(self._patient[0])()
            try:
                return perform(client, flow, math.inf)
            finally:
                client.close()

        return self._fuse.insist(ask, undone)

    async def _ainsist(self, flow: Flow[R], undone: str) -> R:
        async def ask() -> R:
            if self._patient is None:
                return await aperform(await self._aclients.get(), flow, _PATIENCE)
            client = made_by(self._patient[1])()
            try:
                return await aperform(client, flow, _PATIENCE)
            finally:
                await client.aclose()

        return await self._fuse.ainsist(ask, undone)

    def _blocking(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def _limit(self, client: Any) -> float:
        if client in self._met:
            return self._budget
        # Once, whatever comes of it: a server that is not there must not cost so much again.
        self._met.add(client)
        return self._budget * _TO_MEET
