"""Vectors by digest of their text, in SQLite: 1.5 kB each instead of another run of the model."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.forks import FORKS, guarded_lock

# SQLite's smallest default limit of variables in one statement.
_VARIABLES = 900


class VectorCache:
    """Remembers vectors; safe for threads, and for processes that share the file.

    Args:
        path: The file; ``None`` remembers in memory.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Open or create the file."""
        self._path = path
        self._closed = False
        self._lock = guarded_lock()
        self._db: sqlite3.Connection | None = None
        # In a child of a fork: not ours to use, nor to close.
        self._inherited: list[sqlite3.Connection] = []
        self._opened()
        FORKS.tend(self)

    def before_fork(self) -> None:
        """Close the file for the moment: SQLite's connections must not be carried over a fork."""
        if self._path is not None and self._db is not None:
            self._db.close()
            self._db = None

    def forked(self) -> None:
        """Leave to the parent what could not be closed."""
        if self._path is not None and self._db is not None:
            self._inherited.append(self._db)
            self._db = None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, list[float]]:
        """Return the vectors of those keys that are known (float32 precision)."""
        found: dict[bytes, list[float]] = {}
        for start in range(0, len(keys), _VARIABLES):
            part = keys[start : start + _VARIABLES]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 - marks only.
            with self._lock:
                rows = self._opened().execute(query, part).fetchall()
            found.update((key, array("f", blob).tolist()) for key, blob in rows)
        return found

    def put(self, pairs: Iterable[tuple[bytes, Sequence[float]]]) -> None:
        """Remember vectors."""
        rows = [(key, array("f", vector).tobytes()) for key, vector in pairs]
        with self._lock:
            database = self._opened()
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            database.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._closed = True
            if self._db is not None:
                self._db.close()

    def _opened(self) -> sqlite3.Connection:
        if self._closed:
            raise ConfigurationError("this vector cache was closed")
        if self._db is None:
            self._db = _connect(self._path)
        return self._db


def _connect(path: str | Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(
        path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30
    )
    if path is not None:
        database.execute("PRAGMA journal_mode=WAL")
        # A vector lost with the power is made again: no need to wait for the disk.
        database.execute("PRAGMA synchronous=NORMAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
    )
    return database
