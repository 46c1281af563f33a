"""Connections to one SQLite file: one for writing, one for reading, and whose turn it is."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_switchyard.errors import SwitchyardError

# SQLite's smallest default limit of variables in one statement.
_VARIABLES = 900


class IndexUnavailable(SwitchyardError):
    """The index on disk cannot be used; the message says why and what to do."""


class Database:
    """One file, or one memory; safe for threads and processes.

    Args:
        folder: Where the files live; ``None`` keeps everything in memory.
        patience: Seconds to wait for another process that is writing.

    Raises:
        IndexUnavailable: A file cannot be opened as a database.
    """

    def __init__(self, folder: Path | None, patience: float = 30.0) -> None:
        """Open or create the files."""
        self.folder = folder
        self._lock = threading.RLock()
        self._turn = threading.RLock()
        self._guard: sqlite3.Connection | None = None
        if folder is None:
            self._writer = self._reader = _connect(":memory:", patience)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._guard = _connect(str(folder / "writer.lock"), patience)
            self._writer = _connect(str(folder / "catalog.sqlite3"), patience)
            self._reader = _connect(str(folder / "catalog.sqlite3"), patience)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for connection in {self._writer, self._reader, self._guard} - {None}:
                connection.close()  # type: ignore[union-attr] # None was taken out above.

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, over threads and processes, for the length of the block.

        Raises:
            IndexUnavailable: Another process kept writing for longer than the patience.
        """
        with self._turn:
            try:
                if self._guard is not None and not self._guard.in_transaction:
                    self._guard.execute("BEGIN EXCLUSIVE")
                    release = True
                else:
                    release = False
            except sqlite3.OperationalError as error:
                raise IndexUnavailable(f"another process is writing to {self.folder}") from error
            try:
                yield
            finally:
                if release and self._guard is not None:
                    self._guard.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes in the block visible together, or none."""
        with self._turn, self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Read one consistent state over several calls."""
        with self._lock:
            own = not self._reader.in_transaction
            if own:
                self._reader.execute("BEGIN")
            try:
                yield
            finally:
                if own:
                    self._reader.execute("COMMIT")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            # Inside a write transaction its own changes must be seen.
            source = self._writer if self._writer.in_transaction else self._reader
            return source.execute(query, values).fetchall()

    def _many(self, query: str, values: Sequence[Any], first: Sequence[Any] = ()) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(values), _VARIABLES):
            part = values[start : start + _VARIABLES]
            found.extend(self._rows(query.format(",".join("?" * len(part))), (*first, *part)))
        return found


def _connect(target: str, patience: float) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            target, timeout=patience, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.DatabaseError as error:
        raise IndexUnavailable(f"{target} cannot be opened as an index: {error}") from error
    return connection
