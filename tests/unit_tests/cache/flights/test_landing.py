"""The model has answered: whatever the cache does then, the answer is not lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.policy import Admission, CachePolicy
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.testing import CallTool, Delay, FakeClock, Say
from tests.unit_tests.cache.builders import told, yard

Ask = Callable[[ChatSwitchyard], Awaitable[AIMessage]]


@pytest.fixture(params=["invoke", "ainvoke", "stream", "astream"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks in one of the ways, and returns the whole answer."""

    async def by(router: ChatSwitchyard) -> Any:
        if request.param == "invoke":
            return router.invoke("tea?")
        if request.param == "ainvoke":
            return await router.ainvoke("tea?")
        total: Any = None
        if request.param == "stream":
            for chunk in router.stream("tea?"):
                total = chunk if total is None else total + chunk
            return total
        async for chunk in router.astream("tea?"):
            total = chunk if total is None else total + chunk
        return total

    return by


def explode(*_: Any, **__: Any) -> Any:
    """What somebody's own part may do."""
    raise RuntimeError("a part of the cache broke")


async def aexplode(*_: Any, **__: Any) -> Any:
    """The same, awaiting."""
    raise RuntimeError("a part of the cache broke")


class Exploding:
    """A part of the cache that breaks as soon as it is needed."""

    def __getattr__(self, name: str) -> Any:
        """Whatever it is asked for."""
        raise RuntimeError(f"no {name}")


def with_broken(part: str, path: Any) -> ResponseCache:
    """A cache of which one part breaks after the model has answered."""
    near, far = MemoryLevel(), SqliteLevel(path)
    cache = ResponseCache([near, far])
    if part == "near level":
        near.put = explode  # type: ignore[method-assign]
    if part == "far level":
        far.publish, far.apublish = explode, aexplode  # type: ignore[method-assign]
    if part == "freshness":
        object.__setattr__(cache.policy, "freshness", Exploding())
    if part == "epochs":
        cache._parts.shelf.epochs.holds = explode  # type: ignore[method-assign]
    if part == "tally":
        cache._parts.tally.spent = explode  # type: ignore[method-assign]
    if part == "redact":
        return ResponseCache([near, far], redact=explode)
    if part == "redact to text":
        return ResponseCache([near, far], redact=lambda message: message.text)  # type: ignore[arg-type, return-value]
    return cache


PARTS = ["near level", "far level", "freshness", "epochs", "tally", "redact", "redact to text"]


@pytest.mark.parametrize("part", PARTS)
async def test_an_answer_outlives_whatever_breaks_when_it_is_stored(
    ask: Ask, part: str, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It was paid for; what went wrong is logged and counted."""
    cache = with_broken(part, tmp_path / "cache.db")
    router, model = yard(cache, ["answer", "again"])
    with caplog.at_level(logging.ERROR):
        answer = await ask(router)
        await cache.asettle()
    assert answer.text == "answer"
    assert told(answer)["cache"] == "miss"
    assert len(model.calls) == 1
    assert [record for record in caplog.records if record.exc_info]
    if part != "tally":  # Counting is what is broken there; storing is not.
        reasons = {reason for _, reason in cache.stats().reasons}
        assert reasons & {"not stored: failed", "not stored: redacted"}


async def test_a_tool_call_outlives_rules_that_break(ask: Ask) -> None:
    """The rule about tools is looked at only then."""
    cache = ResponseCache(policy=CachePolicy(admission=Admission()))
    object.__setattr__(cache.policy.admission, "read_only_tools", 5)
    router, _ = yard(cache, CallTool("look_up", {"what": "tea"}))
    assert (await ask(router)).tool_calls[0]["name"] == "look_up"
    assert cache.stats().reasons[("default", "not stored: failed")] == 1


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_those_who_waited_have_it_too(way: str) -> None:
    """One call for all, though nothing could be stored."""
    cache = ResponseCache(policy=CachePolicy())
    clock = FakeClock()
    router, model = yard(cache, [[Say("ans"), Delay(1), Say("wer")]], clock=clock)
    object.__setattr__(cache.policy, "freshness", Exploding())

    async def one() -> str:
        if way == "whole":
            return (await router.ainvoke("tea?")).text
        return "".join([chunk.text async for chunk in router.astream("tea?")])

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(5)))

    assert clock.run(all_at_once()) == ["answer"] * 5
    assert len(model.calls) == 1
