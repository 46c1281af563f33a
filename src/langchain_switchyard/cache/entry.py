"""A stored answer: a small header that decides whether it may be served, and its body.

The body is bytes, so that no caller can change what another one will get; only a hit decodes it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

_LENGTH = struct.Struct(">I")

Freshness = Literal["fresh", "stale", "outage", "dead"]
"""May be served; while being refreshed; only instead of an error; not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answer and until when it may be used. Times are seconds since the epoch."""

    body: bytes
    """The message in the form of `codec.py`."""
    created: float
    fresh_until: float
    stale_until: float
    """Until then it may be served while a fresh one is fetched."""
    outage_until: float
    """Until then it may be served instead of an error."""
    took: float = 0.0
    """Seconds the model needed: what a hit saves, and how early a refresh must start."""
    source: str = ""
    """Who answered."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """Currency -> money: what a hit saves."""
    epochs: tuple[tuple[str, int], ...] = ()
    """Epochs of its namespace and tags when it was asked for; see `epochs.py`."""
    subject: str | None = None
    """Whom it is about; see `erase`."""
    tenant: str = ""
    """Digest of on whose behalf it was asked, if it is about somebody."""

    @property
    def keep_until(self) -> float:
        """When nothing can use it any more."""
        return max(self.fresh_until, self.stale_until, self.outage_until)

    @property
    def weight(self) -> int:
        """Bytes it takes in memory, about."""
        return len(self.body) + 320 + 90 * len(self.epochs)

    def freshness(self, now: float) -> Freshness:
        """What it may be used for at `now`."""
        if now < self.fresh_until:
            return "fresh"
        if now < self.stale_until:
            return "stale"
        return "outage" if now < self.outage_until else "dead"


def packed(entry: Entry) -> bytes:
    """An entry as bytes: the length of its header, the header as JSON, the body."""
    header = orjson.dumps(header_of(entry))
    return _LENGTH.pack(len(header)) + header + entry.body


def unpacked(data: bytes) -> Entry:
    """The entry that was packed.

    Raises:
        ValueError: These bytes are no packed entry.
    """
    if len(data) < _LENGTH.size:
        raise ValueError("cut")
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + length
    return entry_of(orjson.loads(data[_LENGTH.size : start]), data[start:])


def header_of(entry: Entry) -> dict[str, Any]:
    """Everything but the body, as JSON knows it."""
    return {
        "created": entry.created,
        "fresh": entry.fresh_until,
        "stale": entry.stale_until,
        "outage": entry.outage_until,
        "took": entry.took,
        "source": entry.source,
        "cost": dict(entry.cost),
        "epochs": [list(epoch) for epoch in entry.epochs],
        "subject": entry.subject,
        **({"tenant": entry.tenant} if entry.tenant else {}),
    }


def entry_of(header: Any, body: bytes) -> Entry:
    """The entry with this header and body.

    Raises:
        ValueError: The header is not one that `header_of` wrote.
    """
    try:
        return Entry(
            body=body,
            created=_seconds(header["created"]),
            fresh_until=_seconds(header["fresh"]),
            stale_until=_seconds(header["stale"]),
            outage_until=_seconds(header["outage"]),
            took=_seconds(header["took"]),
            source=_text(header["source"]) or "",
            cost={str(name): _seconds(money) for name, money in header["cost"].items()},
            epochs=tuple((str(scope), int(epoch)) for scope, epoch in header["epochs"]),
            subject=_text(header["subject"]),
            tenant=_text(header.get("tenant")) or "",
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not an entry's header: {error!r}") from error


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{type(value).__name__} instead of a number")
    return float(value)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value
