"""What a partition learns, as bytes: for other processes, and for this one after a restart.

A note is a list of events in the order they happened. Entries are named by their keys, for numbers
mean nothing elsewhere. Vectors have half precision: a cosine is off by some 0.0001.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from langchain_switchyard.cache.semantic_contract import Stamp

if TYPE_CHECKING:  # numpy is an extra: reading this file must not need it.
    from langchain_switchyard.cache.semantic.vector_index import Vector

FORM = "1"
"""Changes whenever notes are written differently; older ones are then not read any more."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A question was stored with its fresh answer."""

    key: bytes
    text: str
    answer: str
    vector: Vector
    user: str | None
    epochs: Stamp
    timely: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to `fresh` was compared with that to `known`."""

    fresh: bytes | None
    """None: it was not stored."""
    known: bytes
    similarity: float
    """Of the questions."""
    same: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A hit was checked, or reported wrong."""

    served: bytes
    agreed: tuple[bytes, ...]
    """Who spoke for it."""
    right: bool
    bar: tuple[int, ...]
    """The watch's `state` before that."""
    nonce: bytes = b""
    """Of the hit's id, if it was reported."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """An entry was taken out of its group."""

    key: bytes


Event = Stored | Settled | Checked | Doubted


def pack(by: str, events: Sequence[Event]) -> bytes:
    """A note.

    Args:
        by: Who tells; it does not listen to itself.
        events: What happened.
    """
    return orjson.dumps([by, *(_form(event) for event in events)])


def unpack(note: bytes) -> tuple[str, list[Event]]:
    """Who told a note, and what happened.

    Raises:
        ValueError: It is no note that `pack` wrote.
    """
    match orjson.loads(note):
        case [str(by), *forms]:
            return by, [_event(form) for form in forms]
    raise ValueError("not a note")


def _form(event: Event) -> list[Any]:
    match event:
        case Stored():
            vector = _text(event.vector.astype("<f2").tobytes())
            about = [event.user, event.epochs, event.timely]
            return ["stored", _text(event.key), event.text, event.answer, vector, *about]
        case Settled():
            fresh = None if event.fresh is None else _text(event.fresh)
            return ["settled", fresh, _text(event.known), event.similarity, event.same]
        case Checked():
            agreed = [_text(key) for key in event.agreed]
            served, nonce = _text(event.served), _text(event.nonce)
            return ["checked", served, agreed, event.right, event.bar, nonce]
        case Doubted():
            return ["doubted", _text(event.key)]


def _event(form: Any) -> Event:
    match form:
        case [
            "stored",
            str(key),
            str(text),
            str(answer),
            str(vector),
            None | str() as user,
            [*epochs],
            bool(timely),
        ]:
            stamp = tuple(_epoch(epoch) for epoch in epochs)
            return Stored(_bytes(key), text, answer, _vector(vector), user, stamp, timely)
        case ["settled", None | str() as fresh, str(known), float(similarity), bool(same)]:
            ours = None if fresh is None else _bytes(fresh)
            return Settled(ours, _bytes(known), similarity, same)
        case ["checked", str(served), [*agreed], bool(right), [*bar], str(nonce)]:
            voices = tuple(_bytes(key) for key in agreed)
            return Checked(_bytes(served), voices, right, tuple(map(_count, bar)), _bytes(nonce))
        case ["doubted", str(key)]:
            return Doubted(_bytes(key))
    raise ValueError("not an event")


def _epoch(form: Any) -> tuple[str, int]:
    match form:
        case [str(scope), int(epoch)]:
            return scope, epoch
    raise ValueError("not an epoch")


def _count(form: Any) -> int:
    if isinstance(form, int) and form >= 0:
        return form
    raise ValueError("not a count")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("not base64")  # noqa: TRY004 - bad data, not a caller's bug.
    return base64.b64decode(text, validate=True)


def _vector(text: str) -> Vector:
    import numpy as np  # noqa: PLC0415 - an extra.

    raw = _bytes(text)
    halves = np.frombuffer(raw, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(halves))
    if not 0.5 < length < 2:
        raise ValueError(f"a unit vector of length {length}")
    unit: Vector = halves / np.float32(length)
    return unit
