"""What layers ask of the driver: small frozen requests, yielded up and answered.

Layers are generators: they decide, and yield an effect for everything that takes time or touches
the world. A driver (`drivers/blocking.py`, `drivers/awaiting.py`) performs it and resumes the layer
with the answer, or throws the error in at the same place. So each mechanism is written once for
`invoke`, `ainvoke`, `stream` and `astream`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, cast

from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.routing.call import Attempt


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait. Answer: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Io:
    """Touch the world elsewhere than at a provider. Answer: the value of whichever was called."""

    blocking: Callable[[], Any]
    """What the sync driver calls."""
    awaiting: Callable[[], Awaitable[Any]]
    """What the async driver awaits."""


@dataclass(frozen=True, slots=True)
class Invoke:
    """Ask the attempt's deployment for a whole answer. Answer: a `ChatResult`."""

    attempt: Attempt
    until: float | None
    """Clock instant at which the attempt is given up with `TimeoutError`."""


@dataclass(frozen=True, slots=True)
class Open:
    """Start a stream at the attempt's deployment, closing any earlier one. Answer: None."""

    attempt: Attempt
    until: float | None
    """Clock instant until which something of the answer must have come."""
    patience: float | None
    """Seconds its client may wait for bytes, as a second line behind the driver's own limits."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read one chunk of the open stream. Answer: the chunk, or None at its end."""

    until: float | None
    """Clock instant at which the silence has lasted too long."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand one chunk to the consumer. Answer: the seconds until it came back for more."""

    chunk: ChatGenerationChunk


@dataclass(frozen=True, slots=True)
class Relay:
    """Hand over the rest of the open stream, chunk by chunk, without climbing the layers again.

    Answer: None when the stream has ended.
    """

    attempt: Attempt
    note: Callable[[ChatGenerationChunk], bool]
    """Sees each chunk before the consumer; tells whether it is progress, or raises to end it."""
    stall: float
    """Seconds that may pass between two chunks that are progress; infinite without a limit."""
    until: float
    """Clock instant at which the whole attempt is given up, its reader's pauses not counted;
    infinite without a limit."""


Effect: TypeAlias = Sleep | Io | Invoke | Open | Read | Emit | Relay

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ended(Generic[R]):
    """What a driver holds when a flow has come to its end."""

    value: R


Steps: TypeAlias = Generator[Effect, Any, R]
"""A flow of effects that ends in a value."""


def read(until: float | None) -> Steps[ChatGenerationChunk | None]:
    """`Read` with its answer's type."""
    return cast("ChatGenerationChunk | None", (yield Read(until)))


def emit(chunk: ChatGenerationChunk) -> Steps[float]:
    """`Emit` with its answer's type."""
    return cast("float", (yield Emit(chunk)))
