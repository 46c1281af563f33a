"""The async driver: performs effects with `await`; no other async code waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, TypeVar, cast

from langchain_core.callbacks import AsyncCallbackManagerForChainRun
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_switchyard.routing.call import Attempt
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.drivers.alarm import Alarm
from langchain_switchyard.routing.drivers.request import kwargs_for, messages_for, stop_for
from langchain_switchyard.routing.drivers.whole import streams, whole_astream
from langchain_switchyard.routing.effects import (
    Effect,
    Emit,
    Ended,
    Invoke,
    Io,
    Open,
    Read,
    Relay,
    Sleep,
    Steps,
)
from langchain_switchyard.routing.timeouts import in_time, seconds_until

R = TypeVar("R")
_log = logging.getLogger(__name__)

_CLEANUP = 1.0
"""Seconds that closing an abandoned stream may take."""


async def _nothing() -> ChatGenerationChunk:
    """The next chunk of a stream that has ended already."""
    raise StopAsyncIteration


class AsyncDriver:
    """Drives one request. It owns the open stream, and closes it whatever happens.

    Args:
        clock: Tells the time and sleeps.
    """

    def __init__(self, clock: Clock) -> None:
        """Nothing is open yet."""
        self._clock = clock
        self._alarm = Alarm(asyncio.get_running_loop(), clock)
        self._source: AsyncIterator[ChatGenerationChunk] | None = None
        self._span: AsyncCallbackManagerForChainRun | None = None
        self._attempt: Attempt | None = None

    async def run(self, steps: Steps[R]) -> R:
        """Drive a flow that emits nothing to its value."""
        try:
            effect = await self._advance(steps, None, None)
        finally:
            await self._close()
        if isinstance(effect, Ended):
            return cast("R", effect.value)
        raise TypeError(f"{type(effect).__name__} has no place in a call that is not streamed")

    async def stream(self, steps: Steps[Any]) -> AsyncIterator[ChatGenerationChunk]:
        """Drive a flow and hand over what it emits."""
        answer: float | None = None
        error: BaseException | None = None
        current_task, loop = asyncio.current_task, asyncio.get_running_loop()
        try:
            while not isinstance(effect := await self._advance(steps, answer, error), Ended):
                answer, error = None, None
                if isinstance(effect, Emit):
                    arrived = self._clock.now()
                    yield effect.chunk
                    answer = self._clock.now() - arrived
                    continue
                # Inline, and bound to local names: this is all that every single chunk costs.
                alarm, now, note, stall = self._alarm, self._clock.now, effect.note, effect.stall
                progress, paused = now(), effect.attempt.paused
                limit = effect.until + paused
                following = self._source.__anext__ if self._source is not None else _nothing
                while True:
                    due = progress + stall
                    due = due if due < limit else limit  # noqa: FURB136 - a call costs 60 ns more.
                    try:
                        alarm.task, alarm.due = current_task(loop), due
                        if due < alarm.armed_for:
                            alarm.arm()
                        chunk = await following()
                        arrived = now()
                        if alarm.rang or arrived > due:
                            alarm.end()
                            in_time(arrived, due)
                        alarm.task = None
                        is_progress = note(chunk)
                    except BaseException as raised:  # noqa: BLE001 - the layers decide about all.
                        error = self._ended(raised)
                        effect.attempt.paused = paused
                        break
                    yield chunk
                    # The reader's own time is neither the provider's silence nor its work.
                    pause = now() - arrived
                    paused += pause
                    limit += pause
                    progress = arrived + pause if is_progress else progress + pause
        finally:
            error = None
            steps.close()
            await self._close()

    async def _advance(
        self, steps: Steps[Any], answer: Any, error: BaseException | None
    ) -> Emit | Relay | Ended[Any]:
        """Go on with a flow until it has something for the consumer, or has ended."""
        try:
            while True:
                try:
                    effect = steps.send(answer) if error is None else steps.throw(error)
                except StopIteration as done:
                    return Ended(done.value)
                if isinstance(effect, Emit | Relay):
                    return effect
                answer, error = None, None
                try:
                    answer = await self._perform(effect)
                except BaseException as raised:  # noqa: BLE001 - the layers decide about all.
                    error = raised
        finally:
            error = None  # Breaks the cycle error -> traceback -> this frame.

    async def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Invoke):
            return await self._invoke(effect)
        if isinstance(effect, Read):
            return await self._next(effect.until)
        if isinstance(effect, Open):
            return await self._open(effect)
        if isinstance(effect, Sleep):
            return await self._clock.asleep(effect.seconds)
        if isinstance(effect, Io):
            return await effect.awaiting()
        raise TypeError(f"{type(effect).__name__} has no place in a call that is not streamed")

    async def _invoke(self, effect: Invoke) -> ChatResult:
        attempt = effect.attempt
        seconds = seconds_until(effect.until, self._clock.now())
        await self._begin(attempt)
        with self._alarm.until(effect.until):
            return await attempt.state.model._agenerate(  # noqa: SLF001 - see spans.py.
                messages_for(attempt), stop_for(attempt), **kwargs_for(attempt, seconds)
            )

    async def _open(self, effect: Open) -> None:
        await self._close_source()
        attempt = effect.attempt
        model = attempt.state.model
        await self._begin(attempt)
        messages, stop = messages_for(attempt), stop_for(attempt)
        kwargs = kwargs_for(attempt, effect.patience)
        if streams(model, async_api=True, has_tools="tools" in kwargs):
            self._source = model._astream(messages, stop, **kwargs)  # noqa: SLF001
        else:
            self._source = whole_astream(model, messages, stop, kwargs)

    async def _next(self, until: float | None) -> ChatGenerationChunk | None:
        if self._source is None:
            return None
        try:
            with self._alarm.until(until):
                chunk = await self._source.__anext__()
            # A simulated delay moves the clock without making the alarm's loop wait.
            in_time(self._clock.now(), until)
            return chunk
        except BaseException as raised:
            if self._ended(raised) is None:
                return None
            raise

    def _ended(self, raised: BaseException) -> BaseException | None:
        """Reading has raised: the error it was, or None if that was the regular end."""
        try:
            self._alarm.end(raised)
        except TimeoutError as late:
            raised = late
        if not isinstance(raised, StopAsyncIteration):
            return raised
        self._source = None
        return None

    async def _begin(self, attempt: Attempt) -> None:
        await self._end_span()
        self._attempt = attempt
        if attempt.call.spans is not None:
            self._span = await attempt.call.spans.abegin(attempt)

    async def _end_span(self) -> None:
        """Told when the attempt has been judged: at the next one, or at the request's end."""
        span, self._span = self._span, None
        if span is None or self._attempt is None:
            return
        failure = self._attempt.failure
        if failure is None:
            await span.on_chain_end(self._attempt.summary())
        else:
            await span.on_chain_error(failure.error)

    async def _close(self) -> None:
        self._alarm.close()
        await self._close_source()
        await self._end_span()

    async def _close_source(self) -> None:
        """Close a stream that was not read to its end; its connection is free afterwards."""
        source, self._source = self._source, None
        aclose = getattr(source, "aclose", None)
        if aclose is None:
            return
        try:
            async with asyncio.timeout(_CLEANUP):
                await aclose()
        except Exception:  # noqa: BLE001 - nobody waits for this stream any more.
            _log.debug("closing an abandoned stream failed", exc_info=True)
