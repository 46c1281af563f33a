"""A failing level is left alone for a second and never raises."""

from __future__ import annotations

import logging

import pytest

from langchain_switchyard.cache.levels.fuse import Fuse
from langchain_switchyard.testing import FakeClock


class Server:
    """Fails while it is down; counts who asks."""

    def __init__(self) -> None:
        """Up."""
        self.down = False
        self.asked = 0

    def ask(self) -> str:
        """Answer or fail."""
        self.asked += 1
        if self.down:
            raise ConnectionError("down")
        return "here"

    async def aask(self) -> str:
        """As `ask`."""
        return self.ask()


def test_after_a_failure_nobody_asks_for_a_second() -> None:
    """A sick server costs one budget per second, not one per request."""
    clock, server = FakeClock(), Server()
    fuse = Fuse("redis", clock.now)
    server.down = True
    assert [fuse.call(server.ask, "default") for _ in range(50)] == ["default"] * 50
    assert server.asked == 1
    clock.advance(1.1)
    fuse.call(server.ask, "default")
    assert server.asked == 2
    assert fuse.failures == 2


def test_it_notices_when_the_level_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """One caller tries; then all go through again."""
    caplog.set_level(logging.INFO)
    clock, server = FakeClock(), Server()
    fuse = Fuse("redis", clock.now)
    server.down = True
    fuse.call(server.ask, "default")
    server.down = False
    assert fuse.call(server.ask, "default") == "default"
    clock.advance(1.1)
    assert [fuse.call(server.ask, "default") for _ in range(3)] == ["here"] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_while_one_tries_the_others_go_on_without() -> None:
    """Lest all wait for a server that still hangs."""
    clock, server = FakeClock(), Server()
    fuse = Fuse("redis", clock.now)
    server.down = True
    fuse.call(server.ask, "default")
    clock.advance(1.1)

    def trying() -> str:
        assert fuse.call(server.ask, "default") == "default"
        return "tried"

    assert fuse.call(trying, "default") == "tried"
    assert server.asked == 1


async def test_the_awaiting_way_is_the_same() -> None:
    """One fuse for both."""
    clock, server = FakeClock(), Server()
    fuse = Fuse("redis", clock.now)
    assert await fuse.acall(server.aask, "default") == "here"
    server.down = True
    assert await fuse.acall(server.aask, "default") == "default"
    assert fuse.call(server.ask, "default") == "default"
    assert server.asked == 2
