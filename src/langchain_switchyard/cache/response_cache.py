"""ResponseCache: answers of earlier requests, for `ChatSwitchyard(cache=ResponseCache())`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

from langchain_core.messages import AIMessage

from langchain_switchyard.cache.by_hand import ByHand, Hit
from langchain_switchyard.cache.checks import check_names, check_parts
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.layer import CacheHandler
from langchain_switchyard.cache.levels.level import Level
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.cache.matching import Matching
from langchain_switchyard.cache.parts import Parts, Redact
from langchain_switchyard.cache.plan import NO_WISHES
from langchain_switchyard.cache.policy import CachePolicy
from langchain_switchyard.cache.semantic_check import check_semantic
from langchain_switchyard.cache.semantic_contract import SemanticLevel
from langchain_switchyard.cache.tally import CacheStats
from langchain_switchyard.routing.cache_options import CacheOptions, names_of
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.layer import Handler, Layer

R = TypeVar("R")


class ResponseCache:
    """One cache; give it to one or several chat models.

    ```python
    cache = ResponseCache([MemoryLevel(), RedisLevel("redis://cache:6379")])
    model = ChatSwitchyard(deployments=[...], cache=cache)
    ```

    Args:
        levels: Where answers are kept, the nearest first; default: this process's memory.
        policy: What may be stored and served, and how long.
        semantic: Matches questions by meaning; None: only equal requests share an answer.
        redact: Sees every answer before it is stored; returns what to store, or None.
        world: Time and chance for the methods below; chat models bring their own.

    Raises:
        ConfigurationError: A part is not what it should be.
    """

    def __init__(
        self,
        levels: Sequence[Level] | None = None,
        policy: CachePolicy | None = None,
        *,
        semantic: SemanticLevel | None = None,
        redact: Redact | None = None,
        world: World | None = None,
    ) -> None:
        """Put the levels together."""
        check_parts(levels, policy, redact)
        check_semantic(semantic, policy)
        shelf = Shelf([MemoryLevel()] if levels is None else levels)
        matching = None if semantic is None else Matching(semantic, shelf)
        self._parts = Parts(shelf, policy or CachePolicy(), matching, redact)
        self._world = world or World()
        self._by_hand = ByHand(self._parts, self._world)

    @property
    def policy(self) -> CachePolicy:
        """What it was told."""
        return self._parts.policy

    def layer(self, world: World) -> Layer:
        """The cache's layer of a router's pipeline."""

        def layer(inner: Handler) -> Handler:
            return CacheHandler(self._parts, world, inner)

        return layer

    # --- By hand: for code that has no ChatSwitchyard ---

    def key(self, request: Request) -> Key:
        """The address of a request's answer.

        Raises:
            Uncacheable: A part of the request has no JSON form.
        """
        return self._parts.keys.key(self._by_hand.as_wished(request, NO_WISHES))

    def lookup(
        self, request: Request, options: CacheOptions | None = None, *, in_outage: bool = False
    ) -> Hit | None:
        """The stored answer of an equal request, or None.

        Args:
            request: What was asked.
            options: What is wanted of the cache.
            in_outage: Whether an answer will do that may only stand in for an error.

        Raises:
            NotCached: There is none, and `options` say `only_if_cached`.
        """
        return self._run(self._by_hand.look(request, options or NO_WISHES, in_outage=in_outage))

    async def alookup(
        self, request: Request, options: CacheOptions | None = None, *, in_outage: bool = False
    ) -> Hit | None:
        """As `lookup`."""
        steps = self._by_hand.look(request, options or NO_WISHES, in_outage=in_outage)
        return await self._arun(steps)

    def store(
        self, request: Request, message: AIMessage, options: CacheOptions | None = None
    ) -> str | None:
        """Store an answer by the rules of the policy; returns why not, or None if it was stored."""
        return self._run(self._by_hand.store(request, message, options or NO_WISHES))

    async def astore(
        self, request: Request, message: AIMessage, options: CacheOptions | None = None
    ) -> str | None:
        """As `store`."""
        return await self._arun(self._by_hand.store(request, message, options or NO_WISHES))

    # --- Taking back ---

    def invalidate(
        self,
        namespace: str | None = None,
        *,
        tags: Iterable[str] | None = None,
        tenant: str | None = None,
    ) -> None:
        """Let stored answers no longer count, here at once and in other processes within a second.

        Args:
            namespace: Where; None: the policy's.
            tags: Only answers that carry one of these; None: all of the namespace.
            tenant: Only this one's; None: everybody's.

        Raises:
            LevelUnreachable: Other processes could not be told yet.
            ConfigurationError: That is no namespace, or these are no tags.
        """
        self._run(self._invalidate(namespace, tags, tenant))

    async def ainvalidate(
        self,
        namespace: str | None = None,
        *,
        tags: Iterable[str] | None = None,
        tenant: str | None = None,
    ) -> None:
        """As `invalidate`."""
        await self._arun(self._invalidate(namespace, tags, tenant))

    def erase(self, subject: str, *, tenant: str | None = None) -> int:
        """Delete every answer about a subject (`CacheOptions(subject=...)`) from every level.

        Args:
            subject: Whom.
            tenant: Only what was asked on this one's behalf; None: on anybody's.

        Returns:
            How many the fullest level had. Memories of other processes stop serving theirs within
            a second, and let them go with age.

        Raises:
            LevelUnreachable: Something may still be there; all levels were tried.
        """
        return self._run(self._erase(subject, tenant))

    async def aerase(self, subject: str, *, tenant: str | None = None) -> int:
        """As `erase`."""
        return await self._arun(self._erase(subject, tenant))

    def report_wrong(self, hit_id: str) -> bool:
        """A semantic hit was wrong; its `hit_id` is in the answer's `cache_detail`.

        Returns:
            Whether the hit was known.
        """
        return self._run(self._report_wrong(hit_id))

    async def areport_wrong(self, hit_id: str) -> bool:
        """As `report_wrong`."""
        return await self._arun(self._report_wrong(hit_id))

    # --- Looking inside, and the end ---

    def stats(self) -> CacheStats:
        """What it did so far; a table in notebooks."""
        semantic = self._parts.semantic
        return self._parts.tally.stats(
            {level.name: level.usage() for level in self._parts.shelf.levels},
            {} if semantic is None else semantic.stats(),
        )

    async def astats(self) -> CacheStats:
        """As `stats`; a level that is busy is waited for in a thread."""
        return await asyncio.to_thread(self.stats)

    def settle(self) -> None:
        """Wait for what runs behind the scenes in threads."""
        self._parts.background.settle()

    async def asettle(self) -> None:
        """Wait for what runs behind the scenes on this event loop and in threads."""
        await self._parts.background.asettle()

    def close(self) -> None:
        """Let go of connections and files."""
        self.settle()
        self._run(self._parts.shelf.close())

    async def aclose(self) -> None:
        """As `close`."""
        await self.asettle()
        await self._arun(self._parts.shelf.close())

    def _erase(self, subject: str, tenant: str | None) -> Steps[int]:
        check_names(subject=subject, tenant=tenant)
        semantic = self._parts.semantic
        if semantic is not None and tenant is None:
            semantic.forget_user(subject)
        try:
            return (yield from self._parts.shelf.erase(subject, tenant, self._world.clock))
        finally:
            if semantic is not None:
                semantic.forget_stale()

    def _invalidate(
        self, namespace: str | None, tags: Iterable[str] | None, tenant: str | None
    ) -> Steps[None]:
        check_names(namespace=namespace, tenant=tenant)
        labels = None if tags is None else names_of(tags, "tags", "['faq']")
        name = namespace or self._parts.policy.namespace
        try:
            yield from self._parts.shelf.invalidate(name, labels, tenant, self._world.clock)
        finally:
            if self._parts.semantic is not None:
                self._parts.semantic.forget_stale()

    def _report_wrong(self, hit_id: str) -> Steps[bool]:
        if self._parts.semantic is None:
            return False
        clock = self._world.clock
        until = clock.wall() + self._parts.policy.freshness.longest
        return (yield from self._parts.semantic.report_wrong(hit_id, until, clock))

    def _run(self, steps: Steps[R]) -> R:
        return SyncDriver(self._world.clock).run(steps)

    async def _arun(self, steps: Steps[R]) -> R:
        return await AsyncDriver(self._world.clock).run(steps)
