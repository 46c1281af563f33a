"""Identical requests at the same time share one call, whatever becomes of the first."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.policy import CachePolicy, SingleFlight
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.errors import (
    AllDeploymentsFailed,
    DeadlineExceeded,
    StreamInterrupted,
)
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.testing import Delay, FakeClock, Say
from tests.unit_tests.cache.builders import told, wishes, yard

SLOW = [[Delay(5), Say("one two three "), Delay(5), Say("four five")]]
ALL = "one two three four five"


async def read(router: ChatSwitchyard, **options: Any) -> str:
    """A stream's text."""
    return "".join([chunk.text async for chunk in router.astream("q", **options)])


def test_fifty_calls_make_one_call() -> None:
    """All get the answer; one paid for it."""
    clock = FakeClock()
    router, model = yard(ResponseCache(), SLOW, clock=clock)

    async def all_at_once() -> list[AIMessage]:
        return await asyncio.gather(*(router.ainvoke("q") for _ in range(50)))

    answers = clock.run(all_at_once())
    assert len(model.calls) == 1
    assert {answer.content for answer in answers} == {ALL}
    assert len({answer.id for answer in answers}) == 50
    assert sum((a.usage_metadata or {}).get("output_tokens", 0) > 0 for a in answers) == 1
    assert sum(told(a)["cache"] == "miss" for a in answers) == 1


def test_a_cancelled_first_caller_does_not_take_the_others_down() -> None:
    """Nor is the model asked again."""
    clock = FakeClock()
    router, model = yard(ResponseCache(), SLOW, clock=clock)

    async def first_gives_up() -> list[Any]:
        tasks = [asyncio.create_task(router.ainvoke("q")) for _ in range(50)]
        await asyncio.sleep(1)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = clock.run(first_gives_up())
    assert isinstance(first, asyncio.CancelledError)
    assert {answer.content for answer in others} == {ALL}
    assert len(model.calls) == 1


@pytest.mark.parametrize("leave_after", [1, 7])
def test_streams_fan_out_also_when_the_first_reader_leaves(leave_after: float) -> None:
    """Before or after the first words."""
    clock = FakeClock()
    router, model = yard(ResponseCache(), SLOW, clock=clock)

    async def first_gives_up() -> list[Any]:
        tasks = [asyncio.create_task(read(router)) for _ in range(50)]
        await asyncio.sleep(leave_after)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = clock.run(first_gives_up())
    assert isinstance(first, asyncio.CancelledError)
    assert set(others) == {ALL}
    assert len(model.calls) == 1


def test_followers_of_a_stream_see_words_as_they_come() -> None:
    """And not only when the answer is whole."""
    clock = FakeClock()
    router, _ = yard(ResponseCache(), SLOW, clock=clock)
    seen: list[float] = []

    async def watch() -> None:
        async for chunk in router.astream("q"):
            if chunk.text:
                seen.append(clock.now())

    async def both() -> None:
        await asyncio.gather(read(router), watch())

    clock.run(both())
    assert seen[0] == 5.0
    assert seen[-1] == 10.0


def test_when_everybody_has_left_the_call_is_given_up() -> None:
    """Nobody pays for an answer that nobody wants."""
    clock = FakeClock()
    cache = ResponseCache()
    router, _ = yard(cache, SLOW, clock=clock)

    async def all_leave() -> None:
        tasks = [asyncio.create_task(router.ainvoke("q")) for _ in range(3)]
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await cache.asettle()

    clock.run(all_leave())
    assert clock.now() < 5
    assert len(cache._parts.flights) == 0
    assert cache.stats().levels["memory"].entries == 0


def test_whole_and_streamed_callers_share_too() -> None:
    """A whole answer is had from a stream, and a stream from a whole answer."""
    for first_streams in (True, False):
        clock = FakeClock()
        router, model = yard(ResponseCache(), SLOW, clock=clock)

        async def whole(router: ChatSwitchyard = router) -> str:
            return (await router.ainvoke("q")).text

        async def both(router: ChatSwitchyard = router, streams: bool = first_streams) -> list[str]:
            ways = [read(router), whole(router)]
            return await asyncio.gather(*(ways if streams else reversed(ways)))

        assert clock.run(both()) == [ALL, ALL]
        assert len(model.calls) == 1


