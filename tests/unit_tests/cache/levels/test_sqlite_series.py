"""Series in a SQLite file, and semantic levels that learn from each other through it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from tests.unit_tests.cache.builders import address, entry
from tests.unit_tests.cache.series_suite import SeriesSuite, SharingSuite
from tests.unit_tests.cache.shared_level_suite import NOW, Make


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Handles on one file."""
    made: list[SqliteLevel] = []

    def one_more(**facts: Any) -> SqliteLevel:
        made.append(SqliteLevel(tmp_path / "cache.db", **facts))
        return made[-1]

    yield one_more
    for level in made:
        level.close()


class TestSqliteSeries(SeriesSuite):
    """What series are."""


class TestSharingThroughSqlite(SharingSuite):
    """What semantic levels make of them."""


def test_no_number_is_given_out_twice(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """By handles that append at the same time; one that waits too long may give up."""
    levels = [make() for _ in range(3)]

    def work(level: Any) -> None:
        for _ in range(20):
            level.append(address(), entry(at=NOW), NOW, 1_000)

    threads = [threading.Thread(target=work, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(make().read_on(address(), "", 1_000, NOW).entries) <= 60
    assert "UNIQUE" not in caplog.text


def test_a_changed_note_is_left_out_and_the_others_are_read(make: Make, tmp_path: Path) -> None:
    """Damage costs what it damaged."""
    level = make()
    for name in ("a", "b", "c"):
        level.append(address(), entry(name, at=NOW), NOW, 100)
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.execute(
            "UPDATE entries SET blob = zeroblob(9) WHERE address = "
            "(SELECT MIN(address) FROM entries)"
        )
    read = level.read_on(address(), "", 9, NOW).entries
    assert [one.body for one in read] == [entry("b").body, entry("c").body]


def test_an_unusable_file_cannot_tell(tmp_path: Path) -> None:
    """None, and not an empty series."""
    level = SqliteLevel(tmp_path / "missing" / "cache.db")
    level.append(address(), entry(at=NOW), NOW, 9)
    assert level.read_on(address(), "", 9, NOW) is None
