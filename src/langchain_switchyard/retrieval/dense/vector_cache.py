"""Vectors by digest of their text, in SQLite: 1.5 kB each instead of another run of the model."""

from __future__ import annotations

import sqlite3
import threading
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

# SQLite's smallest default limit of variables in one statement.
_VARIABLES = 900


class VectorCache:
    """Remembers vectors; safe for threads, and for processes that share the file.

    Args:
        path: The file; ``None`` remembers in memory.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Open or create the file."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30
        )
        if path is not None:
            self._db.execute("PRAGMA journal_mode=WAL")
            # A vector lost with the power is made again: no need to wait for the disk.
            self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
        )

    def get(self, keys: Sequence[bytes]) -> dict[bytes, list[float]]:
        """Return the vectors of those keys that are known (float32 precision)."""
        found: dict[bytes, list[float]] = {}
        for start in range(0, len(keys), _VARIABLES):
            part = keys[start : start + _VARIABLES]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 - marks only.
            with self._lock:
                rows = self._db.execute(query, part).fetchall()
            found.update((key, array("f", blob).tolist()) for key, blob in rows)
        return found

    def put(self, pairs: Iterable[tuple[bytes, Sequence[float]]]) -> None:
        """Remember vectors."""
        rows = [(key, array("f", vector).tobytes()) for key, vector in pairs]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