def test_an_error_is_shared_once_and_never_stored() -> None:
    """Fifty callers do not make fifty failing calls; the next one tries anew."""
    clock = FakeClock()
    script = [[Delay(1), ConnectionError("down")], [Delay(1), ConnectionError("down")], "up"]
    router, model = yard(ResponseCache(), script, clock=clock)

    async def all_at_once() -> list[Any]:
        calls = (router.ainvoke("q") for _ in range(50))
        return await asyncio.gather(*calls, return_exceptions=True)

    errors = clock.run(all_at_once())
    assert len(traceback.extract_tb(errors[0].__traceback__)) < 60
    assert all(isinstance(error, AllDeploymentsFailed) for error in errors)
    assert len(model.calls) == 2
    clock.advance(60)
    assert router.invoke("q").content == "up"


def test_a_follower_keeps_its_own_deadline() -> None:
    """It is not bound to somebody else's patience."""
    clock = FakeClock()
    router, _ = yard(ResponseCache(), SLOW, clock=clock)

    async def hurried() -> None:
        patient = asyncio.create_task(router.ainvoke("q"))
        await asyncio.sleep(1)
        with pytest.raises(DeadlineExceeded):
            await router.ainvoke("q", **wishes(deadline=2))
        assert clock.now() == 3
        await patient

    clock.run(hurried())


def test_a_first_callers_deadline_is_not_the_followers() -> None:
    """They ask anew when it runs out."""
    clock = FakeClock()
    router, model = yard(ResponseCache(), SLOW, clock=clock)

    async def hurried_first() -> None:
        first = asyncio.create_task(router.ainvoke("q", **wishes(deadline=2)))
        await asyncio.sleep(1)
        assert (await router.ainvoke("q")).content == ALL
        with pytest.raises(DeadlineExceeded):
            await first

    clock.run(hurried_first())
    assert len(model.calls) == 2


def test_a_broken_stream_breaks_for_every_reader_with_what_it_has_seen() -> None:
    """A follower of plain text cannot take back what it showed either."""
    clock = FakeClock()
    script = [[Delay(1), Say("one two "), Delay(5), ConnectionError("cut")]]
    router, _ = yard(ResponseCache(), script, clock=clock)

    async def both() -> list[Any]:
        return await asyncio.gather(read(router), read(router), return_exceptions=True)

    for error in clock.run(both()):
        assert isinstance(error, StreamInterrupted)
        assert error.partial == "one two "


def test_requests_that_must_be_fresh_ask_for_themselves() -> None:
    """`no_cache` never rides with an older call."""
    clock = FakeClock()
    router, model = yard(ResponseCache(), SLOW, clock=clock)

    async def both() -> None:
        options = wishes(cache=CacheOptions(no_cache=True))
        await asyncio.gather(router.ainvoke("q"), router.ainvoke("q", **options))

    clock.run(both())
    assert len(model.calls) == 2


def test_single_flight_can_be_switched_off() -> None:
    """Then everybody asks, whole and streamed, and the answer is stored all the same."""
    clock = FakeClock()
    policy = CachePolicy(single_flight=SingleFlight(in_process=False))
    router, model = yard(ResponseCache(policy=policy), SLOW, clock=clock)

    async def both() -> list[str]:
        return await asyncio.gather(read(router), read(router))

    assert clock.run(both()) == [ALL, ALL]
    assert len(model.calls) == 2
    assert told(router.invoke("q"))["cache"] == "exact"


