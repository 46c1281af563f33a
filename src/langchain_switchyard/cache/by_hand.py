"""Looking and storing without a chat model: what a router does, for other code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from langchain_switchyard.cache.admission import answer_rule, request_rule
from langchain_switchyard.cache.checks import check_names
from langchain_switchyard.cache.codec import decode
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.errors import NotCached, Uncacheable
from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.plan import Plan
from langchain_switchyard.cache.replay import free_of_charge
from langchain_switchyard.cache.storing import entry_from, redacted
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.effects import Steps

_TEXT = frozenset({str, type(None)})


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


class ByHand:
    """One cache, looked at and filled request by request.

    Args:
        parts: The cache.
        world: Time and chance.
    """

    def __init__(self, parts: Parts, world: World) -> None:
        """Nothing is asked yet."""
        self._parts = parts
        self._world = world

    def as_wished(self, request: Request, options: CacheOptions) -> Request:
        """The request in the namespace, with the subject and the `vary` that are asked for.

        Raises:
            ConfigurationError: It is no request.
        """
        given: object = request
        if not isinstance(given, Request):
            raise ConfigurationError(
                f"a request is Request(messages=[HumanMessage('...')]), got {type(given).__name__}"
            )
        names = {
            "namespace": request.namespace,
            "tenant": request.tenant,
            "subject": request.subject,
        }
        if not _TEXT.issuperset(map(type, names.values())):  # This is on the path of every hit.
            check_names(**names)
        # Said in full: `dataclasses.replace` takes three times as long.
        return Request(
            messages=request.messages,
            parameters=request.parameters,
            model=request.model,
            namespace=options.namespace or request.namespace or self._parts.policy.namespace,
            tenant=request.tenant,
            subject=options.subject or request.subject,
            vary={**request.vary, **options.vary} if options.vary else request.vary,
        )

    def look(
        self, request: Request, options: CacheOptions, *, in_outage: bool
    ) -> Steps[Hit | None]:
        """The stored answer of an equal request, or None.

        Args:
            request: What was asked.
            options: What is wanted of the cache.
            in_outage: Whether an answer will do that may only stand in for an error.

        Raises:
            NotCached: There is none, and `options` say `only_if_cached`.
        """
        request, tally = self.as_wished(request, options), self._parts.tally
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
        useless = ("dead",) if in_outage else ("dead", "outage")
        if found is None or plan.use_of(found[0], now) in useless:
            tally.result(request.namespace, "none", "bypass" if reason else "miss", reason)
            if options.only_if_cached:
                raise NotCached("only_if_cached, and there is no answer that may be served")
            return None
        entry, level = found
        message = decode(entry.body)
        saved = free_of_charge(message)
        freshness = entry.freshness(now)
        result = "exact" if freshness == "fresh" else "stale"
        tally.hit(request.namespace, level, result, entry, saved)
        return Hit(message, max(0.0, now - entry.created), level, freshness, saved)

    def store(
        self, request: Request, message: AIMessage, options: CacheOptions
    ) -> Steps[str | None]:
        """Store an answer by the rules of the policy; returns why not, or None if it was stored.

        Raises:
            ConfigurationError: It is no answer.
        """
        given: object = message
        if not isinstance(given, AIMessage):
            raise ConfigurationError(f"an answer is an AIMessage, got {type(given).__name__}")
        parts, clock = self._parts, self._world.clock
        request, rules = self.as_wished(request, options), parts.policy.admission
        reason = (
            ("no_store" if options.no_store else None)
            or request_rule(request.parameters, None, options, rules)
            or answer_rule(message, request.parameters, options, rules)
        )
        if reason is not None:
            return reason
        fit = redacted(parts, message)
        if fit is None:
            return "redacted"
        try:
            key = parts.keys.key(request)
        except Uncacheable as error:
            return f"no key: {error}"
        whose = request.namespace, options.tags, request.subject, request.tenant
        plan = Plan(request, options, key, None, parts.shelf.epochs.stamp(*whose))
        entry = entry_from(fit, plan, parts.policy, self._world)
        if entry is None or len(entry.body) > rules.max_bytes:
            return "no form" if entry is None else "too large"
        if options.no_cache:
            yield from parts.shelf.replace(key, entry, clock)
            return None
        yield from parts.shelf.keep(key, entry, clock, waiting=False)
        yield from parts.shelf.keep(key, entry, clock, waiting=True)
        return None
