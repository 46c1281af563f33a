"""Faults in the middle of an answer. A plain body breaks at its half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from langchain_switchyard.testing.faulty.dialects.flavours import QWEN
from langchain_switchyard.testing.faulty.exchange import Exchange
from langchain_switchyard.testing.faulty.faults.fault import Fault
from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.question import Answer
from langchain_switchyard.testing.faulty.wire import Data, Hangup, Head, Step, Wait
from langchain_switchyard.testing.tokens import pieces

_ENDINGS = frozenset({"finish", "usage", "done"})


def interrupted(
    steps: Iterator[Step], after: int, interlude: Callable[[], Iterator[Step]], *, resume: bool
) -> Iterator[Step]:
    """Yield a response with something in its middle.

    Args:
        steps: The response.
        after: How many tokens come through before; at the latest it happens before the finish.
        interlude: What happens in the middle.
        resume: Whether the rest follows.
    """
    seen, pending = 0, True
    for step in steps:
        if pending and isinstance(step, Data):
            halves = _split(step, due=seen >= after)
            if halves is not None:
                pending = False
                yield halves[0]
                yield from interlude()
                if not resume:
                    return
                yield halves[1]
                continue
            seen += step.kind == "token"
        yield step


def _split(step: Data, *, due: bool) -> tuple[Data, Data] | None:
    """Return what comes before and after the interruption, `None` if it is not here."""
    if step.kind == "body":
        half = len(step.content) // 2
        return step._replace(content=step.content[:half]), step._replace(
            content=step.content[half:]
        )
    if step.kind in _ENDINGS or (step.kind == "token" and due):
        return Data(b""), step
    return None


@dataclass(frozen=True)
class CutAfter(Fault):
    """The connection closes in the middle, without a finish reason.

    Args:
        tokens: How many come through.
        reset: Reset it (RST) instead of closing it.
    """

    tokens: int = 0
    reset: bool = False

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Cut."""
        del exchange
        hangup = Hangup(self.reset)
        return interrupted(steps, self.tokens, lambda: iter((hangup,)), resume=False)


@dataclass(frozen=True)
class Stall(Fault):
    """Silence in the middle.

    Args:
        after: How many tokens come through before.
        seconds: How long; `None` until the client leaves.
        pings: Send signs of life that carry nothing, as proxies do.
        every: Seconds between them.
    """

    after: int = 0
    seconds: float | None = None
    pings: bool = False
    every: float = 1.0

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Stop for a while, or for good."""

        def silence() -> Iterator[Step]:
            left = self.seconds
            while self.pings and exchange.question.stream and (left is None or left > self.every):
                yield exchange.dialect.ping()
                yield Wait(self.every)
                left = None if left is None else left - self.every
            yield Wait(left)

        return interrupted(steps, self.after, silence, resume=True)


@dataclass(frozen=True)
class MalformedEvent(Fault):
    """One event of the stream is broken JSON, the rest is fine. A plain body is cut short.

    Args:
        after: How many tokens come before it.
    """

    after: int = 0

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Slip a broken event in."""
        if not exchange.question.stream:
            return TruncatedJson().play(steps, exchange)
        broken = exchange.dialect.broken_event()
        return interrupted(steps, self.after, lambda: iter((broken,)), resume=True)


@dataclass(frozen=True)
class ErrorEventInStream(Fault):
    """The stream, begun with 200, ends with an error event. A plain call is refused.

    Args:
        after: How many tokens come before it.
        kind: What went wrong: `server_error`, `overloaded`, `rate_limited`, `content_policy`...
        code: Overrides the provider's code.
        message: Overrides the provider's words.
    """

    after: int = 0
    kind: str = "server_error"
    code: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        """Refuse kinds that no provider has words for."""
        if self.kind not in QWEN:
            raise ValueError(f"unknown kind {self.kind!r}; known: {', '.join(QWEN)}")

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """End with an error."""
        problem = Problem(self.kind, code=self.code, message=self.message)
        if not exchange.question.stream:
            return exchange.refused(problem)
        error = exchange.dialect.error_event(problem, exchange.question.model)
        return interrupted(steps, self.after, lambda: iter((error,)), resume=False)


@dataclass(frozen=True)
class NoDone(Fault):
    """The stream ends well but for its end marker (`[DONE]`)."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Drop the marker."""
        del exchange
        return (step for step in steps if not (isinstance(step, Data) and step.kind == "done"))


@dataclass(frozen=True)
class NoFinishReason(Fault):
    """The stream ends cleanly with its marker, but nobody said that the answer was complete."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Drop the finish reason, and the usage that would have followed."""
        del exchange
        dropped = {"finish", "usage"}
        return (s for s in steps if not (isinstance(s, Data) and s.kind in dropped))


@dataclass(frozen=True)
class ContentFilterFinish(Fault):
    """The answer is stopped by a content filter after a few tokens.

    Args:
        after: How many come through.
    """

    after: int = 3

    def retouch(self, answer: Answer) -> Answer:
        """Cut the text and say why."""
        text = "".join(pieces(answer.text)[: self.after])
        return replace(answer, text=text, tool_calls=(), finish_reason="content_filter")


@dataclass(frozen=True)
class HtmlWith200(Fault):
    """A page instead of an answer, with status 200, as captive portals and proxies send."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Answer with a page."""
        del steps, exchange
        page = b"<!doctype html><html><body><h1>Sign in to continue</h1></body></html>"
        head = Head(200, (("content-type", "text/html; charset=utf-8"),), len(page))
        return iter((head, Data(page)))


@dataclass(frozen=True)
class TruncatedJson(Fault):
    """Valid HTTP around half a body: the JSON ends too early. A stream ends inside an event."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Shorten the body, and the announced length with it."""
        del exchange
        for step in steps:
            if isinstance(step, Head) and step.length is not None:
                yield step._replace(length=step.length // 2)
            elif isinstance(step, Data) and step.kind in {"body", "token"}:
                yield step._replace(content=step.content[: len(step.content) // 2])
                return
            else:
                yield step
