"""Faults of the connection and of its timing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from langchain_switchyard.testing.faulty.exchange import Exchange
from langchain_switchyard.testing.faulty.faults.fault import Fault
from langchain_switchyard.testing.faulty.wire import Data, Hangup, Head, Step, Wait


@dataclass(frozen=True)
class ResetBeforeHeaders(Fault):
    """The request arrives, the connection is reset (RST), nothing was said."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Reset."""
        del steps, exchange
        return iter((Hangup(reset=True),))


@dataclass(frozen=True)
class NeverAnswers(Fault):
    """The request is taken, and then there is silence."""

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Keep the client waiting until it leaves."""
        del steps, exchange
        return iter((Wait(None),))


@dataclass(frozen=True)
class SlowHeaders(Fault):
    """Silence, then a normal response.

    Args:
        seconds: Of silence.
    """

    seconds: float

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Wait before the headers."""
        del exchange
        yield Wait(self.seconds)
        yield from steps


@dataclass(frozen=True)
class LateFirstToken(Fault):
    """Headers at once, then silence, then a normal body.

    Args:
        seconds: Of silence.
    """

    seconds: float

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Wait after the headers."""
        del exchange
        for step in steps:
            yield step
            if isinstance(step, Head):
                yield Wait(self.seconds)


@dataclass(frozen=True)
class Drip(Fault):
    """Every token takes its time; a plain answer comes after all of them would have.

    Args:
        seconds_per_token: Before each token.
    """

    seconds_per_token: float

    def play(self, steps: Iterator[Step], exchange: Exchange) -> Iterator[Step]:
        """Wait before each token."""
        if not exchange.question.stream:
            yield Wait(self.seconds_per_token * exchange.reply.completion_tokens)
        for step in steps:
            if isinstance(step, Data) and step.kind == "token":
                yield Wait(self.seconds_per_token)
            yield step
