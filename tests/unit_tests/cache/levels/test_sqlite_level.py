"""The SQLite level: a shared level, and what only a file can suffer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_switchyard.cache.errors import LevelUnreachable
from langchain_switchyard.cache.levels import sqlite_epochs, sqlite_level
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.builders import address, asked, entry
from tests.unit_tests.cache.shared_level_suite import NOW, Make, SharedLevelSuite


class TestSqliteLevel(SharedLevelSuite):
    """Everything that shared levels must do."""

    @pytest.fixture
    def make(self, tmp_path: Path) -> Iterator[Make]:
        """Handles on one file."""
        made: list[SqliteLevel] = []

        def one_more(**facts: Any) -> SqliteLevel:
            made.append(SqliteLevel(tmp_path / "cache.db", **facts))
            return made[-1]

        yield one_more
        for level in made:
            level.close()


def test_entries_survive_a_restart(tmp_path: Path) -> None:
    """That is what a file is for."""
    level = SqliteLevel(tmp_path / "cache.db")
    level.put(address(), entry(at=NOW), NOW)
    level.close()
    assert SqliteLevel(tmp_path / "cache.db").get(address(), NOW) == entry(at=NOW)


def test_the_bound_in_bytes_holds(tmp_path: Path) -> None:
    """Those that expire first make room."""
    level = SqliteLevel(tmp_path / "cache.db", max_bytes=100_000)
    body = bytes(range(256)) * 4
    for number in range(1_000):
        held = entry(at=NOW, fresh_for=60 + number)
        level.put(address(str(number)), type(held)(**{**_fields(held), "body": body}), NOW)
    used = level.usage()
    assert used.size is not None
    assert used.size < 100_000 + 128 * 2_000
    assert level.get(address("999"), NOW) is not None
    assert level.get(address("0"), NOW) is None
    level.close()


def _fields(held: Any) -> dict[str, Any]:
    return {name: getattr(held, name) for name in held.__slots__}


def test_a_changed_row_is_a_miss(tmp_path: Path) -> None:
    """Also one that was moved to another address."""
    path = tmp_path / "cache.db"
    level = SqliteLevel(path)
    for name in ("a", "b"):
        level.put(address(name), entry(name, at=NOW), NOW)
    with sqlite3.connect(path) as other:
        other.execute(
            "UPDATE entries SET blob = (SELECT blob FROM entries WHERE address = ?) "
            "WHERE address = ?",
            (address("a").digest, address("b").digest),
        )
    assert level.get(address("a"), NOW) == entry("a", at=NOW)
    assert level.get(address("b"), NOW) is None
    level.close()


@pytest.mark.parametrize("trouble", ["no folder", "not a database"])
def test_a_file_that_cannot_be_used_is_an_empty_level(tmp_path: Path, trouble: str) -> None:
    """Nobody hears of it but the log."""
    path = tmp_path / "missing" / "cache.db" if trouble == "no folder" else tmp_path / "cache.db"
    if trouble == "not a database":
        path.write_bytes(b"not a database, but long enough to look like a file" * 100)
    level = SqliteLevel(path)
    level.put(address(), entry(at=NOW), NOW)
    assert level.get(address(), NOW) is None
    with pytest.raises(LevelUnreachable, match="erase again"):
        level.erase("eve")
    assert level.news(0) is None
    assert level.bump("s") is None
    assert level.lock(address(), "t", 1) is None
    assert not level.renew(address(), "t", 1)
    assert level.publish(address(), "t", entry(at=NOW), NOW) is None
    assert not level.tell(address(), "t", 0, [b"frame"], 1)
    assert list(level.heard(address(), "t", 0)) == []
    assert level.usage().failures > 0
    level.close()


def test_a_file_locked_by_somebody_else_costs_little_and_no_error(tmp_path: Path) -> None:
    """Reads go on; a write that must wait too long is dropped."""
    path = tmp_path / "cache.db"
    level = SqliteLevel(path)
    level.put(address("a"), entry(at=NOW), NOW)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    level.put(address("b"), entry(at=NOW), NOW)
    other.execute("ROLLBACK")
    other.close()
    assert level.usage().failures == 1
    level.close()


def test_threads_share_one_level(tmp_path: Path) -> None:
    """Its connection is under one lock."""
    level = SqliteLevel(tmp_path / "cache.db")

    def work(thread: int) -> None:
        for number in range(30):
            level.put(address(f"{thread} {number}"), entry(at=NOW), NOW)
            assert level.get(address(f"{thread} {number}"), NOW) is not None

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert level.usage().entries == 120
    assert level.usage().failures == 0
    level.close()


def test_a_lease_ends_by_itself(tmp_path: Path) -> None:
    """By the clock it was given; a renewed one lasts longer."""
    clock = FakeClock()
    level = SqliteLevel(tmp_path / "cache.db", wall=clock.wall)
    assert level.lock(address(), "a", 10) == "a"
    clock.advance(9)
    assert level.renew(address(), "a", 10)
    clock.advance(9)
    assert level.lock(address(), "b", 10) == "a"
    clock.advance(2)
    assert not level.renew(address(), "a", 10)
    assert level.publish(address(), "a", entry(at=NOW), NOW) is False
    assert level.lock(address(), "b", 10) == "b"


def test_frames_that_nobody_can_hear_any_more_leave_the_file(tmp_path: Path) -> None:
    """Whoever tells something next sweeps."""
    clock = FakeClock()
    level = SqliteLevel(tmp_path / "cache.db", wall=clock.wall)
    level.tell(address(), "a", 0, [b"one"], 10)
    clock.advance(11)
    level.tell(address(), "b", 0, [b"two"], 10)
    assert list(level.heard(address(), "a", 0)) == []
    assert list(level.heard(address(), "b", 0)) == [b"two"]


def test_a_line_with_a_gap_is_heard_up_to_the_gap(tmp_path: Path) -> None:
    """Half a sentence is no sentence."""
    level = SqliteLevel(tmp_path / "cache.db")
    level.tell(address(), "a", 0, [b"one"], 10)
    level.tell(address(), "a", 2, [b"three"], 10)
    assert list(level.heard(address(), "a", 0)) == [b"one"]


def test_what_was_told_is_heard_for_as_long_as_the_lease_is_renewed(tmp_path: Path) -> None:
    """A model may be silent for longer than a lease."""
    clock = FakeClock()
    level = SqliteLevel(tmp_path / "cache.db", wall=clock.wall)
    level.lock(address(), "a", 10)
    level.tell(address(), "a", 0, [b"one"], 10)
    for _ in range(3):
        clock.advance(9)
        assert level.renew(address(), "a", 10)
    level.tell(address("else"), "b", 0, [b"sweeps"], 10)
    assert list(level.heard(address(), "a", 0)) == [b"one"]


def test_an_erasure_waits_for_another_process_that_writes(tmp_path: Path) -> None:
    """A request would have gone on without; who erases must be told the truth."""
    path = tmp_path / "cache.db"
    level = SqliteLevel(path)
    level.put(address(), entry(at=NOW, subject="eve"), NOW)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ["COMMIT"])
    release.start()
    assert level.erase("eve") == 1
    release.join()
    other.close()


def test_an_erasure_that_cannot_be_made_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also through the whole cache, and the other levels are erased all the same."""
    monkeypatch.setattr(sqlite_level, "_PATIENCE", 0.0)
    path = tmp_path / "cache.db"
    cache = ResponseCache([MemoryLevel(), SqliteLevel(path)])
    cache.store(asked(subject="eve"), AIMessage("about eve"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LevelUnreachable, match="sqlite") as raised:
        cache.erase("eve")
    assert raised.value.levels == ("sqlite",)
    assert cache.stats().levels["memory"].entries == 0
    other.execute("COMMIT")
    assert cache.erase("eve") == 1
    other.close()


def test_old_epochs_leave_the_file_and_nothing_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their newest stands for them all, also to a process that starts later."""
    monkeypatch.setattr(sqlite_epochs, "KEPT", 100)
    path = tmp_path / "cache.db"
    level = SqliteLevel(path)
    level.bump("renewed:one")
    bumped = [level.bump(f"scope {number}") for number in range(600)]
    news = dict(SqliteLevel(path).news(0) or ())
    assert 100 < len(news) < 250
    assert news["renewed:one"] > 0
    oldest = min(epoch for name, epoch in news.items() if name.startswith("scope"))
    assert news[""] == bumped[bumped.index(oldest) - 1]
