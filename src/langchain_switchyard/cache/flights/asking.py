"""A miss: one call for all who ask the same now, here and in other processes, and its storing."""

from __future__ import annotations

import copy
import dataclasses
import logging
from functools import partial

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.flights.flight import Abandoned, Flight
from langchain_switchyard.cache.flights.landing import Landing
from langchain_switchyard.cache.flights.miss import Miss
from langchain_switchyard.cache.flights.turn import Turn, pass_on
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.cache.plan import Plan
from langchain_switchyard.cache.serving import copied, free_copy, serve
from langchain_switchyard.errors import DeadlineExceeded, StreamInterrupted
from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.effects import Emit, Steps
from langchain_switchyard.routing.layer import Candidates, Handler

_log = logging.getLogger(__name__)

_STREAMS = ("error", "restart", "continue")


class Asking:
    """Asks the models on behalf of the cache.

    Args:
        parts: The cache.
        world: Time and chance.
        inner: What asks the models.
    """

    def __init__(self, parts: Parts, world: World, inner: Handler) -> None:
        """Nothing is under way."""
        self._parts = parts
        self._world = world
        self._inner = inner
        self._landing = Landing(parts, world)

    def plainly(self, call: Call, candidates: Candidates) -> Steps[Reply]:
        """Ask for a request that has nothing to do with the cache."""
        reply = yield from self._inner(call, candidates)
        self._landing.count(reply)
        return reply

    def ask(self, miss: Miss) -> Steps[Reply]:
        """Ask, or ride with somebody who asks the same."""
        while True:
            flight, leads = self._board(miss)
            try:
                if not leads:
                    return (yield from self._follow(miss, flight))
                flow = partial(self._fly, miss, flight)
                if not self._is_known_by_now(miss, flight):
                    mode = flight.slot[1]
                    yield self._parts.background.fly(flight, flow, self._world.clock, mode)
                return (yield from self._lead(miss, flight))
            except Abandoned:
                shown = miss.call.shown_text()
                if leads or miss.call.shown:
                    raise StreamInterrupted("the shared call was given up", shown) from None
            finally:
                self._parts.flights.leave(flight)

    def _board(self, miss: Miss) -> tuple[Flight, bool]:
        mode = miss.call.recovery if miss.call.streamed else "whole"
        slot = miss.key.digest, mode
        if self._parts.policy.single_flight.in_process and not miss.plan.options.no_cache:
            return self._parts.flights.board(slot, _suits(mode), miss.plan.epochs)
        # Who must have a fresh answer does not ride with an older call, nor gives others a ride.
        return Flight(slot, riders=1), True

    def _is_known_by_now(self, miss: Miss, flight: Flight) -> bool:
        """Whether the answer has come since this request looked for it, in a flight now over."""
        if miss.plan.options.no_cache:
            return False
        now = self._world.clock.wall()
        entry = self._parts.shelf.near(miss.key, now)
        if entry is None or miss.plan.use_of(entry, now) != "fresh":
            return False
        flight.land(None, entry)
        return True

    def refresh(self, miss: Miss) -> Steps[None]:
        """Fetch a fresh answer for the store, unless somebody asks already."""
        slot = miss.key.digest, "whole"
        flight, leads = self._parts.flights.board(slot, _STREAMS, miss.plan.epochs)
        try:
            if leads:
                flow = partial(self._fly, dataclasses.replace(miss, refreshes=True), flight)
                yield self._parts.background.fly(flight, flow, self._world.clock, "whole")
                yield flight.wait(1 << 60, None)
        finally:
            self._parts.flights.leave(flight)

    # --- Riding ---

    def _lead(self, miss: Miss, flight: Flight) -> Steps[Reply]:
        """The first rider gets the model's own reply, chunk by chunk as it comes."""
        seen = 0
        while not flight.done or seen < len(flight.chunks):
            yield flight.wait(seen, None)
            for chunk in flight.chunks[seen:]:
                seen += 1
                # A copy: what a reader does to a chunk must not reach what is stored.
                yield Emit(copied(chunk))
        return (yield from self._own(miss, flight))

    def _own(self, miss: Miss, flight: Flight) -> Steps[Reply]:
        if flight.error is not None:
            raise flight.error
        if flight.reply is None:
            return (yield from self._replay(miss.call, miss.plan, flight))
        reason = miss.reason
        miss.call.cache = {
            "cache": "miss",
            **({"cache_detail": {"reason": reason}} if reason else {}),
        }
        self._parts.tally.result(miss.plan.request.namespace, "none", "miss", reason)
        return flight.reply

    def _follow(self, miss: Miss, flight: Flight) -> Steps[Reply]:
        """Others get copies of the chunks, or the whole answer when it is there."""
        call, plan = miss.call, miss.plan
        live = call.streamed and flight.slot[1] != "whole"
        seen = 0
        while not flight.done or (live and seen < len(flight.chunks)):
            yield from self._patiently(call, flight, seen if live else 1 << 60)
            for chunk in flight.chunks[seen:] if live else ():
                seen += 1
                yield from pass_on(call, free_copy(chunk))
        if flight.error is not None:
            raise _as_heard(flight.error, call)
        if flight.entry is None:
            raise Abandoned
        return (yield from self._replay(call, plan, flight))

    def _patiently(self, call: Call, flight: Flight, seen: int) -> Steps[None]:
        """Wait, but no longer than this request may last."""
        limit = call.options.deadline
        left = None if limit is None else call.started + limit - self._world.clock.now()
        try:
            yield flight.wait(seen, left)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the deadline of {limit:g} s passed while another request's call was under way"
            ) from error

    def _replay(self, call: Call, plan: Plan, flight: Flight) -> Steps[Reply]:
        """The whole answer; of one that was shown as it came, only what it says of itself."""
        if flight.entry is None:
            raise Abandoned
        twin = dataclasses.replace(call, streamed=False, shown=[]) if call.shown else call
        reply = yield from serve(
            twin,
            flight.entry,
            self._parts.tally,
            namespace=plan.request.namespace,
            level="flight",
            result="coalesced",
            now=self._world.clock.wall(),
            details={"coalesced": True},
        )
        if twin is call:
            return reply
        call.cache = twin.cache
        return Reply(None, metadata=reply.whole().generations[0].message.response_metadata)

    # --- Flying ---

    def _fly(self, miss: Miss, flight: Flight) -> Steps[None]:
        """Ask the model when it is our turn, let the riders have the answer, then store it."""
        turn = yield from Turn(self._parts, self._world.clock, miss).take()
        if isinstance(turn, Entry):
            flight.land(None, turn)
            return
        if turn is None:
            reply = yield from self._inner(miss.call, miss.candidates)
            yield from self._landing.safely(miss, flight, reply)
            return
        kept = yield self._parts.background.spawn(partial(turn.keep, flight), self._world.clock)
        try:
            reply = yield from self._inner(miss.call, miss.candidates)
            yield from self._landing.safely(miss, flight, reply, turn.token)
        except GeneratorExit:
            raise  # The flow is being closed: nothing can be awaited any more.
        except BaseException:
            flight.close()
            yield kept
            raise
        flight.close()
        yield kept


def _suits(mode: str) -> tuple[str, ...]:
    """Flights that would do: a whole answer can be had from any, a stream from its own kind."""
    return _STREAMS if mode == "whole" else ("whole",)


def _as_heard(error: BaseException, call: Call) -> BaseException:
    """A failed flight's error, as its followers are told."""
    if call.shown:
        return StreamInterrupted("the shared stream broke", call.shown_text())
    is_first_riders = isinstance(error, (Abandoned, DeadlineExceeded, StreamInterrupted))
    # Its own terms, its own interrupt: this request still has its chance.
    return Abandoned() if is_first_riders or not isinstance(error, Exception) else _twin(error)


def _twin(error: Exception) -> Exception:
    """An error of one's own: raised by many, one traceback would grow with every rider."""
    try:
        twin = copy.copy(error)
    except Exception:  # noqa: BLE001 - some classes cannot be built from what they remember.
        _log.debug("a %s cannot be copied, it is shared", type(error).__name__, exc_info=True)
        return error
    twin.__cause__ = error.__cause__
    return twin.with_traceback(error.__traceback__)
