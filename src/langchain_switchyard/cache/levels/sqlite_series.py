"""Series in the SQLite level: rows of the table of entries, whose addresses end in a number.

So they are counted, expire and are erased like any entry.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import subject_mark
from langchain_switchyard.cache.levels.envelope import unwrap, wrap
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.series import Stretch

_log = logging.getLogger(__name__)

R = TypeVar("R")

_WIDTH = 8
"""Bytes of a number: microseconds since the epoch, or one more than the last."""
_LAST = "SELECT MAX(address) FROM entries WHERE address BETWEEN ? AND ?"
_ADD = "INSERT INTO entries VALUES (?, ?, ?, ?, ?)"
_TRIM = (
    "DELETE FROM entries WHERE address BETWEEN ? AND ? AND address <= (SELECT address FROM entries "
    "WHERE address BETWEEN ? AND ? ORDER BY address DESC LIMIT 1 OFFSET ?)"
)
_READ = (
    "SELECT address, expires, blob FROM entries WHERE address > ? AND address <= ? "
    "ORDER BY address LIMIT ?"
)
_TRIM_EVERY = 64
"""Entries appended between cuts of a series to its limit."""


class SqliteSeries:
    """What `SqliteLevel` can do with series."""

    name: str
    _ring: KeyRing | None
    _appended = 0

    def _do(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        raise NotImplementedError

    def append(self, key: Key, entry: Entry, now: float, limit: int) -> None:
        """Add an entry at the end of a series."""
        blob = wrap(key, entry, self._ring)
        mark = mark_of(entry)
        first, last = _bounds(key)

        def add(db: sqlite3.Connection) -> None:
            # Taken together: two processes must not give out the same number.
            db.execute("BEGIN IMMEDIATE")
            try:
                (end,) = db.execute(_LAST, (first, last)).fetchone()
                number = max(int(now * 1e6), 0 if end is None else _number(end) + 1)
                address = key.digest + number.to_bytes(_WIDTH, "big")
                db.execute(_ADD, (address, mark, entry.keep_until, len(blob), blob))
                self._appended += 1
                if self._appended % _TRIM_EVERY == 1:
                    db.execute(_TRIM, (first, last, first, last, limit))
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

        self._do(add, None)

    async def aappend(self, key: Key, entry: Entry, now: float, limit: int) -> None:
        """As `append`, in a thread."""
        await asyncio.to_thread(self.append, key, entry, now, limit)

    def read_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """Return entries behind a position."""
        first, last = _bounds(key)
        start = key.digest + bytes.fromhex(after) if after else first
        rows: list[tuple[bytes, float, bytes]] | None = self._do(
            lambda db: db.execute(_READ, (start, last, count)).fetchall(), None
        )
        if rows is None:
            return None
        blobs = [bytes(blob) for _, expires, blob in rows if expires > now]
        position = bytes(rows[-1][0])[-_WIDTH:].hex() if rows else after
        return Stretch(opened(key, blobs, self._ring, self.name), position, len(rows) < count)

    async def aread_on(self, key: Key, after: str, count: int, now: float) -> Stretch | None:
        """As `read_on`, in a thread."""
        return await asyncio.to_thread(self.read_on, key, after, count, now)


def opened(key: Key, blobs: list[bytes], ring: KeyRing | None, name: str) -> tuple[Entry, ...]:
    """Return the entries of a series that open; the others are logged and left out."""
    entries = []
    for blob in blobs:
        try:
            entries.append(unwrap(key, blob, ring))
        except ValueError as error:
            _log.warning("a damaged or foreign entry in a series of %s is skipped: %s", name, error)
    return tuple(entries)


def mark_of(entry: Entry) -> bytes | None:
    """Whom an entry is about and on whose behalf it was asked; None: about nobody."""
    if entry.subject is None:
        return None
    return subject_mark(entry.subject) + entry.tenant.encode()


def _bounds(key: Key) -> tuple[bytes, bytes]:
    return key.digest + bytes(_WIDTH), key.digest + b"\xff" * _WIDTH


def _number(address: bytes) -> int:
    return int.from_bytes(address[-_WIDTH:], "big")
