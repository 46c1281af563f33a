"""How long one attempt may be silent, and how long a whole request may last."""

from __future__ import annotations

from dataclasses import dataclass, fields

from langchain_switchyard.routing.plain_values import seconds


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Limits in seconds; None switches one off.

    The first four bound one *attempt*; the deadline bounds the *request* with all its attempts and
    waits. Role chunks, empty deltas and keep-alive comments prove a connection, not progress: they
    reset nothing.
    """

    connect: float | None = 5.0
    """Until the connection stands (where the client takes it per call)."""

    first_token: float | None = 20.0
    """Of a stream: until the first content, reasoning or tool-call delta."""

    stall: float | None = 20.0
    """Of a stream: between two such deltas."""

    total: float | None = 120.0
    """Of a whole attempt."""

    deadline: float | None = 180.0
    """Of a whole request; a call may ask for less or more with `CallOptions(deadline=...)`."""

    def __post_init__(self) -> None:
        """Refuse limits that nothing could meet."""
        for item in fields(self):
            seconds(f"Timeouts.{item.name}", getattr(self, item.name))


def earliest(*instants: float | None) -> float | None:
    """The first of the instants that are set, or None if none is."""
    first: float | None = None
    for instant in instants:
        if instant is not None and (first is None or instant < first):
            first = instant
    return first


def in_time(now: float, instant: float | None) -> float:
    """`now`, if it is not past the instant.

    Raises:
        TimeoutError: If it is.
    """
    if instant is not None and now > instant:
        raise TimeoutError("the provider was silent for too long")
    return now


def seconds_until(instant: float | None, now: float) -> float | None:
    """Seconds left; None if there is no limit.

    Raises:
        TimeoutError: If the instant has passed already.
    """
    if instant is None or instant == float("inf"):
        return None
    if now >= instant:
        raise TimeoutError("no time was left")
    return instant - now
