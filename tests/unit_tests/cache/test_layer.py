"""The cache inside a router: hits, replays, storing, freshness."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_switchyard.cache.errors import NotCached
from langchain_switchyard.cache.layer import is_worn
from langchain_switchyard.cache.policy import Admission, CachePolicy, Freshness
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.testing import CallTool, Delay, FakeClock, Say
from tests.unit_tests.cache.builders import entry, told, wishes, yard

TEXT = "Tea is a drink. 茶是一种饮料。"


def summed(chunks: Any) -> AIMessageChunk:
    """All chunks added up."""
    first, *rest = list(chunks)
    for chunk in rest:
        first = first + chunk
    assert isinstance(first, AIMessageChunk)
    return first


def test_the_second_equal_request_is_served_from_the_cache() -> None:
    """One call of the model, the same answer, and the metadata says so."""
    router, model = yard(ResponseCache(), TEXT)
    first, second = router.invoke("tea?"), router.invoke("tea?")
    assert len(model.calls) == 1
    assert second.content == first.content == TEXT
    assert told(first)["cache"] == "miss"
    assert told(second)["cache"] == "exact"
    assert told(second)["attempts"] == []
    assert told(second)["cache_detail"]["source"] == "d0"
    assert second.response_metadata["model_name"] == first.response_metadata["model_name"]


async def test_the_awaiting_way_shares_with_the_blocking_one() -> None:
    """One cache, four ways in."""
    router, model = yard(ResponseCache(), TEXT)
    await router.ainvoke("tea?")
    assert told(router.invoke("tea?"))["cache"] == "exact"
    chunks = [chunk async for chunk in router.astream("tea?")]
    assert summed(chunks).content == TEXT
    assert summed(router.stream("tea?")).content == TEXT
    assert len(model.calls) == 1


def test_a_stream_fills_the_cache_for_everybody() -> None:
    """The captured stream equals the whole answer."""
    router, model = yard(ResponseCache(), TEXT)
    streamed = summed(router.stream("tea?"))
    again = router.invoke("tea?")
    assert len(model.calls) == 1
    assert again.content == streamed.content == TEXT
    assert again.response_metadata["finish_reason"] == streamed.response_metadata["finish_reason"]
    assert told(again)["saved_usage"] == streamed.usage_metadata


def test_a_hits_stream_adds_up_to_the_message() -> None:
    """In several chunks with one id, the last one telling the story."""
    router, _ = yard(ResponseCache(), TEXT * 5)
    whole = router.invoke("tea?")
    chunks = list(router.stream("tea?"))
    again = summed(chunks)
    assert len(chunks) > 5
    assert len({chunk.id for chunk in chunks}) == 1
    assert again.content == whole.content
    assert told(again)["cache"] == "exact"
    assert chunks[-1].chunk_position == "last"


def test_every_hit_has_an_id_of_its_own() -> None:
    """LangGraph overwrites the older of two messages with one id."""
    router, _ = yard(ResponseCache(), TEXT)
    ids = {router.invoke("tea?").id for _ in range(4)}
    ids |= {summed(router.stream("tea?")).id for _ in range(3)}
    assert len(ids) == 7
    assert None not in ids


def test_a_hit_bills_nothing_and_tells_what_it_saved() -> None:
    """Usage callbacks count the first call only."""
    router, _ = yard(ResponseCache(), TEXT)
    counter = UsageMetadataCallbackHandler()
    first = router.invoke("tea?", config={"callbacks": [counter]})
    spent = dict(counter.usage_metadata)
    second = router.invoke("tea?", config={"callbacks": [counter]})
    for _ in router.stream("tea?", config={"callbacks": [counter]}):
        pass
    assert counter.usage_metadata == spent
    assert second.usage_metadata == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    assert told(second)["saved_usage"] == first.usage_metadata


def test_editing_a_hit_changes_nothing_later() -> None:
    """Nor does editing the first, cold result: callers share nothing."""
    blocks = [{"type": "text", "text": "a"}]
    answer = AIMessage(blocks, additional_kwargs={"x": [1]})  # type: ignore[arg-type]  # a list
    router, _ = yard(ResponseCache(), lambda messages, kwargs: answer.text)
    for _ in range(3):
        message = router.invoke("tea?")
        assert message.content == "a"
        message.content = "poison"
        message.response_metadata["finish_reason"] = "poison"
        message.additional_kwargs["x"] = "poison"
    assert router.invoke("tea?").response_metadata["finish_reason"] != "poison"


@pytest.mark.parametrize(
    "other",
    [
        wishes(tenant="b"),
        wishes(tenant="a", cache=CacheOptions(namespace="n")),
        wishes(tenant="a", cache=CacheOptions(subject="eve")),
        {**wishes(tenant="a"), "temperature": 0.1},
    ],
)
def test_other_tenants_subjects_and_parameters_get_their_own_answers(other: Any) -> None:
    """Their requests never meet."""
    router, model = yard(ResponseCache(), TEXT)
    router.invoke("tea?", **wishes(tenant="a"))
    assert told(router.invoke("tea?", **other))["cache"] == "miss"
    assert len(model.calls) == 2


def test_vary_keeps_answers_apart() -> None:
    """The application knows what else an answer depends on."""
    router, _ = yard(ResponseCache(), TEXT)
    for locale in ("zh", "en"):
        options = wishes(cache=CacheOptions(vary={"locale": locale}))
        assert told(router.invoke("tea?", **options))["cache"] == "miss"
        assert told(router.invoke("tea?", **options))["cache"] == "exact"


def test_no_cache_asks_anew_and_renews_the_stored_answer() -> None:
    """A forced refresh is good for all."""
    router, _ = yard(ResponseCache(), ["old", "new"])
    router.invoke("tea?")
    fresh = router.invoke("tea?", **wishes(cache=CacheOptions(no_cache=True)))
    assert fresh.content == "new"
    assert router.invoke("tea?").content == "new"


def test_no_store_leaves_no_trace() -> None:
    """The answer is given once."""
    router, model = yard(ResponseCache(), TEXT)
    for _ in range(2):
        router.invoke("tea?", **wishes(cache=CacheOptions(no_store=True)))
    assert len(model.calls) == 2


def test_only_if_cached_never_asks_a_model() -> None:
    """It serves what there is, or raises."""
    router, model = yard(ResponseCache(), TEXT)
    options = wishes(cache=CacheOptions(only_if_cached=True))
    with pytest.raises(NotCached):
        router.invoke("tea?", **options)
    with pytest.raises(NotCached, match="never cached"):
        router.invoke("tea?", temperature=1, **options)
    assert not model.calls
    router.invoke("tea?")
    assert router.invoke("tea?", **options).content == TEXT


def test_max_age_refuses_older_answers() -> None:
    """What is fresh to others may be too old for this caller."""
    clock = FakeClock()
    router, model = yard(ResponseCache(), TEXT, clock=clock)
    router.invoke("tea?")
    clock.advance(100)
    assert told(router.invoke("tea?"))["cache"] == "exact"
    router.invoke("tea?", **wishes(cache=CacheOptions(max_age=50)))
    assert len(model.calls) == 2


def test_a_request_for_variety_goes_past_the_cache() -> None:
    """And the metadata says why."""
    router, model = yard(ResponseCache(), TEXT)
    for _ in range(2):
        message = router.invoke("tea?", temperature=1)
    assert told(message)["cache"] == "miss"
    assert told(message)["cache_detail"] == {"reason": "temperature"}
    assert len(model.calls) == 2


def test_a_request_without_a_json_form_goes_past_the_cache() -> None:
    """It is answered all the same."""
    router, model = yard(ResponseCache(), TEXT)
    for _ in range(2):
        router.invoke("tea?", strange=object())
    assert len(model.calls) == 2


def test_tool_calls_are_asked_for_each_time() -> None:
    """They act, and a replay would act again."""
    router, model = yard(ResponseCache(), [[CallTool("pay", {"sum": 1})]])
    for _ in range(2):
        router.invoke("tea?")
    assert len(model.calls) == 2
    assert router.response_cache.stats().reasons[("default", "not stored: tool calls")] == 2  # type: ignore[union-attr]


def test_calls_of_read_only_tools_are_replayed() -> None:
    """In their order, whole and streamed, with their arguments."""

    @tool
    def find(q: str) -> str:
        """Find."""
        return q

    cache = ResponseCache(policy=CachePolicy(admission=Admission(read_only_tools={"find"})))
    script = [[Say("let me look"), CallTool("find", {"q": "茶"}), CallTool("find", {"q": "b"})]]
    router, model = yard(cache, script)
    bound = router.bind_tools([find])
    first, second = bound.invoke("tea?"), bound.invoke("tea?")
    streamed = summed(bound.stream("tea?"))
    assert len(model.calls) == 1
    assert [call["args"] for call in second.tool_calls] == [{"q": "茶"}, {"q": "b"}]
    assert second.tool_calls == first.tool_calls
    assert [c["args"] for c in streamed.tool_calls] == [c["args"] for c in first.tool_calls]


def test_structured_output_is_served_from_the_cache() -> None:
    """Its tool call is data that nobody runs; the policy has to say so."""

    class Person(BaseModel):
        """A person."""

        name: str

    cache = ResponseCache(policy=CachePolicy(admission=Admission(read_only_tools={"Person"})))
    router, model = yard(cache, [[CallTool("Person", {"name": "陆羽"})]])
    structured = router.with_structured_output(Person, method="function_calling")
    assert structured.invoke("who?") == structured.invoke("who?") == Person(name="陆羽")
    assert len(model.calls) == 1


def test_the_application_can_redact_what_is_stored() -> None:
    """The first caller sees the whole answer, the store does not."""

    def redact(message: AIMessage) -> AIMessage | None:
        message.content = message.text.replace("Eve", "[name]")
        return message

    router, _ = yard(ResponseCache(redact=redact), "Hello Eve")
    assert router.invoke("hi").content == "Hello Eve"
    assert router.invoke("hi").content == "Hello [name]"


@pytest.mark.parametrize("outcome", [None, ValueError("broken")])
def test_what_cannot_be_redacted_is_not_stored(outcome: Exception | None) -> None:
    """Nor does a broken hook fail the request."""

    def redact(_message: AIMessage) -> AIMessage | None:
        if outcome is not None:
            raise outcome
        return None

    router, model = yard(ResponseCache(redact=redact), "secret")
    for _ in range(2):
        assert router.invoke("hi").content == "secret"
    assert len(model.calls) == 2


def test_answers_expire() -> None:
    """After `fresh_for`, give or take the jitter, the model is asked again."""
    clock = FakeClock()
    policy = CachePolicy(freshness=Freshness(fresh_for=100, jitter=0, early=0))
    router, model = yard(ResponseCache(policy=policy), TEXT, clock=clock)
    router.invoke("tea?")
    clock.advance(99)
    router.invoke("tea?")
    assert len(model.calls) == 1
    clock.advance(2)
    assert told(router.invoke("tea?"))["cache"] == "miss"
    assert len(model.calls) == 2


def test_a_stale_answer_is_served_at_once_while_a_fresh_one_is_fetched() -> None:
    """Stale-while-revalidate: the caller does not wait, the next one has the new answer."""
    clock = FakeClock()
    times = Freshness(fresh_for=10, stale_while_revalidate=100, jitter=0, early=0)
    cache = ResponseCache(policy=CachePolicy(freshness=times))
    router, model = yard(cache, ["old", "new"], clock=clock)
    router.invoke("tea?")
    clock.advance(50)
    stale = router.invoke("tea?")
    assert stale.content == "old"
    assert told(stale)["cache"] == "stale"
    assert told(stale)["cache_detail"]["age"] == 50
    cache.settle()
    assert router.invoke("tea?").content == "new"
    assert len(model.calls) == 2


async def test_a_stale_answer_is_refreshed_behind_the_scenes_of_an_event_loop() -> None:
    """As a task of that loop; a stream may start it, too."""
    clock = FakeClock()
    times = Freshness(fresh_for=10, stale_while_revalidate=100, jitter=0, early=0)
    cache = ResponseCache(policy=CachePolicy(freshness=times))
    router, _ = yard(cache, ["old", "new"], clock=clock)
    await router.ainvoke("tea?")
    clock.advance(50)
    assert summed([chunk async for chunk in router.astream("tea?")]).content == "old"
    await cache.asettle()
    assert (await router.ainvoke("tea?")).content == "new"


def test_a_failed_refresh_leaves_the_stale_answer() -> None:
    """Nobody hears of it but the log."""
    clock = FakeClock()
    times = Freshness(fresh_for=10, stale_while_revalidate=100, jitter=0, early=0)
    cache = ResponseCache(policy=CachePolicy(freshness=times))
    router, _ = yard(cache, ["old", ConnectionError("down")], clock=clock)
    router.invoke("tea?")
    clock.advance(50)
    for _ in range(2):
        assert router.invoke("tea?").content == "old"
        cache.settle()


class Draws:
    """A die that always shows one number."""

    def __init__(self, number: float) -> None:
        """Fix the number."""
        self.random = lambda: number


@pytest.mark.parametrize(
    ("now", "draw", "worn"),
    [(50, 0.5, False), (50, 0.999, False), (97, 0.5, False), (99, 0.5, True), (90, 0.999, True)],
)
def test_early_refresh_is_likelier_near_the_end(now: float, draw: float, worn: bool) -> None:
    """XFetch: an answer that took two seconds and is good until 100."""
    held = entry(fresh_for=100, took=2.0)
    assert is_worn(held, now, 1.0, Draws(draw)) is worn  # type: ignore[arg-type]  # draws only
    assert not is_worn(held, now, 0.0, Draws(draw))  # type: ignore[arg-type]  # draws only


def test_a_worn_answer_is_served_and_refreshed() -> None:
    """The caller notices nothing; the next one has the new answer, still long before the end."""
    clock = FakeClock()
    times = Freshness(fresh_for=1000, jitter=0, early=1e9)
    cache = ResponseCache(policy=CachePolicy(freshness=times))
    router, model = yard(cache, [[Delay(1), Say("old")], "new"], clock=clock)
    router.invoke("tea?")
    worn = router.invoke("tea?")
    assert (worn.content, told(worn)["cache"]) == ("old", "exact")
    cache.settle()
    assert router.invoke("tea?").content == "new"
    assert len(model.calls) == 2


def test_without_consent_nothing_is_kept_for_an_outage() -> None:
    """What nobody may serve needs no room."""
    clock = FakeClock()
    policy = CachePolicy(freshness=Freshness(fresh_for=10, jitter=0))
    cache = ResponseCache(policy=policy)
    router, _ = yard(cache, TEXT, clock=clock)
    router.invoke("tea?")
    clock.advance(100)
    router.invoke("coffee?")
    assert cache.stats().levels["memory"].entries == 1


def test_answers_of_a_fallback_live_shortly() -> None:
    """Else an outage would go on in the cache after it is over."""
    clock = FakeClock()
    policy = CachePolicy(freshness=Freshness(fallback_fresh_for=30, jitter=0, early=0))
    down = [ConnectionError("down"), ConnectionError("down"), "good"]
    router, _ = yard(ResponseCache(policy=policy), down, "second best", clock=clock)
    assert router.invoke("tea?").content == "second best"
    assert router.invoke("tea?").content == "second best"
    clock.advance(31)
    assert told(router.invoke("tea?"))["cache"] == "miss"


def test_two_routers_with_other_models_do_not_share_answers() -> None:
    """Unless the policy names their route."""
    for route, shared in ((None, False), ("assistant", True)):
        cache = ResponseCache(policy=CachePolicy(route=route))
        first, _ = yard(cache, "from the first")
        second, model = yard(cache, "from the second")
        model.model_name = "another"
        first.invoke("tea?")
        assert (second.invoke("tea?").content == "from the first") is shared


def test_a_later_tier_does_not_change_the_key() -> None:
    """Adding a fallback must not empty the cache."""
    cache = ResponseCache()
    alone, _ = yard(cache, TEXT)
    backed, model = yard(cache, TEXT, "spare")
    alone.invoke("tea?")
    backed.invoke("tea?")
    assert not model.calls


def test_a_thread_answered_twice_from_the_cache_keeps_all_its_messages() -> None:
    """In LangGraph messages with one id replace each other."""
    graph_message = pytest.importorskip("langgraph.graph.message")
    router, _ = yard(ResponseCache(), TEXT)
    router.invoke("tea?")
    thread: list[Any] = []
    for _ in range(2):
        thread = graph_message.add_messages(thread, [HumanMessage("tea?")])
        thread = graph_message.add_messages(thread, [router.invoke("tea?")])
    assert len(thread) == 4


def test_latency_saved_is_counted() -> None:
    """Seconds that the model had needed, tokens and requests."""
    clock = FakeClock()
    cache = ResponseCache()
    router, _ = yard(cache, [[Delay(3), Say(TEXT)]], clock=clock)
    spent = router.invoke("tea?").usage_metadata
    for _ in range(2):
        router.invoke("tea?")
    stats = cache.stats()
    assert stats.saved_seconds == pytest.approx(6)
    assert spent is not None
    assert stats.saved_tokens == {
        "input": 2 * spent["input_tokens"],
        "output": 2 * spent["output_tokens"],
    }
    assert stats.hit_ratio == pytest.approx(2 / 3)
    assert stats.results[("default", "memory", "exact")] == 2
    assert "66.7%" in str(stats)
    assert "<table>" in stats._repr_html_()
