"""Thousands of calls under random faults, timeouts and cancellations leave nothing behind.

`SWITCHYARD_SOAK_CALLS` sets how many; 10,000 in CI, fewer elsewhere. Real event loop, real threads,
real time: the limits are milliseconds, so that every kind of end happens often.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import sys
import threading
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from langchain_core.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelRateLimitError,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from langchain_switchyard import (
    BreakerPolicy,
    CallOptions,
    ChatSwitchyard,
    Deployment,
    RetryPolicy,
    Timeouts,
)
from langchain_switchyard.routing.circuit import Opening
from langchain_switchyard.routing.retry import Backoff
from langchain_switchyard.testing.faulty import FaultyProvider
from langchain_switchyard.testing.faulty.exchange import Exchange
from langchain_switchyard.testing.faulty.faults import (
    CutAfter,
    ErrorEventInStream,
    Fault,
    Healthy,
    HtmlWith200,
    MalformedEvent,
    NeverAnswers,
    NoFinishReason,
    Overloaded,
    RateLimited,
    ResetBeforeHeaders,
    ServerError,
    Stall,
    TruncatedJson,
)

CALLS = int(os.environ.get("SWITCHYARD_SOAK_CALLS") or (10_000 if os.environ.get("CI") else 1_500))
TASKS = 200
ANSWER = [
    "The",
    "eight",
    "planets",
    "go",
    "round",
    "the",
    "sun",
    "八大行星绕着太阳转",
    "and",
    "none",
    "of",
    "them",
    "is",
    "late",
]
TEXT = " ".join(ANSWER)
USAGE = {"input_tokens": 5, "output_tokens": 17, "total_tokens": 22}
FLAT = 64 * 1024
"""Bytes that memory may grow over a quarter of the calls, however many they are."""
LOOKS = 3
"""Quarters to look at: what other threads keep shows in one of them, a leak in all."""


class Fate:
    """Decides, from one seed, what happens to each call, and counts the calls still open."""

    def __init__(self, seed: int, silence: float) -> None:
        self.rng = random.Random(seed)
        self.silence = silence
        self.healthy = False
        self.open = 0
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Count one call from its first step to its last, however it ends."""
        with self.lock:
            self.open += 1
        try:
            yield
        finally:
            with self.lock:
                self.open -= 1

    def pause(self) -> float:
        """Seconds until the answer: mostly short, sometimes longer than any limit."""
        if self.healthy:
            return 0.0
        if self.rng.random() < 0.08:
            return self.silence
        return self.rng.choice([0.0, 0.0005, 0.002])

    def may_fail(self, chance: float) -> None:
        """Raise one of the ways in which providers refuse."""
        if not self.healthy and self.rng.random() < chance:
            _raise(self.rng.choice(["429", "429 soon", "503", "500", "reset", "timeout", "400"]))


def _raise(kind: str) -> NoReturn:
    errors: dict[str, Exception] = {
        "429": ModelRateLimitError("too many requests"),
        "429 soon": ModelRateLimitError("too many requests, retry after 0.01 seconds"),
        "503": ModelAPIError("503 overloaded"),
        "500": ModelAPIError("500 internal error"),
        "reset": ModelConnectionError("connection reset by peer"),
        "timeout": TimeoutError("read timed out"),
        "400": ModelInvalidRequestError("temperature must be below 2"),
    }
    raise errors[kind]


class FlakyChatModel(BaseChatModel):
    """Answers, refuses, hangs, breaks off or falls silent, as its fate decides."""

    fate: Any = Field(exclude=True)

    @property
    def _llm_type(self) -> str:
        return "flaky"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs) -> ChatResult:
        with self.fate.call():
            time.sleep(self.fate.pause())
            self.fate.may_fail(0.2)
            return _result()

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs) -> ChatResult:
        with self.fate.call():
            await asyncio.sleep(self.fate.pause())
            self.fate.may_fail(0.2)
            return _result()

    def _stream(
        self, messages, stop=None, run_manager=None, **kwargs
    ) -> Iterator[ChatGenerationChunk]:
        with self.fate.call():
            self.fate.may_fail(0.1)
            for number, word in enumerate(ANSWER):
                if number in (0, 5):
                    time.sleep(self.fate.pause())
                    self.fate.may_fail(0.1)
                yield _chunk(number, word)
            yield _end()

    async def _astream(
        self, messages, stop=None, run_manager=None, **kwargs
    ) -> AsyncIterator[ChatGenerationChunk]:
        with self.fate.call():
            self.fate.may_fail(0.1)
            for number, word in enumerate(ANSWER):
                if number in (0, 5):
                    await asyncio.sleep(self.fate.pause())
                    self.fate.may_fail(0.1)
                yield _chunk(number, word)
            yield _end()


