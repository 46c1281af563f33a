"""An answer has arrived: let everybody who waits have it, then store it where it may be stored."""

from __future__ import annotations

import logging
from functools import partial

from langchain_core.messages import AIMessage

from langchain_switchyard.cache.codec import encode
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.flights.flight import Flight
from langchain_switchyard.cache.flights.miss import Miss
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.storing import (
    entry_from,
    facts_of,
    message_of,
    redacted,
    why_not_stored,
)
from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.effects import Steps

_log = logging.getLogger(__name__)


class Landing:
    """Stores fresh answers.

    Args:
        parts: The cache.
        world: Time and chance.
    """

    def __init__(self, parts: Parts, world: World) -> None:
        """Nothing is stored yet."""
        self._parts = parts
        self._world = world

    def safely(
        self, miss: Miss, flight: Flight, reply: Reply, token: str | None = None
    ) -> Steps[None]:
        """`land`, whatever goes wrong: the answer is there and paid for, and is not lost any more.

        A hook, a price, a level or a policy of somebody's own may raise anything; it is logged and
        counted, and all who wait are given the answer.
        """
        try:
            yield from self.land(miss, flight, reply, token)
        except Exception:  # noqa: BLE001 - whatever somebody's own parts raise, it is logged.
            _log.exception("an answer could not be stored; it is given all the same")
            self._not_stored(miss, "failed")
            if not flight.done:
                flight.land(reply, self._bare(miss.call, reply))

    def count(self, reply: Reply) -> None:
        """Note what a reply cost."""
        try:
            self._parts.tally.spent(None if reply.attempt is None else reply.attempt.usage)
        except Exception:  # noqa: BLE001 - usage is what a provider says; it is logged.
            _log.exception("a reply's usage could not be counted")

    def land(
        self, miss: Miss, flight: Flight, reply: Reply, token: str | None = None
    ) -> Steps[None]:
        """Near levels first, then the riders, then what takes time.

        Args:
            miss: What was asked.
            flight: Who waits.
            reply: The answer.
            token: Under which the model was asked for all processes; None: for this one alone.
        """
        parts, clock = self._parts, self._world.clock
        self.count(reply)
        message = message_of(miss.call, reply)
        shared = None if message is None else self._entry(message, miss, reply)
        if message is None or shared is None:
            self._not_stored(miss, "no form")
            flight.land(reply, None)
            return
        fit, reason = self._fit(miss, message)
        kept = shared if fit is message else self._entry(fit, miss, reply) if fit else None
        if fit is None or kept is None or (reason := self._refusal(kept)):
            self._not_stored(miss, reason or "no form")
            flight.land(reply, shared)
            return
        yield from parts.shelf.keep(miss.key, kept, clock, waiting=False)
        flight.land(reply, shared)
        if miss.plan.options.no_cache:
            yield from parts.shelf.replace(miss.key, kept, clock)
        elif token is None:
            yield from parts.shelf.keep(miss.key, kept, clock, waiting=True)
        elif not (yield from parts.shelf.publish(miss.key, kept, clock, token)):
            self._not_stored(miss, "overtaken")
            return
        if miss.question is not None and parts.semantic is not None:
            # Comparing answers may mean asking a model: nobody waits for that.
            told = (miss.question, fit.text, miss.verdict, kept.keep_until, clock)
            yield parts.background.spawn(partial(parts.semantic.learn, *told), clock)

    def _bare(self, call: Call, reply: Reply) -> Entry | None:
        """The answer for those who wait, made without any part that might have broken."""
        try:
            message, now = message_of(call, reply), self._world.clock.wall()
            body = None if message is None else encode(message)
        except Exception:  # noqa: BLE001 - as above; they ask anew.
            _log.exception("an answer cannot be shared")
            return None
        if body is None:
            return None
        return Entry(body=body, created=now, fresh_until=now, stale_until=now, outage_until=now)

    def _fit(self, miss: Miss, message: AIMessage) -> tuple[AIMessage | None, str]:
        """The message as it may be stored, or why it may not."""
        reason = why_not_stored(self._parts, miss.plan, miss.call, message)
        if reason is not None:
            return None, reason
        fit = redacted(self._parts, message)
        return (None, "redacted") if fit is None else (fit, "")

    def _refusal(self, entry: Entry) -> str:
        """Why the finished entry may not be stored; empty if it may."""
        if len(entry.body) > self._parts.policy.admission.max_bytes:
            return "too large"
        # It would never be served, and what was erased must not lie there again.
        return "" if self._parts.shelf.epochs.holds(entry) else "invalidated meanwhile"

    def _entry(self, message: AIMessage, miss: Miss, reply: Reply) -> Entry | None:
        policy, attempt = self._parts.policy, reply.attempt
        fresh_for = policy.freshness.fresh_for
        if attempt is not None:
            preferred = min(state.deployment.tier for state in miss.candidates)
            if attempt.state.deployment.tier > preferred:
                fresh_for = min(fresh_for, policy.freshness.fallback_fresh_for)
        return entry_from(
            message,
            miss.plan,
            policy,
            self._world,
            fresh_for=fresh_for,
            facts=facts_of(attempt),
        )

    def _not_stored(self, miss: Miss, reason: str) -> None:
        self._parts.tally.reason(miss.plan.request.namespace, f"not stored: {reason}")
