"""A level in one SQLite file: survives restarts, and is shared by the processes of one machine."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key
from langchain_switchyard.cache.keys.subject import subject_mark, tenant_mark
from langchain_switchyard.cache.levels.envelope import unwrap, unwrap_frame, wrap, wrap_frame
from langchain_switchyard.cache.levels.fuse import Fuse
from langchain_switchyard.cache.levels.in_threads import InThreads
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.level import Usage
from langchain_switchyard.cache.levels.sqlite_epochs import EPOCHS, SqliteEpochs
from langchain_switchyard.cache.levels.sqlite_many import SqliteMany
from langchain_switchyard.cache.levels.sqlite_series import SqliteSeries, mark_of

_log = logging.getLogger(__name__)

R = TypeVar("R")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    address BLOB PRIMARY KEY, subject BLOB, expires REAL NOT NULL, size INTEGER NOT NULL,
    blob BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires);
CREATE INDEX IF NOT EXISTS entries_by_subject ON entries (subject) WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS locks (address BLOB PRIMARY KEY, token TEXT, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS frames (
    line TEXT, turn INTEGER, expires REAL NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (line, turn)
) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)"
_PUBLISH = (
    "INSERT OR REPLACE INTO entries SELECT ?, ?, ?, ?, ? WHERE EXISTS "
    "(SELECT 1 FROM locks WHERE address = ? AND token = ? AND expires >= ?)"
)
_NOT_ERASED = "not everything could be erased; erase again when the file can be written"
_PATIENCE = 5.0
"""Seconds that an erasure waits for other processes that write."""
_ADDRESS = 32
"""Bytes of an entry's address: its key's digest."""
_CLEAN_EVERY = 128
"""Stored entries between looks at what has expired and whether there is room."""


class SqliteLevel(SqliteSeries, SqliteMany, SqliteEpochs, InThreads):
    """Keeps entries in a file.

    Args:
        path: The file; made if missing. `":memory:"` for tests.
        max_bytes: Room for entries; those that expire first make room.
        ring: Encrypts entries; None: they are checked but readable.
        name: For metadata and statistics.
        wall: Seconds since the epoch; leases and epochs go by it.
    """

    waits = True

    def __init__(
        self,
        path: str | Path,
        max_bytes: int = 1 << 30,
        *,
        ring: KeyRing | None = None,
        name: str = "sqlite",
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Open nothing yet: the file is opened by the first operation."""
        self.name = name
        self._path = str(path)
        self._max_bytes = max_bytes
        self._ring = ring
        self._wall = wall
        self._fuse = Fuse(name)
        self._connection: sqlite3.Connection | None = None
        self._stored = 0
        self._lock = threading.Lock()

    def get(self, key: Key, now: float) -> Entry | None:
        """The entry, unless it is past all use."""
        return self._opened(key, self._do(lambda db: self._read(db, key, now), None))

    def _opened(self, key: Key, blob: bytes | None) -> Entry | None:
        if blob is None:
            return None
        try:
            return unwrap(key, blob, self._ring)
        except ValueError as error:
            _log.warning("a damaged or foreign entry in %s counts as missing: %s", self.name, error)
            return None

    def put(self, key: Key, entry: Entry, now: float) -> None:
        """Keep an entry until it is past all use."""
        row = self._row(key, entry)
        self._do(lambda db: self._write(db, _PUT, row, now), None)

    def publish(self, key: Key, token: str, entry: Entry, now: float) -> bool | None:
        """Keep an entry, only if the lock is still this token's."""
        row = (*self._row(key, entry), key.digest, token, self._wall())
        return self._do(lambda db: self._write(db, _PUBLISH, row, now) == 1, None)

    def delete(self, key: Key) -> None:
        """Forget one entry."""
        self._do(
            lambda db: db.execute("DELETE FROM entries WHERE address = ?", (key.digest,)), None
        )

    def erase(self, subject: str, tenant: str | None = None) -> int:
        """Forget every entry of a subject; the file's free pages are overwritten."""
        whole = subject_mark(subject)
        # One tenant's have a longer mark; those stored without one go in any case.
        where, marks = "subject BETWEEN ? AND ?", (whole, whole + b"\xff" * _ADDRESS)
        if tenant is not None:
            where, marks = "subject IN (?, ?)", (whole, whole + tenant_mark(tenant).encode())
        statement = f"DELETE FROM entries WHERE {where} RETURNING LENGTH(address)"  # noqa: S608 - two texts of our own.

        def wipe(db: sqlite3.Connection) -> int:
            # Those of series have longer addresses: they go, too, and are no answers.
            return [row[0] for row in db.execute(statement, marks)].count(_ADDRESS)

        return self._insist(wipe)

    def lock(self, key: Key, token: str, seconds: float) -> str | None:
        """Whose lock it is now; None if the file cannot tell."""
        now = self._wall()
        statement = (
            "INSERT INTO locks VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET "
            "token = IIF(expires < ?, excluded.token, token), "
            "expires = IIF(expires < ?, excluded.expires, expires) RETURNING token"
        )
        row = (key.digest, token, now + seconds, now, now)
        return self._do(lambda db: str(db.execute(statement, row).fetchone()[0]), None)

    def renew(self, key: Key, token: str, seconds: float) -> bool | None:
        """Whether the lock is still this token's; if so, for so many seconds more."""
        now = self._wall()
        statement = "UPDATE locks SET expires = ? WHERE address = ? AND token = ? AND expires >= ?"
        row = (now + seconds, key.digest, token, now)

        def begin_anew(db: sqlite3.Connection) -> bool:
            if db.execute(statement, row).rowcount == 0:
                return False
            line = now + seconds, _line(key, token)
            db.execute("UPDATE frames SET expires = ? WHERE line = ?", line)
            return True

        return self._do(begin_anew, None)

    def unlock(self, key: Key, token: str) -> None:
        """Let others ask."""
        statement = "DELETE FROM locks WHERE address = ? AND token = ?"
        self._do(lambda db: db.execute(statement, (key.digest, token)), None)

    def tell(
        self, key: Key, token: str, first: int, frames: Sequence[bytes], seconds: float
    ) -> bool:
        """Add frames to the token's line."""
        now, line = self._wall(), _line(key, token)
        rows = [
            (line, turn, now + seconds, wrap_frame(key, token, turn, frame, self._ring))
            for turn, frame in enumerate(frames, first)
        ]

        def append(db: sqlite3.Connection) -> bool:
            db.execute("DELETE FROM frames WHERE expires < ? AND line <> ?", (now, line))
            db.execute("UPDATE frames SET expires = ? WHERE line = ?", (now + seconds, line))
            db.executemany("INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?)", rows)
            return True

        return self._do(append, default=False)

    def heard(self, key: Key, token: str, first: int) -> Sequence[bytes]:
        """The line's frames from `first` on."""
        statement = "SELECT turn, blob FROM frames WHERE line = ? AND turn >= ? ORDER BY turn"
        row = (_line(key, token), first)
        found: Sequence[tuple[int, bytes]]
        found = self._do(lambda db: db.execute(statement, row).fetchall(), [])
        frames: list[bytes] = []
        try:
            for expected, (turn, blob) in enumerate(found, first):
                if turn != expected:
                    break
                frames.append(unwrap_frame(key, token, turn, bytes(blob), self._ring))
        except ValueError as error:
            _log.warning("damaged or foreign frames in %s are not heard: %s", self.name, error)
        return frames

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

    def _row(self, key: Key, entry: Entry) -> tuple[Any, ...]:
        blob = wrap(key, entry, self._ring)
        return key.digest, mark_of(entry), entry.keep_until, len(blob), blob

    def _put_in(self, db: sqlite3.Connection, key: Key, entry: Entry, now: float) -> None:
        self._write(db, _PUT, self._row(key, entry), now)

    def _write(self, db: sqlite3.Connection, statement: str, row: Any, now: float) -> int:
        written = db.execute(statement, row).rowcount
        self._stored += 1
        if self._stored % _CLEAN_EVERY == 1:
            self._clean(db, now)
        return written

    def _do(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        return self._fuse.call(partial(self._locked, operation), default)

    def _try(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        return self._fuse.attempt(partial(self._locked, operation), default)

    def _locked(self, operation: Callable[[sqlite3.Connection], R]) -> R:
        with self._lock:
            return operation(self._open())

    def _insist(self, operation: Callable[[sqlite3.Connection], R]) -> R:
        """As `_do`, as long as it takes.

        Raises:
            LevelUnreachable: It cannot be done.
        """
        end = time.monotonic() + _PATIENCE

        def again_and_again() -> R:
            while True:
                try:
                    return self._locked(operation)
                except sqlite3.OperationalError as error:
                    # Another process is writing; each try waits for it a little.
                    if "locked" not in str(error) or time.monotonic() > end:
                        raise

        return self._fuse.insist(again_and_again, _NOT_ERASED)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # Autocommit: every statement is its own transaction; the lock serialises threads.
            connection = sqlite3.connect(
                self._path, timeout=0.1, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(_SCHEMA + EPOCHS)
            self._connection = connection
        return self._connection

    @staticmethod
    def _read(db: sqlite3.Connection, key: Key, now: float) -> bytes | None:
        statement = "SELECT blob FROM entries WHERE address = ? AND expires > ?"
        row = db.execute(statement, (key.digest, now)).fetchone()
        return None if row is None else bytes(row[0])

    def _clean(self, db: sqlite3.Connection, now: float) -> None:
        db.execute("DELETE FROM entries WHERE expires <= ?", (now,))
        db.execute("DELETE FROM locks WHERE expires <= ?", (self._wall(),))
        db.execute("DELETE FROM frames WHERE expires <= ?", (self._wall(),))
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


def _line(key: Key, token: str) -> str:
    return f"{key.digest.hex()}:{token}"
