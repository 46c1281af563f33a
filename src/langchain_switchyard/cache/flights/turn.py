"""Whose turn it is to ask, among all processes; and hearing from the one whose turn it is.

A follower sees the leader's chunks as they come, and its whole answer in the end, which need not be
one that may be stored. When the leader falls silent for as long as its lease, the next one asks;
what its reader holds already is then treated like any stream that broke.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from functools import partial

from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.flights.frames import read_frame
from langchain_switchyard.cache.flights.lease import Lease
from langchain_switchyard.cache.flights.miss import Miss
from langchain_switchyard.cache.levels.level import OLDEST, SharedLevel
from langchain_switchyard.cache.parts import Parts
from langchain_switchyard.errors import DeadlineExceeded, StreamInterrupted
from langchain_switchyard.routing.call import Call
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Emit, Io, Sleep, Steps
from langchain_switchyard.routing.reset import ResetGenerationChunk, reset_chunk

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Leader:
    """The process whose turn it is, as heard from here."""

    token: str
    seen: int = 0
    """Frames heard."""


class Turn:
    """One miss that waits for its turn.

    Args:
        parts: The cache.
        clock: The time.
        miss: Who wants to ask.
    """

    def __init__(self, parts: Parts, clock: Clock, miss: Miss) -> None:
        """Nobody has been heard."""
        self._parts = parts
        self._clock = clock
        self._miss = miss
        self._rule = parts.policy.single_flight
        self._silent_since = clock.now()
        self._leader: _Leader | None = None
        # Who travels otherwise, or was asked before something was invalidated, is not followed
        # word by word.
        epochs = (abs(epoch) for name, epoch in miss.plan.epochs if name != OLDEST)
        newest = max(epochs, default=0)
        way = miss.call.recovery if miss.call.streamed else "whole"
        self._kind = f"{way}-{newest:x}-"

    def take(self) -> Steps[Lease | Entry | None]:
        """Wait for the turn.

        Returns:
            A lease: ask. An entry: another process has answered. None: ask without a lease.

        Raises:
            StreamInterrupted: Half an answer was shown that nobody will finish.
            DeadlineExceeded: The request may not last longer.
        """
        level = self._parts.shelf.shared
        if level is None or not self._rule.across_processes or self._miss.plan.options.no_cache:
            return None
        token, seconds = self._kind + uuid.uuid4().hex, self._rule.lease
        about = self._miss.key, token
        give_back = Io(partial(level.unlock, *about), partial(level.aunlock, *about))
        while True:
            holder: str | None = yield Io(
                partial(level.lock, *about, seconds), partial(level.alock, *about, seconds)
            )
            is_ours = holder == token
            try:
                answer = yield from self._answer(level, is_ours=is_ours)
                asks = answer is None and self._may_ask(holder, is_ours=is_ours)
                if asks:
                    prepare(self._miss)
            except Exception:
                yield give_back
                raise
            except BaseException:
                level.unlock(*about)  # The flow is being closed: nothing can be awaited any more.
                raise
            if asks:
                return self._lease(level, token) if is_ours else None
            if answer is not None:
                yield give_back
                return answer
            if holder and (self._leader is None or self._leader.token != holder):
                self._leader = _Leader(holder)
                continue
            yield Sleep(self._pause())

    def _answer(self, level: SharedLevel, *, is_ours: bool) -> Steps[Entry | None]:
        """What another process has answered: told to us, or stored before it was our turn."""
        # The last words of who has just finished are still to be heard.
        told = yield from self._listen(level)
        if told is not None or not is_ours or (self._miss.refreshes and self._leader is None):
            return told
        return (yield from self._stored())

    def _may_ask(self, holder: str | None, *, is_ours: bool) -> bool:
        silent = self._clock.now() - self._silent_since
        if holder is None and self._miss.call.shown:
            return silent >= self._rule.lease  # The level may be back before the leader is dead.
        return is_ours or holder is None or silent >= self._rule.follow_for

    def _lease(self, level: SharedLevel, token: str) -> Lease:
        # Not told ahead: what is to be redacted, to leave no trace, or may have to be erased.
        plan = self._miss.plan
        is_secret = plan.options.no_store or plan.request.subject is not None
        return Lease(
            level,
            self._miss.key,
            token,
            self._rule.lease,
            pause=self._rule.poll,
            is_public=self._parts.redact is None and not is_secret,
        )

    def _pause(self) -> float:
        """Seconds until the next look, within what the request has left."""
        call, limit = self._miss.call, self._miss.call.options.deadline
        if limit is None:
            return self._rule.poll
        left = call.started + limit - self._clock.now()
        if left <= 0:
            raise DeadlineExceeded(
                f"the deadline of {limit:g} s passed while another process's call was under way"
            )
        return min(self._rule.poll, left)

    def _listen(self, level: SharedLevel) -> Steps[Entry | None]:
        """Hear what is new; the whole answer ends it."""
        leader, key = self._leader, self._miss.key
        if leader is None:
            return None
        about = key, leader.token, leader.seen
        for frame in (yield Io(partial(level.heard, *about), partial(level.aheard, *about))):
            try:
                heard = read_frame(frame)
            except ValueError as error:
                _log.warning("an unreadable frame of another process: %s", error)
                return None
            leader.seen += 1
            self._silent_since = self._clock.now()
            if isinstance(heard, Entry):
                is_valid = self._miss.call.shown or self._parts.shelf.epochs.holds(heard)
                return heard if is_valid else None
            if self._miss.call.streamed and leader.token.startswith(self._kind):
                if leader.seen == 1:
                    yield from begin_anew(self._miss.call)
                yield from pass_on(self._miss.call, heard)
        return None

    def _stored(self) -> Steps[Entry | None]:
        """A fresh answer that has come since we looked, in one piece."""
        plan = self._miss.plan
        found = yield from self._parts.shelf.find(self._miss.key, self._clock)
        if found is None or plan.use_of(found[0], self._clock.wall()) != "fresh":
            return None
        yield from begin_anew(self._miss.call)
        entry: Entry = found[0]
        return entry


def pass_on(call: Call, chunk: ChatGenerationChunk) -> Steps[None]:
    """Emit somebody else's chunk; a reset marker takes back what was shown."""
    if isinstance(chunk, ResetGenerationChunk):
        call.shown.clear()
    call.shown.append(chunk)
    yield Emit(chunk)


def begin_anew(call: Call) -> Steps[None]:
    """Take back what is shown of an answer that nobody will finish.

    Raises:
        StreamInterrupted: This reader cannot take it back.
    """
    if not call.shown:
        return
    if call.recovery != "restart":
        raise _broken(call)
    call.shown.clear()
    yield Emit(reset_chunk("", 1, call.message_id))


def prepare(miss: Miss) -> None:
    """Let the next attempt begin where a reader stands who holds half of a dead process's answer.

    Raises:
        StreamInterrupted: Neither can it take back what it holds, nor can another model go on.
    """
    call = miss.call
    if not call.shown or call.recovery == "restart":
        return  # The attempt itself takes back what is shown.
    calls_tools = any(getattr(chunk.message, "tool_call_chunks", None) for chunk in call.shown)
    can_go_on = any(state.deployment.can("prefill") for state in miss.candidates)
    if call.recovery == "error" or calls_tools or not can_go_on:
        raise _broken(call)
    call.prefix = call.shown_text()


def _broken(call: Call) -> StreamInterrupted:
    return StreamInterrupted(
        "the process that streamed this answer stopped in the middle, and what was shown of it can "
        "neither be taken back (recovery='restart' opts in) nor continued",
        call.shown_text(),
    )
