"""The sync driver: performs effects by blocking; no other sync code waits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, TypeVar, cast

from langchain_core.callbacks import CallbackManagerForChainRun
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_switchyard.routing.call import Attempt
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.drivers.pump import Pump, watched
from langchain_switchyard.routing.drivers.request import kwargs_for, messages_for, stop_for
from langchain_switchyard.routing.drivers.whole import streams, whole_stream
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
from langchain_switchyard.routing.inner.leash import Leash
from langchain_switchyard.routing.timeouts import in_time, seconds_until

R = TypeVar("R")
_log = logging.getLogger(__name__)


class SyncDriver:
    """Drives one request. It owns the open stream, and closes it whatever happens.

    Args:
        clock: Tells the time and sleeps.
    """

    def __init__(self, clock: Clock) -> None:
        """Nothing is open yet."""
        self._clock = clock
        self._source: Pump[ChatGenerationChunk] | Iterator[ChatGenerationChunk] | None = None
        self._span: CallbackManagerForChainRun | None = None
        self._attempt: Attempt | None = None

    def run(self, steps: Steps[R]) -> R:
        """Drive a flow that emits nothing to its value."""
        try:
            effect = self._advance(steps, None, None)
        finally:
            self._close()
        if isinstance(effect, Ended):
            return cast("R", effect.value)
        raise TypeError(f"{type(effect).__name__} has no place in a call that is not streamed")

    def stream(self, steps: Steps[Any]) -> Iterator[ChatGenerationChunk]:
        """Drive a flow and hand over what it emits."""
        answer: float | None = None
        error: BaseException | None = None
        try:
            while not isinstance(effect := self._advance(steps, answer, error), Ended):
                answer, error = None, None
                if isinstance(effect, Emit):
                    arrived = self._clock.now()
                    yield effect.chunk
                    answer = self._clock.now() - arrived
                    continue
                # Inline, and bound to local names: this is all that every single chunk costs.
                now, note, stall = self._clock.now, effect.note, effect.stall
                source = self._source if self._source is not None else iter(())
                progress, paused = now(), effect.attempt.paused
                limit = effect.until + paused
                while True:
                    due = progress + stall
                    due = due if due < limit else limit  # noqa: FURB136 - a call costs 60 ns more.
                    try:
                        if isinstance(source, Pump):
                            chunk = source.get(seconds_until(due, now()))
                        else:
                            chunk = next(source, None)
                        arrived = now()
                        # A model that keeps its own time is looked at afterwards.
                        if arrived > due:
                            in_time(arrived, due)
                        is_progress = chunk is not None and note(chunk)
                    except BaseException as raised:  # noqa: BLE001 - the layers decide about all.
                        chunk, error = None, raised
                    if chunk is None:
                        effect.attempt.paused = paused
                        if error is None:
                            self._source = None
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
            self._close()

    def _advance(
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
                    answer = self._perform(effect)
                except BaseException as raised:  # noqa: BLE001 - the layers decide about all.
                    error = raised
        finally:
            error = None  # Breaks the cycle error -> traceback -> this frame.

    def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Invoke):
            return self._invoke(effect)
        if isinstance(effect, Read):
            return self._next(effect.until)
        if isinstance(effect, Open):
            return self._open(effect)
        if isinstance(effect, Sleep):
            return self._clock.sleep(effect.seconds)
        if isinstance(effect, Io):
            return effect.blocking()
        raise TypeError(f"{type(effect).__name__} has no place in a call that is not streamed")

    def _invoke(self, effect: Invoke) -> ChatResult:
        attempt = effect.attempt
        state = attempt.state
        seconds = seconds_until(effect.until, self._clock.now())
        self._begin(attempt)

        def ask() -> ChatResult:
            return state.model._generate(  # noqa: SLF001 - one LLM run, see spans.py.
                messages_for(attempt), stop_for(attempt), **kwargs_for(attempt, seconds)
            )

        if seconds is None or state.keeps_timeout:
            return ask()
        with Leash(self._clock, effect.until) as leash:
            if state.timeout_kwargs is not None:
                return ask()
            return watched(ask, seconds, f"switchyard:{attempt.deployment_id}", leash.cut)

    def _open(self, effect: Open) -> None:
        self._close_source()
        attempt = effect.attempt
        model = attempt.state.model
        self._begin(attempt)
        messages, stop = messages_for(attempt), stop_for(attempt)
        kwargs = kwargs_for(attempt, effect.patience)

        def source() -> Iterator[ChatGenerationChunk]:
            if streams(model, async_api=False, has_tools="tools" in kwargs):
                return model._stream(messages, stop, **kwargs)  # noqa: SLF001
            return whole_stream(model, messages, stop, kwargs)

        if effect.patience is None or attempt.state.keeps_timeout:
            self._source = source()
        else:
            with Leash(self._clock, None, effect.until) as leash:
                self._source = Pump(source, f"switchyard:{attempt.deployment_id}", leash.cut)

    def _next(self, until: float | None) -> ChatGenerationChunk | None:
        source = self._source
        if source is None:
            return None
        if isinstance(source, Pump):
            chunk = source.get(seconds_until(until, self._clock.now()))
        else:
            chunk = next(source, None)
        # A model that keeps its own time is looked at afterwards.
        in_time(self._clock.now(), until)
        if chunk is None:
            self._source = None
        return chunk

    def _begin(self, attempt: Attempt) -> None:
        self._end_span()
        self._attempt = attempt
        if attempt.call.spans is not None:
            self._span = attempt.call.spans.begin(attempt)

    def _end_span(self) -> None:
        """Told when the attempt has been judged: at the next one, or at the request's end."""
        span, self._span = self._span, None
        if span is None or self._attempt is None:
            return
        failure = self._attempt.failure
        if failure is None:
            span.on_chain_end(self._attempt.summary())
        else:
            span.on_chain_error(failure.error)

    def _close(self) -> None:
        self._close_source()
        self._end_span()

    def _close_source(self) -> None:
        """Close a stream that was not read to its end."""
        source, self._source = self._source, None
        close = getattr(source, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception:  # noqa: BLE001 - nobody waits for this stream any more.
            _log.debug("closing an abandoned stream failed", exc_info=True)
