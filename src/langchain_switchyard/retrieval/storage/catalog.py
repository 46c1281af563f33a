"""The documents themselves, in SQLite: the one place where a write is decided.

Everything else (postings, vectors in memory, an outside vector store) is derived from it, so a
process killed at any point leaves either the old or the new state. Readers in other processes
follow the ``generation`` number; writers take turns through a lock file that the system frees
with the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.storage.database import Database, IndexUnavailable

FORMAT = "switchyard-retrieval/2"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
  row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, origin TEXT,
  text TEXT NOT NULL, metadata TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_origin ON documents (origin) WHERE origin IS NOT NULL;
CREATE TABLE IF NOT EXISTS vectors (row INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tombstones (
  number INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL, terms BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS segments (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS intents (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS synced (
  scope TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, documents INTEGER NOT NULL,
  source TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  PRIMARY KEY (scope, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS synced_source ON synced (scope, source);
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One stored document. ``metadata`` is its encoded form, see ``records``."""

    row: int
    id: str
    text: str
    metadata: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is remembered of a file or document that was synchronised.

    Attributes:
        digest: Of its content, and of how it was cut.
        documents: How many documents were made of it.
        source: What a document belongs to, for incremental cleanup.
        size: Bytes of a file.
        modified: Time of a file, in nanoseconds.
    """

    digest: str
    documents: int
    source: str = ""
    size: int = 0
    modified: int = 0


class Catalog(Database):
    """Tables of one index; safe for threads.

    Args:
        folder: Where the files live; ``None`` keeps everything in memory.
        patience: Seconds to wait for another process that is writing.

    Raises:
        IndexUnavailable: The folder holds something else, or another version's index.
    """

    def __init__(self, folder: Path | None, patience: float = 30.0) -> None:
        """Open or create the tables."""
        super().__init__(folder, patience)
        self._prepare()

    def _prepare(self) -> None:
        try:
            if not self._ready():
                # Two processes may open a new folder at once: one of them prepares it.
                with self.writing():
                    self._create()
            known = self.setting("format")
        except sqlite3.DatabaseError as error:
            raise IndexUnavailable(f"{self.folder} holds no usable index: {error}") from error
        if known != FORMAT:
            raise IndexUnavailable(
                f"{self.folder} was written in format {known}, this version reads {FORMAT}: "
                "index anew"
            )

    def _ready(self) -> bool:
        found = self._rows("SELECT 1 FROM sqlite_master WHERE name = 'settings'")
        return bool(found) and self.setting("format") is not None

    def _create(self) -> None:
        if self._ready():
            return
        if self.folder is not None:
            # Readers then never wait for the writer, nor the writer for them.
            self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.executescript(_SCHEMA)
        with self.transaction():
            self.remember("format", FORMAT)
            self.remember("generation", 0)

    def setting(self, name: str) -> Any:
        """Return a stored setting, ``None`` if there is none."""
        found = self._rows("SELECT value FROM settings WHERE name = ?", (name,))
        return found[0][0] if found else None

    def remember(self, name: str, value: str | float | bytes | None) -> None:
        """Store a setting, within a transaction."""
        self._writer.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def next_generation(self) -> int:
        """Announce a change to readers elsewhere, within a transaction; return its number."""
        self._writer.execute("UPDATE settings SET value = value + 1 WHERE name = 'generation'")
        found = self._writer.execute("SELECT value FROM settings WHERE name = 'generation'")
        return int(found.fetchone()[0])

    def insert(self, records: Iterable[tuple[str, str | None, str, str]]) -> list[int]:
        """Add ``(id, origin, text, metadata)``; return the rows, ascending."""
        statement = "INSERT INTO documents (id, origin, text, metadata) VALUES (?, ?, ?, ?)"
        return [int(self._writer.execute(statement, each).lastrowid or 0) for each in records]

    def remove(self, dead: Iterable[tuple[int, bytes]]) -> None:
        """Delete documents by ``(row, encoded terms)``; their text is gone, a tombstone stays."""
        pairs = list(dead)
        self._writer.executemany("INSERT INTO tombstones (row, terms) VALUES (?, ?)", pairs)
        rows = [(row,) for row, _ in pairs]
        self._writer.executemany("DELETE FROM documents WHERE row = ?", rows)
        self._writer.executemany("DELETE FROM vectors WHERE row = ?", rows)

    def insert_vectors(self, pairs: Iterable[tuple[int, bytes]]) -> None:
        """Store encoded vectors by row."""
        self._writer.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", pairs)

    def write_segments(self, names: Sequence[str], gone: Iterable[int]) -> None:
        """Replace the list of segments; forget the tombstones of rows that no segment holds."""
        self._writer.execute("DELETE FROM segments")
        self._writer.executemany("INSERT INTO segments VALUES (?, ?)", list(enumerate(names)))
        self._writer.executemany("DELETE FROM tombstones WHERE row = ?", [(row,) for row in gone])

    def intend(self, ids: Iterable[str]) -> None:
        """Note that an outside store is about to change for these ids."""
        self._writer.executemany("INSERT OR IGNORE INTO intents VALUES (?)", [(i,) for i in ids])

    def intend_all(self) -> None:
        """Note the same for all documents: the store is new, or was filled by others."""
        self._writer.execute("INSERT OR IGNORE INTO intents SELECT id FROM documents")

    def settle_intents(self, ids: Iterable[str]) -> None:
        """Note that an outside store agrees with the tables again."""
        self._writer.executemany("DELETE FROM intents WHERE id = ?", [(i,) for i in ids])

    def write_stamp(self, scope: str, name: str, stamp: Stamp | None) -> None:
        """Record what was synchronised, or forget it, within a transaction."""
        if stamp is None:
            self._writer.execute("DELETE FROM synced WHERE scope = ? AND name = ?", (scope, name))
        else:
            values = (scope, name, *astuple(stamp))
            self._writer.execute(
                "INSERT OR REPLACE INTO synced VALUES (?, ?, ?, ?, ?, ?, ?)", values
            )

    def stamps(self, scope: str, names: Sequence[str]) -> dict[str, Stamp]:
        """Return what is known of ``names``."""
        query = (
            "SELECT name, digest, documents, source, size, modified FROM synced"
            " WHERE scope = ? AND name IN ({})"
        )
        return {name: Stamp(*rest) for name, *rest in self._many(query, names, (scope,))}

    def synced_names(self, scope: str, source: str | None = None) -> list[str]:
        """Return the names known in a scope, or those of one source only."""
        query = "SELECT name FROM synced WHERE scope = ?"
        if source is None:
            return [name for (name,) in self._rows(query, (scope,))]
        return [name for (name,) in self._rows(f"{query} AND source = ?", (scope, source))]

    def origin_sizes(self, origins: Sequence[str]) -> dict[str, int]:
        """Return how many documents came from each origin; those without any are left out."""
        query = "SELECT origin, count(*) FROM documents WHERE origin IN ({}) GROUP BY origin"
        return dict(self._many(query, origins))

    def intents(self) -> list[str]:
        """Return the ids whose outside state is uncertain."""
        return [i for (i,) in self._rows("SELECT id FROM intents")]

    def segment_names(self) -> list[str]:
        """Return the names of the current segments, oldest first."""
        return [name for (name,) in self._rows("SELECT name FROM segments ORDER BY place")]

    def tombstones(self, after: int = 0) -> list[tuple[int, int, bytes]]:
        """Return ``(number, row, terms)`` of deletions, oldest first."""
        return self._rows(
            "SELECT number, row, terms FROM tombstones WHERE number > ? ORDER BY number", (after,)
        )

    def last_tombstone(self) -> int:
        """Return the number of the latest deletion."""
        return int(self._rows("SELECT coalesce(max(number), 0) FROM tombstones")[0][0])

    def without_vector(self) -> list[Record]:
        """Return the documents that were never embedded."""
        query = (
            "SELECT row, id, text, metadata FROM documents"
            " WHERE row NOT IN (SELECT row FROM vectors) ORDER BY row"
        )
        return [Record(*found) for found in self._rows(query)]

    def after(self, row: int) -> list[Record]:
        """Return the documents added after ``row``."""
        query = "SELECT row, id, text, metadata FROM documents WHERE row > ? ORDER BY row"
        return [Record(*found) for found in self._rows(query, (row,))]

    def by_row(self, rows: Sequence[int]) -> dict[int, Record]:
        """Return the documents of ``rows`` that still exist."""
        query = "SELECT row, id, text, metadata FROM documents WHERE row IN ({})"
        return {found[0]: Record(*found) for found in self._many(query, rows)}

    def by_id(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return the documents of ``ids`` that exist."""
        query = "SELECT row, id, text, metadata FROM documents WHERE id IN ({})"
        return {found[1]: Record(*found) for found in self._many(query, ids)}

    def by_origin(self, origin: str) -> list[Record]:
        """Return the documents that came from one file."""
        query = "SELECT row, id, text, metadata FROM documents WHERE origin = ? ORDER BY row"
        return [Record(*found) for found in self._rows(query, (origin,))]

    def siblings(self, name: str) -> list[Record]:
        """Return the documents that came from the same file as the one with that id."""
        query = (
            "SELECT row, id, text, metadata FROM documents WHERE origin ="
            " (SELECT origin FROM documents WHERE id = ?) ORDER BY row"
        )
        return [Record(*found) for found in self._rows(query, (name,))]

    def rows_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the rows of ``ids`` that exist."""
        return dict(self._many("SELECT id, row FROM documents WHERE id IN ({})", ids))

    def vectors(self, after: int = 0) -> list[tuple[int, bytes]]:
        """Return ``(row, encoded vector)`` added after a row."""
        return self._rows("SELECT row, vector FROM vectors WHERE row > ? ORDER BY row", (after,))

    def vector_rows(self, last: int) -> list[int]:
        """Return the rows up to ``last`` that have a vector."""
        query = "SELECT row FROM vectors WHERE row <= ? ORDER BY row"
        return [row for (row,) in self._rows(query, (last,))]

    def vectors_of(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return the encoded vectors of ``rows`` that have one."""
        return dict(self._many("SELECT row, vector FROM vectors WHERE row IN ({})", rows))

    def count(self) -> int:
        """Return the number of documents."""
        return int(self._rows("SELECT count(*) FROM documents")[0][0])

    def sample(self, size: int, seed: int = 7) -> list[Record]:
        """Return about ``size`` documents spread over the index, the same ones every time."""
        step = max(self.count() // max(size, 1), 1)
        query = (
            "SELECT row, id, text, metadata FROM documents"
            " WHERE (row + ?) % ? = 0 ORDER BY row LIMIT ?"
        )
        return [Record(*found) for found in self._rows(query, (seed, step, size))]

    def metadata_column(self, key: str, after: int) -> list[tuple[int, str | None]]:
        """Return ``(row, JSON text of one metadata value)`` of documents after a row.

        Raises:
            ConfigurationError: SQLite cannot address such a key.
        """
        if '"' in key:
            raise ConfigurationError(f"cannot filter by the metadata key {key!r}: it holds a quote")
        query = (
            "SELECT row, CASE json_type(metadata, ?1) WHEN 'text'"
            " THEN json_quote(json_extract(metadata, ?1)) WHEN 'true' THEN 'true'"
            " WHEN 'false' THEN 'false' ELSE json_extract(metadata, ?1) END"
            " FROM documents WHERE row > ?2 ORDER BY row"
        )
        found = self._rows(query, (f'$."{key}"', after))
        return [(row, None if value is None else str(value)) for row, value in found]