def _result() -> ChatResult:
    message = AIMessage(TEXT, usage_metadata=USAGE, response_metadata={"finish_reason": "stop"})
    return ChatResult(generations=[ChatGeneration(message=message)])


def _chunk(number: int, word: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(word if number == 0 else f" {word}"))


def _end() -> ChatGenerationChunk:
    return ChatGenerationChunk(
        message=AIMessageChunk("", usage_metadata=USAGE, chunk_position="last"),
        generation_info={"finish_reason": "stop"},
    )


def fleet(*models: BaseChatModel, patience: float = 0.05) -> ChatSwitchyard:
    """All but the last model in tier 0, the last behind them; `patience` in seconds scales all."""
    last = len(models) - 1
    return ChatSwitchyard(
        deployments=[
            Deployment(model=model, id=f"d{number}", tier=int(number == last))
            for number, model in enumerate(models)
        ],
        retry=RetryPolicy(backoff=Backoff(transient=0.001, throttled=0.002, longest=0.01)),
        timeouts=Timeouts(
            connect=None,
            first_token=patience,
            stall=patience,
            total=4 * patience,
            deadline=10 * patience,
        ),
        breaker=BreakerPolicy(opening=Opening(first=0.01, longest=0.05)),
    )


async def whole(model: ChatSwitchyard) -> str:
    """One answer in one piece."""
    return (await model.ainvoke("How many planets?")).text


async def summed(model: ChatSwitchyard) -> str:
    """One answer summed from a stream that may begin anew."""
    total: Any = None
    options = CallOptions(recovery="restart")
    async for chunk in model.astream("How many planets?", switchyard=options):
        total = chunk if total is None else total + chunk
    return total.text


async def plain(model: ChatSwitchyard) -> str:
    """One answer read chunk by chunk; it ends whole or with an error."""
    return "".join([chunk.text async for chunk in model.astream("How many planets?")])


async def abandoned(model: ChatSwitchyard) -> str:
    """A stream whose reader loses interest, and closes it."""
    async with contextlib.aclosing(model.astream("How many planets?")) as chunks:
        async for _chunk_read in chunks:
            break
    raise asyncio.CancelledError


async def forgotten(model: ChatSwitchyard) -> str:
    """A stream whose reader walks away without a word: the garbage collector must close it."""
    async for _chunk_read in model.astream("How many planets?"):
        break
    raise asyncio.CancelledError


async def cancelled(model: ChatSwitchyard, way: Callable[..., Awaitable[str]], after: float) -> str:
    """A call that is cancelled from outside, wherever it is by then."""
    task = asyncio.ensure_future(way(model))
    await asyncio.sleep(after)
    task.cancel()
    return await task


async def one_call(model: ChatSwitchyard, rng: random.Random) -> str:
    """Make one call in one of many ways; tells how it ended, and raises what never may happen."""
    way = rng.choice([whole, whole, summed, plain, abandoned, forgotten])
    try:
        if rng.random() < 0.25:
            text = await cancelled(model, way, rng.choice([0.0, 0.001, 0.003, 0.01, 0.04]))
        else:
            text = await way(model)
    except asyncio.CancelledError:
        return "cancelled"
    except ModelError:  # Ours and the providers' own alike.
        return "failed"
    assert text == TEXT, f"{way.__name__} gave a broken answer"
    return "answered"


async def storm(model: ChatSwitchyard, calls: int, seed: int, tasks: int = TASKS) -> Counter[str]:
    """Make that many calls from many tasks at once; counts how they ended."""

    async def caller(number: int) -> list[str]:
        rng = random.Random(f"{seed}/{number}")
        return [await one_call(model, rng) for _ in range(number, calls, tasks)]

    ends = await asyncio.gather(*(caller(number) for number in range(min(tasks, calls))))
    await settled(lambda: len(asyncio.all_tasks()) == 1)
    return Counter(end for each in ends for end in each)


