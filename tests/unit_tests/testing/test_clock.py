"""The fake clock and its event loop."""

import asyncio
import threading
import time

import pytest

from langchain_switchyard.testing import Deadlock, FakeClock


def test_time_stands_still_until_advanced():
    """Only `advance` and sleeping move the clock."""
    clock = FakeClock(start=10)
    assert (clock.now(), clock.now()) == (10, 10)
    clock.advance(2.5)
    assert clock.now() == 12.5


def test_wall_moves_in_step_with_now():
    """The calendar follows the monotonic time from its own origin."""
    clock = FakeClock(start=100, epoch=5_000)
    clock.advance(7)
    assert clock.wall() == 5_007


def test_sleep_returns_at_once_and_is_recorded():
    """A long sleep takes no real time."""
    clock = FakeClock()
    started = time.perf_counter()
    clock.sleep(3600)
    assert time.perf_counter() - started < 1
    assert clock.now() == 3600
    assert clock.slept == [3600]


async def test_asleep_advances_and_lets_other_tasks_run():
    """An asynchronous sleep gives up the loop exactly like a real one."""
    clock, ran = FakeClock(), []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    await clock.asleep(5)
    assert (clock.now(), ran, clock.slept) == (5, ["other"], [5])


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_time_cannot_run_backwards(seconds):
    """A negative step is a bug of the caller and said so."""
    clock = FakeClock()
    with pytest.raises(ValueError, match="cannot move"):
        clock.advance(seconds)
    assert clock.now() == 0


def test_slept_is_a_copy():
    """Nobody can rewrite history from outside."""
    clock = FakeClock()
    clock.slept.append(1)
    assert clock.slept == []


def test_threads_lose_no_second():
    """Concurrent sleepers all count."""
    clock = FakeClock()
    threads = [
        threading.Thread(target=lambda: [clock.sleep(1) for _ in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 4000
    assert len(clock.slept) == 4000


def test_run_jumps_over_sleeps():
    """A day passes in an instant, on the same clock."""
    clock = FakeClock()

    async def day() -> str:
        await asyncio.sleep(86_400 * 3)
        return "done"

    started = time.perf_counter()
    assert clock.run(day()) == "done"
    assert time.perf_counter() - started < 1
    assert clock.now() == pytest.approx(86_400 * 3)


def test_run_orders_timers_by_their_time():
    """Concurrent sleeps overlap and end in order of their length."""
    clock, order = FakeClock(), []

    async def nap(seconds: float) -> None:
        await clock.asleep(seconds)
        order.append((seconds, clock.now()))

    async def main() -> None:
        await asyncio.gather(nap(3), nap(1), nap(2))

    clock.run(main())
    assert order == [(1, 1), (2, 2), (3, 3)]


def test_run_fires_timeouts_deterministically():
    """`asyncio.timeout` uses the virtual time."""
    clock = FakeClock()

    async def main() -> None:
        async with asyncio.timeout(10):
            await asyncio.sleep(11)

    with pytest.raises(TimeoutError):
        clock.run(main())
    assert clock.now() == 10


def test_run_reports_a_deadlock_with_the_waiting_line():
    """A coroutine that nothing can wake is named instead of hanging the test."""

    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match=r"stuck.*test_clock\.py"):
        FakeClock().run(stuck(), patience=0.01)


def test_run_waits_for_threads_before_it_jumps():
    """Time holds still while a thread works, so its result beats a short timeout."""
    clock, release = FakeClock(), threading.Event()

    async def main() -> str:
        asyncio.get_running_loop().call_soon(threading.Timer(0.02, release.set).start)
        async with asyncio.timeout(1):
            return await asyncio.to_thread(lambda: (release.wait(), "thread")[1])

    assert clock.run(main()) == "thread"
    assert clock.now() == 0


def test_run_waits_for_a_real_socket_when_no_timer_is_left():
    """Loopback traffic still works in virtual time."""

    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.read(4))
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"ping")
            answer = await reader.read()
            writer.close()
            return answer

    assert FakeClock().run(main()) == b"ping"


@pytest.mark.parametrize("start", [1.7e9, 1e17])
def test_run_makes_progress_at_large_clock_values(start):
    """A timer as small as the float's resolution does not spin forever."""
    clock = FakeClock(start=start)
    started = time.perf_counter()
    clock.run(asyncio.sleep(0.000_001))
    assert clock.now() >= start
    assert time.perf_counter() - started < 1


def test_run_leaves_no_thread_and_no_loop_behind():
    """The loop and its threads end with the run."""
    before = threading.active_count()
    FakeClock().run(asyncio.to_thread(time.monotonic))
    assert threading.active_count() == before
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
