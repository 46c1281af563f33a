"""The shape of a layer, and the three signals layers raise to each other.

A layer wraps the next handler: `layer(inner) -> handler`. Above `balance` a handler takes the call
and the candidates it may choose from; below, it takes one attempt at one deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from langchain_switchyard.routing.call import Attempt, Call, Reply
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.failures import Failure
from langchain_switchyard.routing.state import DeploymentState

Candidates: TypeAlias = Sequence[DeploymentState]
Handler: TypeAlias = Callable[[Call, Candidates], Steps[Reply]]
AttemptHandler: TypeAlias = Callable[[Attempt], Steps[Reply]]
Layer: TypeAlias = Callable[[Handler], Handler]


@runtime_checkable
class LayerSource(Protocol):
    """A part from outside `routing` that brings its own layer, such as a response cache."""

    def layer(self, world: World) -> Layer:
        """The layer, bound to this router's time and chance."""
        ...


class AttemptFailed(Exception):
    """One attempt failed in a way that lets another one be made."""

    def __init__(self, attempt: Attempt, failure: Failure) -> None:
        """Carry the attempt and what went wrong."""
        super().__init__(str(failure))
        self.attempt = attempt
        self.failure = failure


class Refused(Exception):
    """The breaker (or a limiter) did not let an attempt start; nothing was spent."""


class TierExhausted(Exception):
    """Nobody in this tier can be asked now."""

    def __init__(self, retry_at: float | None = None) -> None:
        """Carry the clock instant at which somebody may be ready, if known."""
        super().__init__("tier exhausted")
        self.retry_at = retry_at
