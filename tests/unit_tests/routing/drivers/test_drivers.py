"""The drivers: sync, async and streamed are one flow; time is kept; nothing is left behind."""

from __future__ import annotations

import asyncio
import functools
import gc
import operator
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.rate_limiters import InMemoryRateLimiter
from pydantic import ConfigDict

from langchain_switchyard import (
    AllDeploymentsFailed,
    CallOptions,
    ChatSwitchyard,
    Deployment,
    StreamInterrupted,
    Timeouts,
    World,
)
from langchain_switchyard.routing.clock import SystemClock
from langchain_switchyard.routing.drivers.alarm import Alarm
from langchain_switchyard.routing.drivers.pump import Pump, watched
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.testing import CallTool, Delay, FakeClock, Say
from tests.unit_tests.routing.fleet import fleet, scripted, story

RESTART = CallOptions(recovery="restart")

CUT = Say("cut answer here", cut_after=2)

STEPS = st.sampled_from(
    [
        Say("whole answer 完整"),
        Say("cut answer here", cut_after=0),
        CUT,
        ConnectionError("down"),
        TimeoutError("mute"),
        [Delay(500), Say("too late")],
        CallTool("search", {"q": "天气"}),
        RuntimeError("the caller's own"),
    ]
)


def outcome_of(run: Any) -> Any:
    """What came of a call: the answer, or the error and who was asked."""
    try:
        message = run()
    except AllDeploymentsFailed as error:
        return type(error).__name__, [(a.deployment_id, a.failure.kind) for a in error.attempts]
    except StreamInterrupted as error:
        return "AllDeploymentsFailed", [(a.deployment_id, a.failure.kind) for a in error.attempts]
    except RuntimeError as error:
        return str(error)
    told = [(a["deployment"], a["outcome"]) for a in story(message)["attempts"]]
    calls = [(call["name"], call["args"]) for call in message.tool_calls]
    return message.text, calls, told, message.response_metadata["model_name"]


@given(
    first=st.lists(STEPS, min_size=1, max_size=3), second=st.lists(STEPS, min_size=1, max_size=2)
)
@settings(max_examples=60, deadline=None)
def test_sync_async_and_streamed_calls_of_one_script_come_to_the_same(first, second):
    """Written once: what differs is only how the answer arrives."""

    def model() -> ChatSwitchyard:
        clock = FakeClock()
        tiers = (scripted("a", *first, clock=clock), scripted("b", *second, clock=clock))
        # The same limit for a whole answer and for a first token, so that both time out alike.
        return fleet(*tiers, clock=clock, timeouts=Timeouts(first_token=50, total=50))

    async def astreamed() -> Any:
        chunks = [chunk async for chunk in model().astream("hi", switchyard=RESTART)]
        return functools.reduce(operator.add, chunks)

    def streamed() -> Any:
        return functools.reduce(operator.add, model().stream("hi", switchyard=RESTART))

    plain = outcome_of(lambda: model().invoke("hi"))

    assert outcome_of(lambda: asyncio.run(model().ainvoke("hi"))) == plain
    assert outcome_of(streamed) == outcome_of(lambda: asyncio.run(astreamed()))
    if CUT not in (*first, *second):
        # Without a break before the reader's eyes, streamed or not is the same way.
        assert outcome_of(streamed) == plain


# --- Time ---


async def test_late_first_token_is_asked_once_and_the_next_tier_answers():
    """On the clock of the script."""
    clock = FakeClock()
    late = scripted("a", [Delay(15), Say("late")], clock=clock)
    model = fleet(late, scripted("b", "fine"), clock=clock, timeouts=Timeouts(first_token=10))

    chunks = [chunk async for chunk in model.astream("hi")]

    assert "".join(chunk.text for chunk in chunks) == "fine"
    assert len(late.calls) == 1


def test_stalled_stream_is_given_up_in_sync_code_too():
    """After the commit it is an error that carries the partial text."""
    clock = FakeClock()
    stalling = scripted("a", [Delay(0, each=30), Say("one two three")], clock=clock)
    model = fleet(stalling, clock=clock, timeouts=Timeouts(first_token=60, stall=10))

    with pytest.raises(StreamInterrupted) as caught:
        list(model.stream("hi"))

    assert caught.value.attempts[0].failure.kind is Kind.TIMEOUT