async def settled(done: Callable[[], bool], seconds: float = 5.0) -> None:
    """Let what was abandoned end by itself; a leak never does."""
    give_up = time.monotonic() + seconds
    while not done() and time.monotonic() < give_up:
        gc.collect()
        await asyncio.sleep(0.01)


def assert_nothing_is_held(model: ChatSwitchyard) -> None:
    """No deployment believes that an attempt or a probe is still under way."""
    for state in model._yard.states:
        assert state.pending == 0, state
        assert not state.breaker._probes, state


async def assert_everybody_recovers(model: ChatSwitchyard) -> None:
    """Healthy again, every circuit closes, one tier after the other."""
    preferred = [d.id for d in model.deployments if d.tier == 0]
    for shut in ([], preferred):
        for name in shut:
            model.isolate(name)
        mine = [d.id for d in model.deployments if d.id not in shut and (shut or d.tier == 0)]

        give_up = time.monotonic() + 10
        while any(model.stats()[name].breaker != "closed" for name in mine):
            assert time.monotonic() < give_up, model.stats()
            with contextlib.suppress(ModelError):
                await model.ainvoke("How many planets?")
            await asyncio.sleep(0.002)
        for name in shut:
            model.restore(name)
    assert (await model.ainvoke("How many planets?")).text == TEXT


def open_files() -> int:
    """Descriptors of this process, sockets included; 0 where the system does not tell."""
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.exists() else 0


@pytest.fixture
def complaints(monkeypatch, caplog) -> list[str]:
    """What nobody would see: errors in finalizers, tasks and callbacks."""
    # Captured records would count as memory that grows.
    caplog.set_level(logging.CRITICAL, logger="langchain_switchyard")
    heard: list[str] = []
    with warnings.catch_warnings():
        # What earlier tests left to the garbage collector is not ours to answer for.
        warnings.simplefilter("ignore")
        gc.collect()

    def unraisable(args: Any) -> None:
        heard.append(f"{args.exc_value!r} in {args.object!r}: {args.err_msg}")

    monkeypatch.setattr(sys, "unraisablehook", unraisable)
    monkeypatch.setattr(threading, "excepthook", lambda args: heard.append(repr(args.exc_value)))
    return heard


def watch_forgotten_streams() -> list[str]:
    """Names of the async generators that were left to the garbage collector from now on."""
    forgotten_streams: list[str] = []
    usual = sys.get_asyncgen_hooks().finalizer

    def finalizer(generator: Any) -> None:
        forgotten_streams.append(generator.__qualname__)
        usual(generator)

    sys.set_asyncgen_hooks(finalizer=finalizer)  # The loop restores its own when it ends.
    return forgotten_streams


