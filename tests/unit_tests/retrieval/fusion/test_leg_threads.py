"""Threads for legs: bounded, and none lost to a leg that hangs."""

import asyncio
import contextvars
import subprocess
import sys
import threading

import pytest

from langchain_switchyard.retrieval.fusion.leg_threads import LegsStuck, LegThreads


@pytest.fixture
def hang():
    """A leg that hangs until the test is over."""
    release = threading.Event()
    yield lambda: release.wait(30)
    release.set()


def wait_until(holds):
    """Let other threads go on until something holds."""
    turn = threading.Event()
    for _ in range(2_000):
        if holds():
            return
        turn.wait(0.005)
    pytest.fail("never happened")


def started(threads, work):
    """Submit, and wait until a thread has taken it."""
    future = threads.submit(work)
    wait_until(future.running)
    return future


def test_results_and_errors_come_back():
    """Through the future; the thread lives on."""
    threads = LegThreads(size=1)

    def fail():
        raise ValueError("no")

    assert threads.submit(lambda: 7).result(5) == 7
    with pytest.raises(ValueError, match="no"):
        threads.submit(fail).result(5)
    assert threads.submit(lambda: 8).result(5) == 8


def test_work_runs_in_the_callers_context():
    """Tracers and configuration travel in context variables."""
    variable = contextvars.ContextVar("variable", default=None)
    variable.set("mine")
    assert LegThreads().submit(variable.get).result(5) == "mine"


def test_no_more_threads_than_its_size(hang):
    """The next leg waits for its turn."""
    threads = LegThreads(size=2)
    for _ in range(2):
        started(threads, hang)
    third = threads.submit(lambda: "done")
    with pytest.raises(TimeoutError):
        third.result(0.05)


def test_one_given_up_makes_room_for_the_next(hang):
    """A thread that hangs is replaced."""
    threads = LegThreads(size=1)
    stuck = started(threads, hang)
    waiting = threads.submit(lambda: "done")
    threads.give_up(stuck)
    assert waiting.result(5) == "done"
    assert threads.stuck == 1


def test_a_stuck_thread_that_returns_ends_and_is_counted_no_more():
    """Neither the count of the stuck nor that of the working drifts."""
    threads, release = LegThreads(size=1), threading.Event()
    for _ in range(5):
        release.clear()
        stuck = started(threads, lambda: release.wait(30))
        threads.give_up(stuck)
        release.set()
        wait_until(lambda: threads.stuck == 0)
    assert threads.submit(lambda: "done").result(5) == "done"
    assert threads._threads == 1


def test_too_many_stuck_legs_are_refused_at_once(hang):
    """Instead of piling up threads; with what to do about it."""
    threads = LegThreads(size=1, most_stuck=2)
    for _ in range(2):
        threads.give_up(started(threads, hang))
    with pytest.raises(LegsStuck, match="a timeout of its own"):
        threads.submit(lambda: 1)


def test_what_was_given_up_before_it_began_never_runs(hang):
    """And counts as nothing."""
    threads, ran = LegThreads(size=1), []
    started(threads, hang)
    waiting = threads.submit(lambda: ran.append(1))
    threads.give_up(waiting)
    assert waiting.cancelled()
    assert (threads.stuck, ran) == (0, [])


async def test_a_cancelled_waiter_gives_its_leg_up(hang):
    """On an event loop, too."""
    threads = LegThreads(size=1)
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.create_task(threads.run(lambda: loop.call_soon_threadsafe(begun.set) and hang()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threads.stuck == 1
    assert await threads.run(lambda: "done") == "done"


def test_closing_waits_for_nobody(hang):
    """Neither for a leg that hangs nor for one that has not begun."""
    threads = LegThreads(size=1)
    started(threads, hang)
    waiting = threads.submit(lambda: 1)
    threads.close()
    threads.close()
    assert waiting.cancelled()
    with pytest.raises(LegsStuck, match="closed"):
        threads.submit(lambda: 1)


def test_a_leg_that_hangs_does_not_keep_the_interpreter():
    """It leaves although a thread is at work."""
    program = (
        "import threading\n"
        "from langchain_switchyard.retrieval.fusion.leg_threads import LegThreads\n"
        "future = LegThreads().submit(threading.Event().wait)\n"
        "while not future.running(): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)  # noqa: S603 - ours.
    assert done.returncode == 0
