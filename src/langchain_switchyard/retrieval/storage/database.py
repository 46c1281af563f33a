"""Connections to one SQLite file: one for writing, one for reading, and whose turn it is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_switchyard.errors import SwitchyardError
from langchain_switchyard.forks import FORKS, guarded_rlock

_FILE = "catalog.sqlite3"
# SQLite's smallest default limit of variables in one statement.
_VARIABLES = 900


class IndexUnavailable(SwitchyardError):
    """The index on disk cannot be used; the message says why and what to do."""


def holds_index(folder: Path) -> bool:
    """Return whether there is an index in a folder, which need not exist."""
    return (folder / _FILE).is_file()


class Database:
    """One file, or one memory; safe for threads, processes and forks.

    Connections are opened when they are needed: a reader that never writes opens one, and needs no
    right to write. Before a fork they are closed, because SQLite's must not be carried over it.

    Args:
        folder: Where the files live; ``None`` keeps everything in memory.
        patience: Seconds to wait for another process that is writing.

    Attributes:
        is_read_only: The folder, or its file system, does not let us write.

    Raises:
        IndexUnavailable: The folder cannot be made, or a file cannot be opened as a database.
    """

    def __init__(self, folder: Path | None, patience: float = 30.0) -> None:
        """Make the folder, if it is not there."""
        self.folder = folder
        self.is_read_only = False
        self._patience = patience
        self._lock = guarded_rlock()
        self._turn = guarded_rlock()
        self._connections: dict[str, sqlite3.Connection] = {}
        # In a child of a fork: not ours to use, nor to close.
        self._inherited: list[sqlite3.Connection] = []
        self._closed = False
        FORKS.tend(self)
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except FileExistsError as error:
                raise IndexUnavailable(
                    f"{folder} is a file: an index needs a folder of its own"
                ) from error
            except OSError as error:
                raise IndexUnavailable(f"{folder} cannot be made: {error.strerror}") from error
            files = [folder / _FILE] if (folder / _FILE).exists() else []
            self.is_read_only = not all(os.access(path, os.W_OK) for path in [folder, *files])

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._closed = True
            self._let_go()

    def before_fork(self) -> None:
        """Close the files for the moment, unless this very thread is in the middle of a write."""
        if self.folder is not None and not any(c.in_transaction for c in self._all()):
            self._let_go()

    def forked(self) -> None:
        """Leave to the parent what could not be closed."""
        if self.folder is not None:
            self._inherited += self._all()
            self._connections = {}

    @property
    def _reader(self) -> sqlite3.Connection:
        return self._opened("reader")

    @property
    def _writer(self) -> sqlite3.Connection:
        # In memory there is one connection: another would be another database.
        return self._opened("reader" if self.folder is None else "writer")

    def _all(self) -> list[sqlite3.Connection]:
        return list(self._connections.values())

    def _let_go(self) -> None:
        connections, self._connections = self._all(), {}
        for connection in connections:
            connection.close()

    def _opened(self, name: str) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise IndexUnavailable("this index was closed: open it again")
            if name not in self._connections:
                self._connections[name] = self._connect(name)
            return self._connections[name]

    def _connect(self, name: str) -> sqlite3.Connection:
        if self.folder is None:
            return _connect(":memory:", self._patience)
        if not self.is_read_only:
            file = "writer.lock" if name == "guard" else _FILE
            return _connect(str(self.folder / file), self._patience)
        if name != "reader":
            raise IndexUnavailable(f"{self.folder} is read-only: nothing can be written to it")
        return _connect_to_read(self.folder, self._patience)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, over threads and processes, for the length of the block.

        Raises:
            IndexUnavailable: Another process kept writing for longer than the patience, or the
                folder is read-only.
        """
        with self._turn:
            guard = None if self.folder is None else self._opened("guard")
            try:
                if guard is not None and not guard.in_transaction:
                    guard.execute("BEGIN EXCLUSIVE")
                else:
                    guard = None  # Whoever began gives the turn back.
            except sqlite3.OperationalError as error:
                raise IndexUnavailable(f"another process is writing to {self.folder}") from error
            try:
                yield
            finally:
                if guard is not None:
                    guard.execute("ROLLBACK")

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
            writer = self._connections.get("writer")
            source = writer if writer and writer.in_transaction else self._reader
            return source.execute(query, values).fetchall()

    def _many(self, query: str, values: Sequence[Any], first: Sequence[Any] = ()) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(values), _VARIABLES):
            part = values[start : start + _VARIABLES]
            found.extend(self._rows(query.format(",".join("?" * len(part))), (*first, *part)))
        return found


def _connect(target: str, patience: float) -> sqlite3.Connection:
    try:
        connection = _opened(target, patience)
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.DatabaseError as error:
        raise IndexUnavailable(f"{target} cannot be opened as an index: {error}") from error
    return connection


def _opened(target: str, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(
        target,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
        uri=target.startswith("file:"),
    )


def _connect_to_read(folder: Path, patience: float) -> sqlite3.Connection:
    """Open what cannot be written: beside a writer through its files, alone as it is."""
    place = (folder / _FILE).absolute().as_uri()
    log = folder / f"{_FILE}-wal"
    try:
        connection = _opened(f"{place}?mode=ro", patience)
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        if log.exists() and log.stat().st_size:
            raise IndexUnavailable(
                f"{folder} is read-only and was not closed by its writer: open it once where it "
                "can be written"
            ) from error
    # Nobody can be writing, so there is nothing to wait for: SQLite then needs no files beside it.
    return _opened(f"{place}?immutable=1", patience)
