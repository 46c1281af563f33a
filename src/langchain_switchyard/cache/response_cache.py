"""ResponseCache: answers of earlier requests, for `ChatSwitchyard(cache=ResponseCache())`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.messages import AIMessage

from langchain_switchyard.cache.admission import answer_rule, request_rule
from langchain_switchyard.cache.codec import decode
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.errors import NotCached, Uncacheable
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.layer import CacheHandler
from langchain_switchyard.cache.levels.level import Level
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.cache.matching import Matching
from langchain_switchyard.cache.parts import Parts, Redact
from langchain_switchyard.cache.plan import NO_WISHES, Plan
from langchain_switchyard.cache.policy import CachePolicy
from langchain_switchyard.cache.replay import free_of_charge
from langchain_switchyard.cache.semantic_contract import SemanticLevel
from langchain_switchyard.cache.storing import entry_from, redacted
from langchain_switchyard.cache.tally import CacheStats
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.layer import Handler, Layer

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer from the cache."""

    message: AIMessage
    """A new message: no id, no usage, shared with nobody."""
    age: float
    """Seconds since it was stored."""
    level: str
    freshness: str
    """`fresh`, `stale` (fetch a new one) or `outage` (only instead of an error)."""
    saved_usage: Any = None
    """What the answer cost when it was made."""


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
        shelf = Shelf([MemoryLevel()] if levels is None else levels)
        matching = None if semantic is None else Matching(semantic, shelf)
        self._parts = Parts(shelf, policy or CachePolicy(), matching, redact)
        self._world = world or World()

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
        return self._parts.keys.key(self._as_wished(request, NO_WISHES))

    def lookup(self, request: Request, options: CacheOptions | None = None) -> Hit | None:
        """The stored answer of an equal request, or None.

        Raises:
            NotCached: There is none, and `options` say `only_if_cached`.
        """
        return self._run(self._look(request, options or NO_WISHES))

    async def alookup(self, request: Request, options: CacheOptions | None = None) -> Hit | None:
        """As `lookup`."""
        return await self._arun(self._look(request, options or NO_WISHES))

    def store(
        self, request: Request, message: AIMessage, options: CacheOptions | None = None
    ) -> str | None:
        """Store an answer by the rules of the policy; returns why not, or None if it was stored."""
        return self._run(self._store(request, message, options or NO_WISHES))

    async def astore(
        self, request: Request, message: AIMessage, options: CacheOptions | None = None
    ) -> str | None:
        """As `store`."""
        return await self._arun(self._store(request, message, options or NO_WISHES))

    # --- Taking back ---

    def invalidate(
        self, namespace: str | None = None, *, tags: Iterable[str] | None = None
    ) -> None:
        """Let stored answers no longer count, here at once and in other processes within a second.

        Args:
            namespace: Where; None: the policy's.
            tags: Only answers that carry one of these; None: all of the namespace.
        """
        self._run(self._invalidate(namespace, tags))

    async def ainvalidate(
        self, namespace: str | None = None, *, tags: Iterable[str] | None = None
    ) -> None:
        """As `invalidate`."""
        await self._arun(self._invalidate(namespace, tags))

    def erase(self, subject: str) -> int:
        """Delete every answer about a subject (`CacheOptions(subject=...)`) from every level.

        Returns:
            How many the fullest level had. Memories of other processes stop serving theirs within
            a second, and let them go with age.
        """
        return self._run(self._erase(subject))

    async def aerase(self, subject: str) -> int:
        """As `erase`."""
        return await self._arun(self._erase(subject))

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

    def _as_wished(self, request: Request, options: CacheOptions) -> Request:
        """The request in the namespace, with the subject and the `vary` that are asked for."""
        return dataclasses.replace(
            request,
            namespace=options.namespace or request.namespace or self._parts.policy.namespace,
            subject=options.subject or request.subject,
            vary={**request.vary, **options.vary},
        )

    def _look(self, request: Request, options: CacheOptions) -> Steps[Hit | None]:
        request, tally = self._as_wished(request, options), self._parts.tally
        reason: str | None = "no_cache" if options.no_cache else None
        found: tuple[Entry, str] | None = None
        if reason is None:
            try:
                key = self._parts.keys.key(request)
                found = yield from self._parts.shelf.find(key, self._world.clock)
            except Uncacheable as error:
                reason = f"no key: {error}"[:80]
        now = self._world.clock.wall()
        plan = Plan(request, options, None)
        if found is None or plan.use_of(found[0], now) == "dead":
            tally.result(request.namespace, "none", "bypass" if reason else "miss", reason)
            if options.only_if_cached:
                raise NotCached("only_if_cached, and there is no answer that may be served")
            return None
        entry, level = found
        message = decode(entry.body)
        saved = free_of_charge(message)
        freshness = entry.freshness(now)
        tally.hit(
            request.namespace, level, "exact" if freshness == "fresh" else "stale", entry, saved
        )
        return Hit(message, max(0.0, now - entry.created), level, freshness, saved)

    def _store(
        self, request: Request, message: AIMessage, options: CacheOptions
    ) -> Steps[str | None]:
        request, rules = self._as_wished(request, options), self._parts.policy.admission
        if options.no_store:
            return "no_store"
        reason = request_rule(request.parameters, None, options, rules) or answer_rule(
            message, request.parameters, options, rules
        )
        if reason is not None:
            return reason
        fit = redacted(self._parts, message)
        if fit is None:
            return "redacted"
        try:
            key = self._parts.keys.key(request)
        except Uncacheable as error:
            return f"no key: {error}"
        epochs = self._parts.shelf.epochs.stamp(request.namespace, options.tags, request.subject)
        clock = self._world.clock
        plan = Plan(request, options, key, None, epochs)
        entry = entry_from(fit, plan, self._parts.policy, self._world)
        if entry is None or len(entry.body) > rules.max_bytes:
            return "no form" if entry is None else "too large"
        yield from self._parts.shelf.keep(key, entry, clock, waiting=False)
        yield from self._parts.shelf.keep(key, entry, clock, waiting=True)
        return None

    def _erase(self, subject: str) -> Steps[int]:
        if self._parts.semantic is not None:
            self._parts.semantic.forget_user(subject)
        return (yield from self._parts.shelf.erase(subject, self._world.clock))

    def _invalidate(self, namespace: str | None, tags: Iterable[str] | None) -> Steps[None]:
        name = namespace or self._parts.policy.namespace
        yield from self._parts.shelf.invalidate(name, tags, self._world.clock)
        if self._parts.semantic is not None:
            self._parts.semantic.forget_stale()

    def _report_wrong(self, hit_id: str) -> Steps[bool]:
        if self._parts.semantic is None:
            return False
        clock, rule = self._world.clock, self._parts.policy.freshness
        # Longer than anything that is stored by now.
        life = rule.fresh_for + rule.stale_while_revalidate + rule.stale_if_error
        return (
            yield from self._parts.semantic.report_wrong(hit_id, clock.wall() + 2 * life, clock)
        )

    def _run(self, steps: Steps[R]) -> R:
        return SyncDriver(self._world.clock).run(steps)

    async def _arun(self, steps: Steps[R]) -> R:
        return await AsyncDriver(self._world.clock).run(steps)