class Gate:
    """A clock whose sleepers wait for a door to open: for threads that must overlap."""

    def __init__(self) -> None:
        """Closed."""
        self.door = threading.Event()

    def sleep(self, _seconds: float) -> None:
        """Wait for the door."""
        assert self.door.wait(10)


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_threads_share_one_call(way: str) -> None:
    """Blocking callers ride together as awaiting ones do."""
    cache = ResponseCache()
    router, model = yard(cache, SLOW)
    gate = Gate()
    model.clock = gate  # type: ignore[assignment]  # its blocking half

    def ask() -> str:
        if way == "invoke":
            return str(router.invoke("q").content)
        return "".join(chunk.text for chunk in router.stream("q"))

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask) for _ in range(8)]
        while sum(f.riders for f in list(cache._parts.flights._aloft.values())) < 8:
            threading.Event().wait(0.001)
        gate.door.set()
        assert {answer.result(10) for answer in answers} == {ALL}
    assert len(model.calls) == 1


def test_a_thread_that_leaves_a_stream_does_not_take_the_others_down() -> None:
    """A blocking stream is fetched by a thread of its own."""
    cache = ResponseCache()
    router, model = yard(cache, [[Say("one two "), Delay(1), Say("three")]])
    gate = Gate()
    model.clock = gate  # type: ignore[assignment]  # its blocking half
    first = router.stream("q")
    assert next(iter(first)).text
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(lambda: "".join(chunk.text for chunk in router.stream("q")))
        while sum(f.riders for f in list(cache._parts.flights._aloft.values())) < 2:
            threading.Event().wait(0.001)
        first.close()  # type: ignore[attr-defined]  # it is a generator
        gate.door.set()
        assert second.result(10) == "one two three"
    assert len(model.calls) == 1


def test_what_a_reader_does_to_its_chunks_reaches_nobody_else() -> None:
    """Neither another reader nor the store."""
    clock = FakeClock()
    router, _ = yard(ResponseCache(), SLOW, clock=clock)

    async def spoil() -> None:
        async for chunk in router.astream("q"):
            chunk.content = "poison"

    async def both() -> str:
        _, text = await asyncio.gather(spoil(), read(router))
        return text

    assert clock.run(both()) == ALL
    assert router.invoke("q").content == ALL


def test_an_answer_that_came_while_looking_is_not_asked_for_again() -> None:
    """A far level takes its time; meanwhile another request may have been answered."""
    clock = FakeClock()

    class Slow(MemoryLevel):
        """A level that is empty, and takes long to say so."""

        waits = True

        async def aget(self, key: Any, now: float) -> None:
            await asyncio.sleep(30 if clock.now() > 1 else 0)

    cache = ResponseCache([MemoryLevel(), Slow(name="far")])
    router, model = yard(cache, SLOW, clock=clock)

    async def second_looks_longer() -> list[Any]:
        first = asyncio.create_task(router.ainvoke("q"))
        await asyncio.sleep(2)
        return [await router.ainvoke("q"), await first]

    second, first = clock.run(second_looks_longer())
    assert second.content == first.content == ALL
    assert told(second)["cache"] == "exact"
    assert len(model.calls) == 1


def test_an_interrupt_of_one_thread_is_not_raised_in_another() -> None:
    """Ctrl-C belongs to whoever pressed it."""
    cache = ResponseCache()
    gate = Gate()

    def interrupted(_messages: Any, _kwargs: Any) -> str:
        gate.sleep(0)
        raise KeyboardInterrupt

    router, model = yard(cache, [interrupted, "second try"])
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(router.invoke, "q") for _ in range(2)]
        while sum(f.riders for f in list(cache._parts.flights._aloft.values())) < 2:
            threading.Event().wait(0.001)
        gate.door.set()
        ends = [call.exception(10) for call in calls]
    assert sorted(str(type(end).__name__) for end in ends) == ["KeyboardInterrupt", "NoneType"]
    assert len(model.calls) == 2


@pytest.mark.parametrize("no_cache", [True, False])
def test_leaving_a_stream_gives_back_the_lock_that_other_processes_wait_for(
    tmp_path: Path, no_cache: bool
) -> None:
    """However the flow ends."""
    shared = SqliteLevel(tmp_path / "cache.db")
    cache = ResponseCache([MemoryLevel(), shared])
    router, _ = yard(cache, [[Say("one two "), Say("three")]])
    options = wishes(cache=CacheOptions(no_cache=no_cache))
    stream = router.stream("q", **options)
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    cache.settle()
    with sqlite3.connect(tmp_path / "cache.db") as database:
        assert database.execute("SELECT COUNT(*) FROM locks").fetchone() == (0,)
    cache.close()


