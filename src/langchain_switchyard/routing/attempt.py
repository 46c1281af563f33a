"""Attempt: ask one deployment once, time it, and judge what went wrong."""

from __future__ import annotations

from typing import cast

from langchain_core.exceptions import ModelAPIError, ModelRateLimitError
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_core.rate_limiters import BaseRateLimiter

from langchain_switchyard.errors import StreamInterrupted
from langchain_switchyard.routing.call import Attempt, Call, Reply, tell_story
from langchain_switchyard.routing.choices import chose_in_vain
from langchain_switchyard.routing.clock import Clock
from langchain_switchyard.routing.effects import Invoke, Io, Sleep, Steps
from langchain_switchyard.routing.events import AttemptEnded, AttemptStarted, Audience
from langchain_switchyard.routing.failures import Failure, Kind, Outcome
from langchain_switchyard.routing.failures.classify import classify, is_dead_loops_socket
from langchain_switchyard.routing.layer import AttemptFailed, AttemptHandler
from langchain_switchyard.routing.stream import BegunAnew, streamed
from langchain_switchyard.routing.timeouts import Timeouts, earliest

_GLANCE = 0.05
"""Seconds between two looks at a model's own rate limiter: it cannot tell when it will let in."""

_PLAIN_TEXT = "a consumer of plain text cannot take it back (recovery='restart' opts in)"

_ENOUGH = 1.0
"""Seconds that a deployment must have had for a cut by the deadline to say anything about it."""


def attempt(timeouts: Timeouts, audience: Audience, clock: Clock) -> AttemptHandler:
    """The innermost handler: the only one that asks a provider."""
    is_heard = bool(audience)

    def handle(attempt: Attempt) -> Steps[Reply]:
        call, state = attempt.call, attempt.state
        name = attempt.deployment_id
        call.attempts.append(attempt)
        call.tries[name] = call.tries.get(name, 0) + 1
        attempt.started = clock.now()
        total = None if timeouts.total is None else attempt.started + timeouts.total
        until = earliest(total, call.deadline)
        state.begin()
        try:
            if is_heard:
                audience.tell(AttemptStarted(attempt))
            if state.model.rate_limiter is not None:
                yield from _admitted(state.model.rate_limiter, until, clock)
            if call.streamed:
                reply = yield from streamed(attempt, until, timeouts, clock)
            else:
                reply = yield from _whole(attempt, until)
            attempt.outcome = Outcome.SUCCESS
            return reply
        except Exception as error:
            told = _judge(attempt, error, clock)
            if told is error:
                raise
            raise told from error
        finally:
            attempt.elapsed = clock.now() - attempt.started - attempt.paused
            attempt.cost = state.end(
                attempt.outcome,
                attempt.failure,
                attempt.usage,
                elapsed=attempt.elapsed,
                first_token=attempt.first_token,
            )
            if is_heard:
                audience.tell(AttemptEnded(attempt))

    return handle


def _admitted(limiter: BaseRateLimiter, until: float | None, clock: Clock) -> Steps[None]:
    """Its owner set it, and private calls would skip it; waiting there is nobody's failure."""
    look = Io(lambda: limiter.acquire(blocking=False), lambda: limiter.aacquire(blocking=False))
    while not (yield look):
        if until is not None and clock.now() + _GLANCE > until:
            raise ModelRateLimitError("the model's own rate limiter left no time to ask")
        yield Sleep(_GLANCE)


def _whole(attempt: Attempt, until: float | None) -> Steps[Reply]:
    """Ask for the whole answer in one piece."""
    result = cast("ChatResult", (yield Invoke(attempt, until)))
    if not result.generations:
        raise ModelAPIError("the provider answered without a single generation")
    message = result.generations[0].message
    if isinstance(message, AIMessage):
        attempt.usage = message.usage_metadata
    return Reply(attempt, result)


def _judge(attempt: Attempt, error: Exception, clock: Clock) -> Exception:
    """The error to raise instead: a signal to try elsewhere, or the last word to the caller."""
    call = attempt.call
    if isinstance(error, BegunAnew):
        # Its deployment did well; only this consumer cannot follow.
        return _interrupted(attempt, f"{attempt.deployment_id} began anew; {_PLAIN_TEXT}", clock)
    failure = classify(error, attempt.state.deployment.traits.errors, wall=clock.wall())
    if chose_in_vain(failure, call.kwargs):
        failure = Failure(Kind.BAD_REQUEST, error)
    if failure.kind is Kind.CANCELLED:
        return error
    if is_dead_loops_socket(error):
        attempt.state.renew_connections()
    attempt.failure = failure
    attempt.outcome = _outcome(attempt, failure, clock.now())
    call.failures[attempt.deployment_id] = failure
    if failure.kind is Kind.CONTEXT_LENGTH:
        call.window_above = max(call.window_above, _known_too_small(attempt))
    if call.shown and (broken := _cannot_recover(call)):
        return _interrupted(attempt, broken, clock)
    if not (failure.verdict.elsewhere or _may_go_around(failure, call)):
        error.add_note(f"switchyard: attempt {attempt.number}, {attempt.deployment_id}")
        return error
    return AttemptFailed(attempt, failure)


def _may_go_around(failure: Failure, call: Call) -> bool:
    """Whether a refusal by moderation may be taken to the next tier: if the application says so."""
    wanted = call.options.filtered == "next_tier" and call.later_tiers > 0
    return failure.kind is Kind.CONTENT_FILTERED and wanted


def _interrupted(attempt: Attempt, reason: str, clock: Clock) -> StreamInterrupted:
    call = attempt.call
    attempt.elapsed = clock.now() - attempt.started
    return StreamInterrupted(
        f"the stream broke after {len(call.shown_text())} characters were handed out; "
        f"{reason}{tell_story(call.attempts)}",
        call.shown_text(),
        call.reports(),
    )


def _outcome(attempt: Attempt, failure: Failure, now: float) -> Outcome:
    """What the breaker is told; a caller in a hurry is no verdict on a deployment."""
    deadline = attempt.call.deadline
    if failure.kind is Kind.TIMEOUT and deadline is not None and now >= deadline:
        had = now - attempt.started - attempt.paused
        if had < max(_ENOUGH, 2 * (attempt.state.typical_latency() or 0.0)):
            return Outcome.IGNORED
    return failure.verdict.outcome


def _known_too_small(attempt: Attempt) -> int:
    """The largest context window that this request has been shown not to fit."""
    window = attempt.state.context_window
    if window is not None:
        return window
    call = attempt.call
    return attempt.state.tokens_of(call.messages, call.kwargs.get("tools"))


def _cannot_recover(call: Call) -> str | None:
    """Why the stream cannot be mended for this consumer, or None after preparing to."""
    if call.recovery == "restart":
        return None
    if call.recovery == "error":
        return _PLAIN_TEXT
    if any(getattr(chunk.message, "tool_call_chunks", None) for chunk in call.shown):
        return "a tool call cannot be continued by another model"
    call.prefix = call.shown_text()
    return None