@pytest.mark.filterwarnings("error")
async def test_a_storm_of_async_calls_leaves_no_task_file_slot_or_memory_behind(complaints):
    """Faults, timeouts, cancellations and abandoned streams from 200 tasks at once."""
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: complaints.append(str(context))
    )
    fates = [Fate(seed, silence=60.0) for seed in range(3)]
    model = fleet(*(FlakyChatModel(fate=fate) for fate in fates))
    files, threads = open_files(), threading.active_count()
    left_open = watch_forgotten_streams()
    ends = await storm(model, CALLS // 2, seed=1)
    tracemalloc.start()
    try:
        ends += await storm(model, CALLS // 4, seed=2)
        gc.collect()
        grown = []
        while len(grown) < LOOKS and (not grown or grown[-1] >= FLAT):
            before, _ = tracemalloc.get_traced_memory()
            ends += await storm(model, CALLS // 4, seed=3 + len(grown))
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()

    assert ends.total() >= CALLS - 3
    assert min(ends["answered"], ends["failed"], ends["cancelled"]) > CALLS / 50, ends
    assert len(asyncio.all_tasks()) == 1
    assert [fate.open for fate in fates] == [0, 0, 0]
    # Readers forget our streams, but we never forget a provider's.
    assert FlakyChatModel._astream.__qualname__ not in left_open
    assert any(name.endswith(".astream") for name in left_open)
    assert open_files() <= files
    assert threading.active_count() <= threads
    assert min(grown) < FLAT, grown
    assert_nothing_is_held(model)
    for fate in fates:
        fate.healthy = True
    await assert_everybody_recovers(model)
    assert_nothing_is_held(model)
    assert not complaints


@pytest.mark.filterwarnings("error")
def test_a_storm_of_sync_calls_leaves_no_thread_or_slot_behind(complaints):
    """Blocking calls and streams from 16 threads; those that hang are watched and given up."""
    fates = [Fate(seed, silence=0.3) for seed in range(3)]
    model = fleet(*(FlakyChatModel(fate=fate) for fate in fates))
    threads = threading.active_count()

    def caller(seed: int) -> list[str]:
        rng = random.Random(seed)
        return [sync_call(model, rng) for _ in range(CALLS // 80)]

    with ThreadPoolExecutor(16) as pool:
        ends = Counter(end for each in pool.map(caller, range(16)) for end in each)
    give_up = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < give_up:
        time.sleep(0.02)

    assert min(ends["answered"], ends["failed"], ends["abandoned"]) > 0, ends
    assert threading.active_count() <= threads
    assert [fate.open for fate in fates] == [0, 0, 0]
    assert_nothing_is_held(model)
    for fate in fates:
        fate.healthy = True
    asyncio.run(assert_everybody_recovers(model))
    assert not complaints


def sync_call(model: ChatSwitchyard, rng: random.Random) -> str:
    """One blocking call, whole, streamed, or streamed and left."""
    try:
        if rng.random() < 0.4:
            text = model.invoke("How many planets?").text
        else:
            leaves = rng.random() < 0.3
            text = ""
            with contextlib.closing(model.stream("How many planets?")) as chunks:
                for chunk in chunks:
                    text += chunk.text
                    if leaves:
                        return "abandoned"
    except ModelError:
        return "failed"
    assert text == TEXT
    return "answered"


FAULTS = (
    RateLimited(retry_after_ms=5),
    ServerError(),
    Overloaded(),
    ResetBeforeHeaders(),
    CutAfter(tokens=3),
    CutAfter(tokens=3, reset=True),
    Stall(after=2),
    NeverAnswers(),
    MalformedEvent(after=1),
    ErrorEventInStream(after=2),
    HtmlWith200(),
    TruncatedJson(),
    NoFinishReason(),
)


@dataclass(frozen=True)
class AnyOf(Fault):
    """One of many faults by chance, or none."""

    rng: random.Random = field(compare=False)

    def pick(self, exchange: Exchange) -> Fault:
        """Draw."""
        return self.rng.choice(FAULTS) if self.rng.random() < 0.4 else Healthy()


async def test_a_storm_over_sockets_leaves_no_connection_task_or_slot_behind(complaints):
    """Real clients against servers on this machine that refuse, hang, cut and garble."""
    openai = pytest.importorskip("langchain_openai")
    files = open_files()
    with contextlib.ExitStack() as stack:
        providers = [
            stack.enter_context(FaultyProvider(answer=TEXT, default=AnyOf(random.Random(seed))))
            for seed in range(3)
        ]
        clients = [
            openai.ChatOpenAI(base_url=p.base_url, api_key="none", model="m", stream_usage=True)
            for p in providers
        ]
        model = fleet(*clients, patience=0.5)
        # Fewer at once: three servers written in Python share this process.
        ends = await storm(model, CALLS // 5, seed=4, tasks=TASKS // 5)

        assert min(ends["answered"], ends["cancelled"]) > CALLS / 50, ends
        assert len(asyncio.all_tasks()) == 1
        assert_nothing_is_held(model)
        for provider in providers:
            provider.set_default(Healthy())
        await assert_everybody_recovers(model)
        for provider, client in zip(providers, clients, strict=True):
            provider.settle()
            assert not provider.errors
            await client.root_async_client.close()
            client.root_client.close()
        assert sum(provider.abandoned for provider in providers) > 0
    await settled(lambda: open_files() <= files)
    assert open_files() <= files
    # The clients' own generators, dropped by a reader that walks away, are not ours to judge.
    assert not [complaint for complaint in complaints if "AsyncDriver" in complaint]