def test_an_error_gives_back_the_lock_too(tmp_path: Path) -> None:
    """Else the next request would wait for nobody."""
    shared = SqliteLevel(tmp_path / "cache.db")
    cache = ResponseCache([MemoryLevel(), shared])
    router, _ = yard(cache, [ConnectionError("down")])
    with pytest.raises(AllDeploymentsFailed):
        router.invoke("q")
    with sqlite3.connect(tmp_path / "cache.db") as database:
        assert database.execute("SELECT COUNT(*) FROM locks").fetchone() == (0,)
    cache.close()


def test_callers_in_different_event_loops_share_one_call() -> None:
    """A server may run several; none of them blocks another."""
    cache = ResponseCache()
    router, model = yard(cache, [[Say("one two "), Delay(1), Say("three")]])
    door = threading.Event()

    class AsyncGate:
        """Opens for every loop."""

        async def asleep(self, _seconds: float) -> None:
            while not door.is_set():  # noqa: ASYNC110 - opened from another thread.
                await asyncio.sleep(0.001)

    model.clock = AsyncGate()  # type: ignore[assignment]  # its awaiting half

    def ask(way: str) -> str:
        async def whole() -> str:
            return (await router.ainvoke("q")).text

        return asyncio.run(whole() if way == "whole" else read(router))

    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(ask, way) for way in ("stream", "whole") * 3]
        while sum(f.riders for f in list(cache._parts.flights._aloft.values())) < 6:
            threading.Event().wait(0.001)
        door.set()
        assert {answer.result(20) for answer in answers} == {"one two three"}
    assert len(model.calls) == 1


def test_when_the_first_callers_loop_ends_the_others_ask_anew() -> None:
    """Its tasks die with it; nobody waits for them for ever."""
    cache = ResponseCache()
    router, model = yard(cache, [[Delay(1), Say("never said")], "second try"])
    waits = threading.Event()

    class Forever:
        """The first call never comes back."""

        async def asleep(self, _seconds: float) -> None:
            waits.set()
            await asyncio.sleep(3600)

    model.clock = Forever()  # type: ignore[assignment]  # its awaiting half

    def both_ride() -> None:
        while sum(f.riders for f in list(cache._parts.flights._aloft.values())) < 2:
            threading.Event().wait(0.001)

    async def lead() -> None:
        leading = asyncio.create_task(router.ainvoke("q"))
        await asyncio.to_thread(both_ride)
        assert not leading.done()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(asyncio.run, lead())
        assert waits.wait(10)
        second = pool.submit(router.invoke, "q")
        first.result(20)
        assert second.result(20).content == "second try"


def test_followers_of_a_restarted_stream_see_the_restart() -> None:
    """Those who asked for restarts, like the first caller, end with the whole answer."""
    clock = FakeClock()
    script = [[Delay(1), Say("half "), Delay(1), ConnectionError("cut")], [Delay(1), Say("whole")]]
    router, model = yard(ResponseCache(), script, clock=clock)

    async def summed() -> str:
        total: Any = None
        async for chunk in router.astream("q", **wishes(recovery="restart")):
            total = chunk if total is None else total + chunk
        return str(total.text)

    async def both() -> list[str]:
        return await asyncio.gather(summed(), summed())

    assert clock.run(both()) == ["whole", "whole"]
    assert len(model.calls) == 2


def test_a_blocking_stream_that_everybody_has_left_is_given_up() -> None:
    """Its thread stops at the next chunk, and nothing is stored."""
    cache = ResponseCache()
    router, model = yard(cache, [[Say("one "), Delay(1), Say("two "), Delay(1), Say("three")]])
    gate = Gate()
    model.clock = gate  # type: ignore[assignment]  # its blocking half
    stream = router.stream("q")
    assert next(iter(stream)).text
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    gate.door.set()
    cache.settle()
    assert cache.stats().levels["memory"].entries == 0
    assert len(cache._parts.flights) == 0
