"""The cache by hand, and what its constructor refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from langchain_core.messages import AIMessage

import langchain_switchyard.cache as package
from langchain_switchyard.cache.errors import NotCached, Uncacheable
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.policy import (
    Admission,
    CachePolicy,
    Degradation,
    Freshness,
    SingleFlight,
)
from langchain_switchyard.cache.response_cache import Hit, ResponseCache
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.clock import World
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.builders import USAGE, asked


def answer(text: str = "a", **facts: Any) -> AIMessage:
    """A model's answer."""
    return AIMessage(text, usage_metadata=USAGE, **facts)  # type: ignore[arg-type]  # a plain dict


def test_what_was_stored_is_found() -> None:
    """As a new message, with its age and what it saved."""
    clock = FakeClock()
    cache = ResponseCache(world=World(clock=clock))
    assert cache.lookup(asked()) is None
    assert cache.store(asked(), answer()) is None
    clock.advance(5)
    hit = cache.lookup(asked())
    assert hit is not None
    assert hit.message.content == "a"
    assert hit.age == 5
    assert (hit.level, hit.freshness) == ("memory", "fresh")
    assert hit.saved_usage == USAGE


async def test_the_awaiting_methods_do_the_same() -> None:
    """Through the same steps."""
    cache = ResponseCache()
    about_eve = asked(subject="eve")
    assert await cache.astore(about_eve, answer()) is None
    assert await cache.alookup(about_eve) is not None
    assert await cache.aerase("eve") == 1
    assert await cache.alookup(about_eve) is None
    await cache.astore(asked(), answer())
    await cache.ainvalidate()
    assert await cache.alookup(asked()) is None
    await cache.aclose()


@pytest.mark.parametrize(
    ("request_facts", "message", "reason"),
    [
        ({"parameters": {"temperature": 1}}, answer(), "temperature"),
        ({}, answer(""), "empty"),
        ({}, answer("x" * 300_000), "too large"),
        ({}, answer(additional_kwargs={"x": object()}), "no form"),
    ],
)
def test_what_may_not_be_stored_is_refused_with_a_word(
    request_facts: dict[str, Any], message: AIMessage, reason: str
) -> None:
    """So that the caller can tell why."""
    cache = ResponseCache()
    assert cache.store(asked(**request_facts), message) == reason
    assert cache.lookup(asked(**request_facts)) is None


def test_a_request_without_a_key_is_never_found() -> None:
    """Only `key` itself raises."""
    cache, strange = ResponseCache(), asked(parameters={"x": object()})
    assert cache.lookup(strange) is None
    assert "no key" in (cache.store(strange, answer()) or "")
    with pytest.raises(Uncacheable, match="object"):
        cache.key(strange)


def test_tags_and_namespaces_are_invalidated_apart() -> None:
    """Each takes what it names and nothing else."""
    cache = ResponseCache()
    cache.store(asked("a"), answer(), CacheOptions(tags={"faq", "zh"}))
    cache.store(asked("b"), answer(), CacheOptions(tags={"zh"}))
    cache.store(asked("c", namespace="n"), answer(), CacheOptions(tags={"faq"}))
    cache.invalidate(tags=["faq"])
    found = [cache.lookup(request) is not None for request in (asked("a"), asked("b"))]
    assert found == [False, True]
    assert cache.lookup(asked("c", namespace="n")) is not None
    cache.invalidate("n")
    assert cache.lookup(asked("c", namespace="n")) is None
    assert cache.lookup(asked("b")) is not None


def test_what_is_stored_after_an_invalidation_counts_again() -> None:
    """An epoch begins; it is no ban."""
    cache = ResponseCache()
    for _ in range(2):
        cache.invalidate()
        cache.store(asked(), answer())
        assert cache.lookup(asked()) is not None


