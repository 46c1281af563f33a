"""What cannot be meant is refused when it is said, with what to write instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_switchyard.cache import (
    Admission,
    CacheOptions,
    CachePolicy,
    Degradation,
    Freshness,
    MemoryLevel,
    ResponseCache,
    SingleFlight,
    SwitchyardCache,
)
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import CallTool, FakeClock, ScriptedChatModel
from tests.unit_tests.cache.builders import asked, told, wishes, yard

anything: Any = None


async def awaiting(message: Any) -> Any:
    """A hook of the wrong colour."""
    return message


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Freshness(fresh_for=anything), "fresh_for is a number"),
        (lambda: Freshness(fresh_for="60"), "fresh_for is a number"),  # type: ignore[arg-type]
        (lambda: Freshness(fresh_for=math.nan), "must not be negative"),
        (lambda: Freshness(early=math.inf), "must have an end"),
        (lambda: Freshness(jitter=1.5), "jitter is a share"),
        (lambda: SingleFlight(lease=math.inf), "must have an end"),
        (lambda: Admission(max_bytes=True), "max_bytes is a number"),
        (lambda: Admission(read_only_tools="search"), r"such as \{'search'\}"),  # type: ignore[arg-type]
        (lambda: Degradation(stand_ins="other"), "set of strings"),  # type: ignore[arg-type]
        (lambda: CachePolicy(freshness=3600), "freshness is a Freshness"),  # type: ignore[arg-type]
        (lambda: CachePolicy(namespace=5), "namespace is text"),  # type: ignore[arg-type]
        (lambda: CacheOptions(tags="faq"), r"such as \{'faq'\}"),  # type: ignore[arg-type]
        (lambda: CacheOptions(tags=anything), "tags is a set"),
        (lambda: CacheOptions(tags={1}), "tags is a set"),  # type: ignore[arg-type]
        (lambda: CacheOptions(tags={"faq": True}), "tags is a set"),  # type: ignore[arg-type]
        (lambda: CacheOptions(read_only_tools="search"), "read_only_tools"),  # type: ignore[arg-type]
        (lambda: CacheOptions(vary=anything), "vary is a mapping"),
        (lambda: CacheOptions(namespace=5), "namespace is text"),  # type: ignore[arg-type]
        (lambda: CacheOptions(subject=42), "subject is text"),  # type: ignore[arg-type]
        (lambda: CacheOptions(max_age="60"), "age in seconds"),  # type: ignore[arg-type]
        (lambda: CacheOptions(max_age=math.nan), "age in seconds"),
        (lambda: ResponseCache(MemoryLevel()), "levels are a list"),  # type: ignore[arg-type]
        (lambda: ResponseCache([MemoryLevel]), "got the class MemoryLevel"),  # type: ignore[list-item]
        (lambda: ResponseCache(["memory"]), "a level is an object"),  # type: ignore[list-item]
        (lambda: ResponseCache(policy=Freshness()), "policy= is a CachePolicy"),  # type: ignore[arg-type]
        (lambda: ResponseCache(redact="names"), "redact= is an ordinary function"),  # type: ignore[arg-type]
        (lambda: ResponseCache(redact=awaiting), "an async function"),  # type: ignore[arg-type]
        (lambda: SwitchyardCache(MemoryLevel()), "levels are a list"),  # type: ignore[arg-type]
        (lambda: ResponseCache().invalidate(tags="faq"), r"such as \['faq'\]"),
        (lambda: ResponseCache().invalidate(tags=[5]), "tags is a set"),  # type: ignore[list-item]
        (lambda: ResponseCache().invalidate(5), "namespace is text"),  # type: ignore[arg-type]
        (lambda: ResponseCache().erase(42), "subject is text"),  # type: ignore[arg-type]
        (lambda: ResponseCache().lookup("tea?"), "a request is Request"),  # type: ignore[arg-type]
        (lambda: ResponseCache().lookup(asked(tenant=5)), "tenant is text"),
        (lambda: ResponseCache().store(asked(), "tea"), "an answer is an AIMessage"),  # type: ignore[arg-type]
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(make: Callable[[], Any], says: str) -> None:
    """By name, and before any model is asked."""
    with pytest.raises(ConfigurationError, match=says):
        make()


def test_a_class_is_no_cache() -> None:
    """The brackets were forgotten."""
    deployments = [Deployment(model=ScriptedChatModel(script="a"), id="a")]
    with pytest.raises(ValueError, match=r"cache=ResponseCache\(\)"):
        ChatSwitchyard(deployments=deployments, cache=ResponseCache)


def test_options_of_a_call_that_are_none_are_refused_before_a_model_is_asked() -> None:
    """Plain values belong into `CallOptions.of`, or into a graph's configuration."""
    router, model = yard(ResponseCache(), "answer")
    for options in (CallOptions(cache={"no_cache": True}), CallOptions(tenant=42)):  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            router.invoke("tea?", switchyard=options)
    assert not model.calls


def test_lists_are_as_good_as_sets() -> None:
    """YAML and JSON know no other."""
    tools = ["look_up"]
    policy = CachePolicy(admission=Admission(read_only_tools=tools))  # type: ignore[arg-type]
    for cache, options in (
        (ResponseCache(policy=policy), {}),
        (ResponseCache(), {"read_only_tools": tools, "tags": ["faq"]}),
    ):
        router, model = yard(cache, CallTool("look_up", {"what": "tea"}))
        asks = {"switchyard": CallOptions.of({"cache": options})}
        said = [told(router.invoke("tea?", **asks))["cache"] for _ in range(2)]
        assert said == ["miss", "exact"]
        assert len(model.calls) == 1
    cache.invalidate(tags=["faq"])
    assert told(router.invoke("tea?", **asks))["cache"] == "miss"


@pytest.mark.parametrize("life", [math.inf, 1e12, 1e300])
def test_what_is_to_be_kept_for_ever_is(life: float) -> None:
    """On every level, fresh or for an outage."""
    forever = Freshness(fresh_for=life, stale_while_revalidate=life, stale_if_error=life)
    policy = CachePolicy(freshness=forever, degradation=Degradation(mode="exact"))
    clock = FakeClock()
    router, model = yard(ResponseCache(policy=policy), "answer", clock=clock)
    router.invoke("tea?")
    clock.advance(20 * 365 * 86_400)
    assert told(router.invoke("tea?", **wishes(tenant=None)))["cache"] == "exact"
    assert len(model.calls) == 1
    assert ResponseCache(policy=policy).report_wrong("nobody's") is False


def test_a_hook_may_be_anything_that_can_be_called() -> None:
    """Not only a function."""

    class Hook:
        """One with a memory."""

        def __call__(self, message: AIMessage) -> AIMessage:
            """As it is."""
            return message

    router, _ = yard(ResponseCache(redact=Hook()), "answer")
    router.invoke("tea?")
    assert told(router.invoke("tea?"))["cache"] == "exact"