class Silent(BaseChatModel):
    """Never answers, in any way; tells whether it was let go."""

    released: threading.Event
    let_go: list[str]
    speaks_first: bool = False

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "silent"

    def _generate(self, *_args: Any, **_kwargs: Any) -> Any:
        self.released.wait(5)
        raise ConnectionError("released")

    async def _agenerate(self, *_args: Any, **_kwargs: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            self.let_go.append("agenerate")

    def _stream(self, *_args: Any, **_kwargs: Any) -> Iterator[ChatGenerationChunk]:
        if self.speaks_first:
            yield ChatGenerationChunk(message=AIMessageChunk("hello"))
        self.released.wait(5)
        self.let_go.append("stream")
        yield ChatGenerationChunk(message=AIMessageChunk("too late"))

    async def _astream(self, *_args: Any, **_kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        try:
            if self.speaks_first:
                yield ChatGenerationChunk(message=AIMessageChunk("hello"))
            await asyncio.Event().wait()
        finally:
            self.let_go.append("astream")


@pytest.fixture
def silent():
    released = threading.Event()
    yield Silent(released=released, let_go=[])
    released.set()


SHORT = Timeouts(first_token=0.02, stall=0.02, total=0.05)


def over(model: BaseChatModel, timeouts: Timeouts = SHORT, **settings: Any) -> ChatSwitchyard:
    return ChatSwitchyard(
        deployments=[Deployment(model, id="a"), Deployment(scripted("b", "fine"), id="b", tier=1)],
        timeouts=timeouts,
        **settings,
    )


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_silent_deployment_is_left_in_time_on_every_way_in(silent, way):
    """One attempt, then somebody else; in async code nothing of it keeps running."""
    model = over(silent)
    if way == "invoke":
        text = model.invoke("hi").text
    elif way == "ainvoke":
        text = (await model.ainvoke("hi")).text
    elif way == "stream":
        text = "".join(chunk.text for chunk in model.stream("hi"))
    else:
        text = "".join([chunk.text async for chunk in model.astream("hi")])

    assert text == "fine"
    assert dict(model.stats()["a"].errors) == {"timeout": 1}
    if way.startswith("a"):
        assert silent.let_go


@pytest.mark.parametrize("is_async", [True, False])
async def test_stall_after_the_commit_restarts_where_asked_for(silent, is_async):
    """The stalled stream is closed before the next one is opened."""
    silent.speaks_first = True
    model = over(silent, recovery="restart")
    chunks = (
        [chunk async for chunk in model.astream("hi")] if is_async else list(model.stream("hi"))
    )

    assert functools.reduce(operator.add, chunks).text == "fine"


def test_virtual_loop_keeps_real_limits_without_waiting(silent):
    """Two minutes of silence take no time on a virtual loop."""
    clock = FakeClock()
    model = over(silent, Timeouts(), world=World(clock=clock))

    answer = clock.run(model.ainvoke("hi"))

    assert answer.text == "fine"
    assert clock.now() == pytest.approx(120)


async def test_the_consumer_s_own_time_is_not_the_provider_s_silence():
    """A slow reader is no stall."""
    clock = FakeClock()
    model = fleet(
        scripted("a", "one two three", clock=clock), clock=clock, timeouts=Timeouts(stall=10)
    )
    text = ""
    async for chunk in model.astream("hi"):
        text += chunk.text
        clock.advance(11)

    assert text == "one two three"


# --- Leaving early ---


async def test_abandoned_stream_is_closed_and_counts_against_nobody(silent):
    """The consumer leaves after the first chunk."""
    silent.speaks_first = True
    model = over(silent, Timeouts())
    stream = model.astream("hi")
    first = await anext(stream)
    await stream.aclose()

    assert first.text == "hello"
    assert silent.let_go == ["astream"]
    stats = model.stats()["a"]
    assert (stats.pending, dict(stats.errors), stats.breaker) == (0, {}, "closed")


def test_abandoned_sync_stream_counts_against_nobody(silent):
    """The reader thread ends at its next chunk."""
    silent.speaks_first = True
    model = over(silent, Timeouts())
    stream = model.stream("hi")
    next(stream)
    stream.close()
    silent.released.set()

    stats = model.stats()["a"]
    assert (stats.pending, dict(stats.errors)) == (0, {})


async def test_outer_timeout_reaches_the_caller_as_such(silent):
    """Our own timer never swallows somebody else's cancellation."""
    model = over(silent, Timeouts())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await model.ainvoke("hi")

    assert model.stats()["b"].attempts == 0
    assert model.stats()["a"].pending == 0


async def test_finished_calls_are_garbage():
    """Nothing outside holds a request's answer after its end, failed attempts included."""
    # A fresh error each time: one kept by the script would keep its traceback's frames.
    model = fleet(scripted("a", lambda *_: ConnectionError("x")), scripted("b", "fine"))
    answer = await model.ainvoke("hi")
    seen = weakref.ref(answer)
    del answer
    gc.collect()

    assert seen() is None


async def test_the_inner_model_s_own_rate_limiter_is_asked():
    """It is the owner's word, and private calls would skip it."""
    asked = []

    class Counting(InMemoryRateLimiter):
        def acquire(self, *, blocking: bool = True) -> bool:
            asked.append("sync")
            return True

        async def aacquire(self, *, blocking: bool = True) -> bool:
            asked.append("async")
            return True

    model = fleet(scripted("a", "x", rate_limiter=Counting()))
    model.invoke("hi")
    await model.ainvoke("hi")
    list(model.stream("hi"))
    _ = [chunk async for chunk in model.astream("hi")]

    assert asked == ["sync", "async", "sync", "async"]


async def test_waiting_in_the_model_s_own_limiter_is_nobody_s_failure():
    """No time left there is a throttle, told at once and held against nobody."""

    class Shut(InMemoryRateLimiter):
        def acquire(self, *, blocking: bool = True) -> bool:
            assert not blocking
            return False

        async def aacquire(self, *, blocking: bool = True) -> bool:
            assert not blocking
            return False

    clock = FakeClock()
    inner = scripted("a", "x", rate_limiter=Shut())
    model = fleet(inner, scripted("b", "fine"), clock=clock, timeouts=Timeouts(total=1))

    assert (await model.ainvoke("hi")).text == "fine"
    assert model.invoke("hi").text == "fine"
    assert inner.calls == []
    assert model.stats()["a"].breaker == "closed"
    assert clock.now() < 3


async def test_a_slow_reader_is_not_a_slow_provider():
    """Neither the total limit nor the latencies count the reader's time."""
    clock = FakeClock()
    inner = scripted("a", "one two three four", clock=clock)
    model = fleet(inner, clock=clock, timeouts=Timeouts(total=10, deadline=20))
    async for _ in model.astream("hi"):
        clock.advance(9)
    for _ in model.stream("hi"):
        clock.advance(9)

    stats = model.stats()["a"]
    assert stats.successes == 2
    assert (stats.latency_p95 or 0) < 1


async def test_a_caller_in_a_hurry_opens_nobody_s_circuit():
    """A deadline too short for anybody says nothing of a deployment."""
    clock = FakeClock()
    model = fleet(scripted("a", [Delay(0.3), Say("x")], clock=clock), clock=clock)
    for _ in range(5):
        with pytest.raises(AllDeploymentsFailed):
            await model.ainvoke("hi", switchyard=CallOptions(deadline=0.05))

    assert model.stats()["a"].breaker == "closed"


# --- The parts ---


async def test_alarm_rings_only_for_the_await_it_watches():
    """Time outside the block is not counted."""
    clock = SystemClock()
    alarm = Alarm(asyncio.get_running_loop(), clock)
    with alarm.until(clock.now() + 0.001):
        pass
    await asyncio.sleep(0.005)
    with pytest.raises(TimeoutError), alarm.until(clock.now() + 0.001):
        await asyncio.Event().wait()
    with alarm.until(None):
        await asyncio.sleep(0)
    alarm.close()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


def test_pump_raises_what_the_stream_raised():
    """In the consumer's thread."""

    def source() -> Iterator[int]:
        yield 1
        raise ConnectionError("cut")

    pump = Pump(source, "t")

    assert pump.get(1) == 1
    with pytest.raises(ConnectionError):
        pump.get(1)


def test_pump_ends_with_none_and_its_thread_with_it():
    """Nothing is left behind."""
    pump = Pump(lambda: iter([1, 2]), "switchyard:ends")

    assert [pump.get(1), pump.get(1), pump.get(1)] == [1, 2, None]
    for thread in threading.enumerate():
        if thread.name == "switchyard:ends":
            thread.join(1)
            assert not thread.is_alive()


def test_watched_call_gives_its_value_or_its_error():
    """Or a timeout; only then its thread is woken."""
    woken = []
    wake = lambda: woken.append("woken")
    assert watched(lambda: 3, 1, "t", wake) == 3
    with pytest.raises(KeyError):
        watched(lambda: {}["x"], 1, "t", wake)
    assert not woken
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        watched(lambda: gate.wait(5), 0.01, "t", wake)
    assert woken == ["woken"]
    gate.set()


def test_a_pump_wakes_its_reader_when_nobody_wants_the_rest():
    """But not when it has ended by itself: what it used may serve others by then."""
    gate, woken = threading.Event(), []

    def endless():
        yield 1
        gate.wait(5)
        yield 2

    def wake():
        woken.append("woken")
        gate.set()

    pump = Pump(endless, "switchyard:woken", wake)
    assert pump.get(1) == 1
    pump.close()
    assert woken == ["woken"]
    ended = Pump(lambda: iter([1]), "switchyard:ended", wake)
    assert [ended.get(1), ended.get(1)] == [1, None]
    ended.close()
    assert woken == ["woken"]
