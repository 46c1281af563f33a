"""Many entries of the SQLite level in one statement."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key

R = TypeVar("R")


class SqliteMany:
    """What `SqliteLevel` can do for a batch: see `ManyLevel`."""

    def _do(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        raise NotImplementedError

    def _opened(self, key: Key, blob: bytes | None) -> Entry | None:
        raise NotImplementedError

    def _put_in(self, db: sqlite3.Connection, key: Key, entry: Entry, now: float) -> None:
        raise NotImplementedError

    def get_many(self, keys: Sequence[Key], now: float) -> Sequence[Entry | None]:
        """The entries that are not past all use."""
        marks = ", ".join("?" * len(keys))
        statement = f"SELECT address, blob FROM entries WHERE address IN ({marks}) AND expires > ?"  # noqa: S608 - question marks.
        row = (*(key.digest for key in keys), now)
        rows: list[tuple[bytes, bytes]]
        rows = self._do(lambda db: db.execute(statement, row).fetchall(), [])
        blobs = {bytes(address): bytes(blob) for address, blob in rows}
        return [self._opened(key, blobs.get(key.digest)) for key in keys]

    def put_many(self, entries: Mapping[Key, Entry], now: float) -> None:
        """Keep entries; all of them or, if the file cannot be written, none."""

        def put(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            try:
                for key, entry in entries.items():
                    self._put_in(db, key, entry, now)
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

        self._do(put, None)

    async def aget_many(self, keys: Sequence[Key], now: float) -> Sequence[Entry | None]:
        """As `get_many`."""
        return await asyncio.to_thread(self.get_many, keys, now)

    async def aput_many(self, entries: Mapping[Key, Entry], now: float) -> None:
        """As `put_many`."""
        await asyncio.to_thread(self.put_many, entries, now)
