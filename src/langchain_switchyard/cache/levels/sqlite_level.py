"""A level in one SQLite file: survives restarts, and is shared by the processes of one machine."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import subject_mark
from langchain_switchyard.cache.levels.envelope import unwrap, wrap
from langchain_switchyard.cache.levels.fuse import Fuse
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.level import Usage

_log = logging.getLogger(__name__)

R = TypeVar("R")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    address BLOB PRIMARY KEY, subject BLOB, expires REAL NOT NULL, size INTEGER NOT NULL,
    blob BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires);
CREATE INDEX IF NOT EXISTS entries_by_subject ON entries (subject) WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS epochs (scope TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS locks (address BLOB PRIMARY KEY, token TEXT, expires REAL NOT NULL);
"""
_CLEAN_EVERY = 128
"""Stored entries between looks at what has expired and whether there is room."""


class SqliteLevel:
    """Keeps entries in a file.

    Args:
        path: The file; made if missing. `":memory:"` for tests.
        max_bytes: Room for entries; those that expire first make room.
        ring: Encrypts entries; None: they are checked but readable.
        name: For metadata and statistics.
    """

    waits = True

    def __init__(
        self,
        path: str | Path,
        max_bytes: int = 1 << 30,
        *,
        ring: KeyRing | None = None,
        name: str = "sqlite",
    ) -> None:
        """Open nothing yet: the file is opened by the first operation."""
        self.name = name
        self._path = str(path)
        self._max_bytes = max_bytes
        self._ring = ring
        self._fuse = Fuse(name)
        self._connection: sqlite3.Connection | None = None
        self._stored = 0
        self._lock = threading.Lock()

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry, unless it is past all use."""
        blob = self._do(lambda db: self._read(db, key, now), None)
        if blob is None:
            return None
        try:
            return unwrap(key, blob, self._ring)
        except ValueError as error:
            _log.warning("a damaged or foreign entry in %s counts as missing: %s", self.name, error)
            return None

    def put(self, key: Key, entry: Entry, now: float) -> None:
        """Keep an entry until it is past all use."""
        blob = wrap(key, entry, self._ring)
        mark = None if entry.subject is None else subject_mark(entry.subject)
        row = (key.digest, mark, entry.keep_until, len(blob), blob)

        def write(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", row)
            self._stored += 1
            if self._stored % _CLEAN_EVERY == 1:
                self._clean(db, now)

        self._do(write, None)

    def delete(self, key: Key) -> None:
        """Forget one entry."""
        self._do(
            lambda db: db.execute("DELETE FROM entries WHERE address = ?", (key.digest,)), None
        )

    def erase(self, subject: str) -> int:
        """Forget every entry of a subject; the file's free pages are overwritten."""
        mark = subject_mark(subject)
        statement = "DELETE FROM entries WHERE subject = ?"
        return self._do(lambda db: db.execute(statement, (mark,)).rowcount, 0)

    def news(self, since: int) -> Sequence[tuple[str, int]] | None:
        """Scopes bumped since."""
        statement = "SELECT scope, epoch FROM epochs WHERE epoch >= ?"
        return self._do(lambda db: db.execute(statement, (since,)).fetchall(), None)

    def bump(self, scope: str) -> int | None:
        """Begin a new epoch."""
        epoch = int(time.time() * 1e6)
        statement = (
            "INSERT INTO epochs VALUES (?, ?) ON CONFLICT (scope) DO UPDATE "
            "SET epoch = MAX(epoch + 1, excluded.epoch) RETURNING epoch"
        )
        return self._do(lambda db: int(db.execute(statement, (scope, epoch)).fetchone()[0]), None)

    def lock(self, key: Key, token: str, seconds: float) -> bool:
        """Whether this caller may ask; True also if the file cannot tell."""
        now = time.time()
        statement = (
            "INSERT INTO locks VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE "
            "SET token = excluded.token, expires = excluded.expires WHERE expires < ?"
        )
        row = (key.digest, token, now + seconds, now)
        return self._do(lambda db: db.execute(statement, row).rowcount == 1, default=True)

    def unlock(self, key: Key, token: str) -> None:
        """Let others ask."""
        statement = "DELETE FROM locks WHERE address = ? AND token = ?"
        self._do(lambda db: db.execute(statement, (key.digest, token)), None)

    def usage(self) -> Usage:
        """How full it is, unless the file is in use just now."""
        if self._connection is None or not self._lock.acquire(timeout=0.05):
            return Usage(None, None, failures=self._fuse.failures)
        try:
            row = self._connection.execute("SELECT COUNT(*), TOTAL(size) FROM entries").fetchone()
            return Usage(row[0], int(row[1]), failures=self._fuse.failures)
        except sqlite3.Error:
            _log.debug("%s cannot tell how full it is", self.name, exc_info=True)
            return Usage(None, None, failures=self._fuse.failures)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    async def aget(self, key: Key, now: float) -> Entry | None:
        """As `get`, in a thread."""
        return await asyncio.to_thread(self.get, key, now)

    async def aput(self, key: Key, entry: Entry, now: float) -> None:
        """As `put`, in a thread."""
        await asyncio.to_thread(self.put, key, entry, now)

    async def adelete(self, key: Key) -> None:
        """As `delete`, in a thread."""
        await asyncio.to_thread(self.delete, key)

    async def aerase(self, subject: str) -> int:
        """As `erase`, in a thread."""
        return await asyncio.to_thread(self.erase, subject)

    async def anews(self, since: int) -> Sequence[tuple[str, int]] | None:
        """As `news`, in a thread."""
        return await asyncio.to_thread(self.news, since)

    async def abump(self, scope: str) -> int | None:
        """As `bump`, in a thread."""
        return await asyncio.to_thread(self.bump, scope)

    async def alock(self, key: Key, token: str, seconds: float) -> bool:
        """As `lock`, in a thread."""
        return await asyncio.to_thread(self.lock, key, token, seconds)

    async def aunlock(self, key: Key, token: str) -> None:
        """As `unlock`, in a thread."""
        await asyncio.to_thread(self.unlock, key, token)

    async def aclose(self) -> None:
        """As `close`, in a thread."""
        await asyncio.to_thread(self.close)

    def _do(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        def locked() -> R:
            with self._lock:
                return operation(self._open())

        return self._fuse.call(locked, default)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # Autocommit: every statement is its own transaction; the lock serialises threads.
            connection = sqlite3.connect(
                self._path, timeout=0.1, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection

    @staticmethod
    def _read(db: sqlite3.Connection, key: Key, now: float) -> bytes | None:
        statement = "SELECT blob FROM entries WHERE address = ? AND expires > ?"
        row = db.execute(statement, (key.digest, now)).fetchone()
        return None if row is None else bytes(row[0])

    def _clean(self, db: sqlite3.Connection, now: float) -> None:
        db.execute("DELETE FROM entries WHERE expires <= ?", (now,))
        db.execute("DELETE FROM locks WHERE expires <= ?", (now,))
        over = db.execute("SELECT TOTAL(size) FROM entries").fetchone()[0] - self._max_bytes
        if over <= 0:
            return
        going, rows = [], db.execute("SELECT address, size FROM entries ORDER BY expires")
        for address, size in rows:
            going.append((address,))
            over -= size
            # A little more than needed, lest the next entry has to make room again.
            if over < -self._max_bytes // 50:
                break
        db.executemany("DELETE FROM entries WHERE address = ?", going)
