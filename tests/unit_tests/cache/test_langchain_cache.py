"""LangChain's own suites, and what its caches get wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration
from langchain_tests.integration_tests.cache import AsyncCacheTestSuite, SyncCacheTestSuite

from langchain_switchyard.cache.langchain_cache import SwitchyardCache
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.level import Level
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.policy import CachePolicy, Freshness
from langchain_switchyard.routing.clock import World
from langchain_switchyard.testing import FakeClock, ScriptedChatModel
from tests.unit_tests.cache.builders import USAGE

SETS = ["memory", "sqlite", "sealed", "tiered", "tiered sealed", "three"]


def _ring() -> KeyRing:
    pytest.importorskip("cryptography")
    return KeyRing({"k": b"k" * 32})


def levels(kind: str, folder: Path) -> list[Level]:
    """Every level and combination that needs no server."""
    file = folder / "cache.db"
    return {
        "memory": lambda: [MemoryLevel()],
        "sqlite": lambda: [SqliteLevel(file)],
        "sealed": lambda: [SqliteLevel(file, ring=_ring())],
        "tiered": lambda: [MemoryLevel(), SqliteLevel(file)],
        "tiered sealed": lambda: [MemoryLevel(), SqliteLevel(file, ring=_ring())],
        "three": lambda: [
            MemoryLevel(max_entries=1),
            SqliteLevel(folder / "near.db", name="near"),
            SqliteLevel(file, ring=_ring(), name="far"),
        ],
    }[kind]()


@pytest.fixture(params=SETS)
def fresh_cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SwitchyardCache]:
    """An empty cache."""
    made = levels(request.param, tmp_path)
    yield SwitchyardCache(made)
    for level in made:
        level.close()


class TestSync(SyncCacheTestSuite):
    """LangChain's suite, blocking."""

    @pytest.fixture
    def cache(self, fresh_cache: SwitchyardCache) -> SwitchyardCache:
        """An empty cache."""
        return fresh_cache


class TestAsync(AsyncCacheTestSuite):
    """LangChain's suite, awaiting."""

    @pytest.fixture
    async def cache(self, fresh_cache: SwitchyardCache) -> SwitchyardCache:
        """An empty cache."""
        return fresh_cache


def chat(text: str = "a", **facts: Any) -> list[Any]:
    """One chat generation."""
    return [ChatGeneration(message=AIMessage(text, **facts))]


def prompt(**facts: Any) -> str:
    """A prompt as LangChain shows it to caches."""
    return dumps([HumanMessage("q"), AIMessage("a", **facts), HumanMessage("r")])


def test_ids_and_metadata_of_the_history_do_not_matter() -> None:
    """LangChain's own caches miss when only `response_metadata` of an old turn differs."""
    cache = SwitchyardCache()
    cache.update(prompt(id="1", response_metadata={"x": 1}), "llm", chat())
    assert cache.lookup(prompt(id="2"), "llm") is not None
    assert cache.lookup(prompt(name="n"), "llm") is None


def test_hits_share_nothing_and_have_ids_of_their_own() -> None:
    """Editing one, or the first result, changes no other."""
    cache = SwitchyardCache()
    given = chat(usage_metadata=USAGE, id="old")
    cache.update("p", "llm", given)
    given[0].message.content = "poison"
    seen = set()
    for _ in range(3):
        (hit,) = cache.lookup("p", "llm") or []
        assert isinstance(hit, ChatGeneration)
        assert hit.message.content == "a"
        seen.add(hit.message.id)
        hit.message.content = "poison"
    assert len(seen) == 3
    assert "old" not in seen


def test_a_model_bills_nothing_for_a_hit() -> None:
    """Through LangChain's own machinery."""
    model: BaseChatModel = ScriptedChatModel(script="hello", cache=SwitchyardCache())
    counter = UsageMetadataCallbackHandler()
    model.invoke("q", config={"callbacks": [counter]})
    spent = {name: dict(usage) for name, usage in counter.usage_metadata.items()}
    again = model.invoke("q", config={"callbacks": [counter]})
    total = {k: v["total_tokens"] for k, v in counter.usage_metadata.items()}
    assert total == {name: usage["total_tokens"] for name, usage in spent.items()}
    assert again.response_metadata["switchyard"]["saved_usage"]["total_tokens"] > 0


async def test_a_model_uses_it_awaiting_too() -> None:
    """One call for two requests."""
    model = ScriptedChatModel(script="hello", cache=SwitchyardCache())
    assert (await model.ainvoke("q")).content == (await model.ainvoke("q")).content
    assert len(model.calls) == 1


def test_what_may_not_be_stored_is_not() -> None:
    """Tool calls, cut answers and strange objects."""
    cache = SwitchyardCache()
    call = {"name": "pay", "args": {}, "id": "1"}
    for generations in (
        chat("", tool_calls=[call]),
        chat(response_metadata={"finish_reason": "length"}),
        chat(additional_kwargs={"x": object()}),
        chat("x" * 300_000),
    ):
        cache.update("p", "llm", generations)
        assert cache.lookup("p", "llm") is None
    assert sum(cache.stats().reasons.values()) == 4


def test_answers_expire() -> None:
    """LangChain's own never do."""
    clock = FakeClock()
    policy = CachePolicy(freshness=Freshness(fresh_for=10, jitter=0))
    cache = SwitchyardCache(policy=policy, world=World(clock=clock))
    cache.update("p", "llm", chat())
    clock.advance(11)
    assert cache.lookup("p", "llm") is None


def test_tenants_on_one_level_see_nothing_of_each_other() -> None:
    """Same prompt, same model, same memory."""
    level = MemoryLevel()
    first, second = (SwitchyardCache([level], tenant=name) for name in ("a", "b"))
    first.update("p", "llm", chat())
    assert second.lookup("p", "llm") is None
    assert first.lookup("p", "llm") is not None


def test_clear_leaves_other_namespaces_alone() -> None:
    """Never a FLUSHDB."""
    level = MemoryLevel()
    first, second = (
        SwitchyardCache([level], policy=CachePolicy(namespace=name)) for name in ("a", "b")
    )
    for cache in (first, second):
        cache.update("p", "llm", chat())
    first.clear()
    assert first.lookup("p", "llm") is None
    assert second.lookup("p", "llm") is not None


@pytest.mark.parametrize("text", ["[{", '[{"a": 1}]', "[{]", "plain", "[\ud800"])
def test_any_prompt_has_a_key(text: str) -> None:
    """Also those that are not LangChain's JSON."""
    cache = SwitchyardCache()
    cache.update(text, "llm", chat())
    assert cache.lookup(text, "llm") is not None


def test_the_stats_tell_hits() -> None:
    """By level."""
    cache = SwitchyardCache()
    cache.update("p", "llm", chat(usage_metadata=USAGE))
    asyncio.run(cache.alookup("p", "llm"))
    cache.lookup("other", "llm")
    assert cache.stats().results == {
        ("default", "memory", "exact"): 1,
        ("default", "none", "miss"): 1,
    }
