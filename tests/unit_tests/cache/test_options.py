"""What one call may ask of the cache, in each of the four ways to call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from langchain_switchyard.cache.errors import NotCached
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.testing import CallTool, FakeClock
from tests.unit_tests.cache.builders import wishes, yard

Ask = Callable[..., Awaitable[str]]


@pytest.fixture(params=["invoke", "ainvoke", "stream", "astream"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks in one of the ways, and returns the text."""

    async def by(router: ChatSwitchyard, text: str = "茶是什么？", **facts: Any) -> str:
        if request.param == "invoke":
            return router.invoke(text, **facts).text
        if request.param == "ainvoke":
            return (await router.ainvoke(text, **facts)).text
        if request.param == "stream":
            return "".join(chunk.text for chunk in router.stream(text, **facts))
        return "".join([chunk.text async for chunk in router.astream(text, **facts)])

    return by


def wish(**options: Any) -> dict[str, Any]:
    """Options as plain values, as a graph's configuration holds them."""
    return {"switchyard": CallOptions.of({"cache": options})}


SCRIPT = ["one", "two", "three", "four", "five"]


async def test_no_cache_asks_and_renews(ask: Ask) -> None:
    """The fresh answer takes the old one's place."""
    router, _ = yard(ResponseCache(), SCRIPT)
    said = [await ask(router), await ask(router, **wish(no_cache=True)), await ask(router)]
    assert said == ["one", "two", "two"]


async def test_no_store_serves_and_leaves_no_trace(ask: Ask) -> None:
    """What is stored already may be served."""
    router, _ = yard(ResponseCache(), SCRIPT)
    said = [await ask(router, **wish(no_store=True)) for _ in range(2)]
    said.append(await ask(router))
    said.append(await ask(router, **wish(no_store=True)))
    assert said == ["one", "two", "three", "three"]


async def test_no_cache_and_no_store_together_are_as_if_there_were_no_cache(ask: Ask) -> None:
    """Neither served nor stored, also in the background."""
    router, _ = yard(ResponseCache(), SCRIPT)
    said = [await ask(router), await ask(router, **wish(no_cache=True, no_store=True))]
    assert [*said, await ask(router)] == ["one", "two", "one"]


async def test_only_if_cached_never_asks(ask: Ask) -> None:
    """An error says that there is nothing."""
    router, model = yard(ResponseCache(), SCRIPT)
    with pytest.raises(NotCached):
        await ask(router, **wish(only_if_cached=True))
    assert not model.calls
    await ask(router)
    assert await ask(router, **wish(only_if_cached=True)) == "one"
    assert len(model.calls) == 1


async def test_max_age_refuses_what_is_older(ask: Ask) -> None:
    """The newer answer is then everybody's."""
    clock = FakeClock()
    router, _ = yard(ResponseCache(), SCRIPT, clock=clock)
    await ask(router)
    clock.advance(10)
    assert await ask(router, **wish(max_age=11)) == "one"
    assert await ask(router, **wish(max_age=9)) == "two"
    assert await ask(router) == "two"


async def test_namespaces_vary_and_subjects_keep_answers_apart(ask: Ask) -> None:
    """Each has its own, and finds it again."""
    router, model = yard(ResponseCache(), SCRIPT)
    wanted: list[dict[str, Any]] = [{}, {"namespace": "帮助"}, {"vary": {"语言": "中文"}}]
    wanted.append({"subject": "小王"})
    for _ in range(2):
        said = [await ask(router, **wish(**options)) for options in wanted]
        assert said == ["one", "two", "three", "four"]
    assert len(model.calls) == 4


async def test_tags_take_back_what_carries_them(ask: Ask) -> None:
    """And leave the rest."""
    cache = ResponseCache()
    router, _ = yard(cache, SCRIPT)
    await ask(router, "a", **wish(tags={"价格"}))
    await ask(router, "b", **wish(tags={"other"}))
    await cache.ainvalidate(tags=["价格"])
    assert await ask(router, "a") == "three"
    assert await ask(router, "b") == "two"


async def test_tenants_never_share(ask: Ask) -> None:
    """Whatever else they ask."""
    router, model = yard(ResponseCache(), SCRIPT)
    assert await ask(router, **wishes(tenant="a")) == "one"
    assert await ask(router, **wishes(tenant="b")) == "two"
    assert await ask(router, **wishes(tenant="a")) == "one"
    assert len(model.calls) == 2


async def test_variety_and_tool_calls_are_kept_if_the_call_says_so(ask: Ask) -> None:
    """The policy's rules, loosened for one call."""
    router, model = yard(ResponseCache(), SCRIPT)
    hot = {"temperature": 1.0}
    assert await ask(router, **hot) == "one"
    assert await ask(router, **hot, **wish(any_temperature=True)) == "two"
    assert await ask(router, **hot, **wish(any_temperature=True)) == "two"
    router, model = yard(ResponseCache(), CallTool("look_up", {"词": "茶"}))
    for _ in range(2):
        await ask(router)
    assert len(model.calls) == 2
    for _ in range(2):
        await ask(router, **wish(read_only_tools={"look_up"}))
    assert len(model.calls) == 3
