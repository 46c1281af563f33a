"""One client for each event loop, and none when the loops are gone."""

from __future__ import annotations

import asyncio
import logging

import pytest

from langchain_switchyard.per_loop import PerLoop


class Client:
    """Knows on which loop it was closed."""

    def __init__(self, *, breaks: bool = False) -> None:
        """Open."""
        self.closed_on: asyncio.AbstractEventLoop | None = None
        self._breaks = breaks

    async def aclose(self) -> None:
        """Close, or not."""
        if self._breaks:
            raise ConnectionError("the server is gone")
        await asyncio.sleep(0)
        self.closed_on = asyncio.get_running_loop()


def test_a_client_is_closed_on_its_own_loop_when_that_ends() -> None:
    """Whatever is done with it there, and however many loops there are."""
    clients = PerLoop(Client)
    used: list[Client] = []

    async def use() -> asyncio.AbstractEventLoop:
        one, same = await asyncio.gather(clients.get(), clients.get())
        assert one is same
        assert len(clients) == 1
        used.append(one)
        return asyncio.get_running_loop()

    loops = [asyncio.run(use()) for _ in range(3)]
    assert len(clients) == 0
    assert [client.closed_on for client in used] == loops


def test_loops_at_the_same_time_have_a_client_each() -> None:
    """In threads of their own."""
    clients = PerLoop(Client)

    async def use() -> Client:
        mine: Client = await clients.get()
        theirs: Client = await asyncio.to_thread(lambda: asyncio.run(use_inner()))
        assert mine is not theirs
        assert theirs.closed_on is not None
        assert mine.closed_on is None
        return mine

    async def use_inner() -> Client:
        made: Client = await clients.get()
        return made

    assert asyncio.run(use()).closed_on is not None


def test_a_closed_client_makes_room_for_a_new_one() -> None:
    """On the same loop."""
    clients = PerLoop(Client)

    async def use() -> None:
        first = await clients.get()
        await clients.close()
        assert first.closed_on is asyncio.get_running_loop()
        await clients.close()
        assert await clients.get() is not first

    asyncio.run(use())


def test_a_client_that_cannot_be_closed_does_not_spoil_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its server may be gone."""
    clients = PerLoop(lambda: Client(breaks=True))
    with caplog.at_level(logging.DEBUG, "langchain_switchyard"):
        asyncio.run(clients.get())
    assert len(clients) == 0
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
