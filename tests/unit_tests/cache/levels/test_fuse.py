"""A failing level is left alone for a second and never raises."""

from __future__ import annotations

import logging

import pytest

from langchain_switchyard.cache.errors import LevelUnreachable
from langchain_switchyard.cache.levels.fuse import Fuse
from langchain_switchyard.errors import ConfigurationError
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


async def test_what_must_be_done_is_tried_while_the_level_rests_and_raised() -> None:
    """And mends the fuse if it goes well."""
    fuse, calls = Fuse("far", lambda: 0.0), []

    def broken() -> int:
        calls.append("broken")
        raise OSError("away")

    async def abroken() -> int:
        return broken()

    async def works() -> int:
        return 5

    assert fuse.call(broken, 7) == 7
    assert fuse.call(lambda: 5, 7) == 7
    with pytest.raises(LevelUnreachable, match="far: do it again") as raised:
        fuse.insist(broken, "do it again")
    assert raised.value.levels == ("far",)
    with pytest.raises(LevelUnreachable):
        await fuse.ainsist(abroken, "do it again")
    assert fuse.attempt(broken, 7) == await fuse.aattempt(abroken, 7) == 7
    assert len(calls) == fuse.failures == 5
    assert await fuse.aattempt(works, 7) == 5
    assert fuse.call(lambda: 5, 7) == 5


async def test_a_level_that_was_set_up_wrongly_says_so_to_everybody() -> None:
    """It would never work, and a log line is soon forgotten."""
    fuse = Fuse("far")

    def wrong() -> int:
        raise ConfigurationError("write it so")

    async def awrong() -> int:
        return wrong()

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="write it so"):
            fuse.call(wrong, 7)
        with pytest.raises(ConfigurationError, match="write it so"):
            await fuse.acall(awrong, 7)
    assert fuse.failures == 0
