"""Epochs in the SQLite level: a table of scopes, the file's own clock being its largest epoch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from langchain_switchyard.cache.levels.level import KEPT, OLDEST, RENEWED

R = TypeVar("R")

EPOCHS = """
CREATE TABLE IF NOT EXISTS epochs (scope TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS epochs_by_time ON epochs (epoch);
"""
_CLEAN_EVERY = 128
"""Bumps between looks at whether old epochs are to be forgotten."""
_BUMP = (
    "INSERT INTO epochs SELECT ?, MAX(?, (SELECT COALESCE(MAX(epoch), 0) + 1 FROM epochs)) "
    "WHERE TRUE ON CONFLICT (scope) DO UPDATE SET epoch = excluded.epoch RETURNING epoch"
)
_REMIND = (
    "INSERT INTO epochs VALUES (?, ?) ON CONFLICT (scope) DO UPDATE "
    "SET epoch = MAX(epoch, excluded.epoch)"
)
_KIND = "(scope GLOB 'renewed:*') = ?"
_NEWEST_FORGOTTEN = (
    f"INSERT INTO epochs SELECT ?, epoch FROM epochs WHERE {_KIND} "  # noqa: S608 - our own text.
    "ORDER BY epoch DESC LIMIT 1 OFFSET ? "
    "ON CONFLICT (scope) DO UPDATE SET epoch = MAX(epoch, excluded.epoch)"
)
_FORGET = (
    f"DELETE FROM epochs WHERE {_KIND} AND scope <> ? "  # noqa: S608 - our own text.
    "AND epoch <= (SELECT epoch FROM epochs WHERE scope = ?)"
)


class SqliteEpochs:
    """What `SqliteLevel` can do with epochs."""

    _wall: Callable[[], float]
    _bumped = 0

    def _do(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        raise NotImplementedError

    def _try(self, operation: Callable[[sqlite3.Connection], R], default: R) -> R:
        raise NotImplementedError

    def news(self, since: int) -> Sequence[tuple[str, int]] | None:
        """Scopes bumped since."""
        statement = "SELECT scope, epoch FROM epochs WHERE epoch >= ?"
        return self._do(lambda db: db.execute(statement, (since,)).fetchall(), None)

    def bump(self, scope: str) -> int | None:
        """Begin a new epoch."""

        def write(db: sqlite3.Connection) -> int:
            (epoch,) = db.execute(_BUMP, (scope, int(self._wall() * 1e6))).fetchone()
            self._bumped += 1
            if self._bumped % _CLEAN_EVERY == 0:
                _forget_old(db)
            return int(epoch)

        return self._try(write, None)

    def remind(self, epochs: Mapping[str, int]) -> bool:
        """Tell lost epochs again."""

        def write(db: sqlite3.Connection) -> bool:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.executemany(_REMIND, epochs.items())
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
            return True

        return self._do(write, default=False)


def _forget_old(db: sqlite3.Connection) -> None:
    for oldest in (OLDEST, RENEWED):
        # First what stands for the others, then the others.
        db.execute(_NEWEST_FORGOTTEN, (oldest, oldest == RENEWED, KEPT))
        db.execute(_FORGET, (oldest == RENEWED, oldest, oldest))