@pytest.mark.parametrize(
    "make",
    [
        lambda: ResponseCache([]),
        lambda: ResponseCache([MemoryLevel(), MemoryLevel()]),
        lambda: Freshness(fresh_for=-1),
        lambda: Freshness(jitter=float("nan")),
        lambda: Admission(max_bytes=-1),
        lambda: SingleFlight(poll=-1),
        lambda: SingleFlight(poll=0),
        lambda: SingleFlight(lease=0),
        lambda: Degradation(mode="sometimes"),  # type: ignore[arg-type]  # that is the point
        lambda: CacheOptions(max_age=-1),
        lambda: CacheOptions(tags="faq"),  # type: ignore[arg-type]
        lambda: CacheOptions(no_cache=True, only_if_cached=True),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Any) -> None:
    """When it is built, not when it is used."""
    with pytest.raises(ConfigurationError):
        make()


def test_every_public_name_is_there() -> None:
    """The lazy table and the list agree."""
    assert dir(package) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_like_it"):
        package.nothing_like_it  # noqa: B018 - the access is the test


def test_the_memory_level_pays_for_no_other() -> None:
    """Optional parts stay unloaded until they are named."""
    code = (
        "import sys, langchain_switchyard.cache as c; c.ResponseCache(); "
        "print([m for m in ('redis', 'sqlite3', 'cryptography', 'numpy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("awaiting", [True, False])
async def test_by_hand_every_wish_of_a_call_counts(awaiting: bool) -> None:
    """As in a router."""
    clock = FakeClock()
    cache = ResponseCache(world=World(clock=clock))

    async def look(**wishes: Any) -> Hit | None:
        options = CacheOptions(**wishes)
        if awaiting:
            return await cache.alookup(asked(), options)
        return cache.lookup(asked(), options)

    assert cache.store(asked(), AIMessage("a"), CacheOptions(no_store=True)) == "no_store"
    assert await look() is None
    with pytest.raises(NotCached):
        await look(only_if_cached=True)
    cache.store(asked(), AIMessage("a"))
    cache.store(asked(), AIMessage("b"), CacheOptions(namespace="other"))
    cache.store(asked(), AIMessage("c"), CacheOptions(vary={"语言": "中文"}))
    cache.store(asked(), AIMessage("d"), CacheOptions(subject="eve"))
    found = [
        await look(),
        await look(namespace="other"),
        await look(vary={"语言": "中文"}),
        await look(subject="eve"),
    ]
    assert [hit and hit.message.content for hit in found] == ["a", "b", "c", "d"]
    assert await look(no_cache=True) is None
    clock.advance(60)
    assert await look(max_age=59) is None
    assert await look(max_age=61) is not None
    assert (await cache.astats()).count("exact") == 5


def test_by_hand_and_by_router_are_one_namespace() -> None:
    """What `invalidate()` means without a name, it means for both."""
    cache = ResponseCache(policy=CachePolicy(namespace="应用"))
    cache.store(asked(), AIMessage("a"))
    assert cache.lookup(asked()) is not None
    assert cache.lookup(asked(namespace="应用")) is not None
    cache.invalidate()
    assert cache.lookup(asked()) is None


async def test_by_hand_what_may_only_stand_in_for_an_error_is_a_miss() -> None:
    """Unless it is asked for, or `only_if_cached` would be met by what has expired."""
    clock = FakeClock()
    policy = CachePolicy(
        freshness=Freshness(fresh_for=60, jitter=0), degradation=Degradation(mode="exact")
    )
    cache = ResponseCache(policy=policy, world=World(clock=clock))
    cache.store(asked(), AIMessage("old"))
    clock.advance(61)
    assert cache.lookup(asked()) is None
    assert await cache.alookup(asked()) is None
    with pytest.raises(NotCached):
        cache.lookup(asked(), CacheOptions(only_if_cached=True))
    hit = cache.lookup(asked(), in_outage=True)
    assert hit is not None
    assert hit.freshness == "outage"
    assert (await cache.alookup(asked(), in_outage=True)) is not None
