"""The level inside the cache, inside a router: what an application sees."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.policy import CachePolicy, Degradation
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.semantic import SemanticCache, ShadowPolicy
from langchain_switchyard.cache.semantic.policy import SemanticPolicy
from langchain_switchyard.routing.cache_options import CacheOptions
from tests.unit_tests.cache.builders import told, wishes, yard
from tests.unit_tests.cache.semantic.builders import UNWATCHED, Placed, cache

AROUND = {"refund": 0.0, "money": 6.0, "back": -6.0, "return_": 2.0}


def house(policy: SemanticPolicy = UNWATCHED):
    """A router with a semantic cache, and its model."""
    stored = ResponseCache(semantic=cache(Placed(**AROUND), policy=policy))
    router, model = yard(stored, "30 days")
    return stored, router, model


def test_a_question_that_means_the_same_is_answered_without_the_model() -> None:
    """Three questions are asked of the model, the fourth is not."""
    stored, router, model = house()
    for text in ("refund", "money", "back"):
        router.invoke(text)
        stored.settle()
    answer = router.invoke("return_")
    assert answer.content == "30 days"
    assert len(model.calls) == 3
    assert told(answer)["cache"] == "semantic"
    assert told(answer)["cache_detail"]["question"] in {"refund", "money"}


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("如何退款？", "如何退款啊，谢谢"),
        ("如何退款？", "您好，请问一下如何退款呢？谢谢"),
        ("怎么改支付方式", "麻烦您告诉我一下怎么改支付方式，谢谢"),
        ("如何退款", "請問如何退款呢，謝謝"),
        ("Reset password", "Hi, please kindly reset the password, thanks"),
    ],
)
def test_without_an_encoder_politeness_makes_no_difference(first: str, again: str) -> None:
    """In both languages, however long it is beside the question."""
    stored = ResponseCache(semantic=SemanticCache(policy=UNWATCHED))
    router, model = yard(stored, "30 days")
    router.invoke(first)
    stored.settle()
    assert told(router.invoke(again))["cache"] == "semantic"
    assert len(model.calls) == 1


async def test_streams_and_awaited_calls_share_what_was_learned() -> None:
    """Learned by one, served to the other."""
    stored, router, model = house()
    for text in ("refund", "money", "back"):
        await router.ainvoke(text)
        await stored.asettle()
    chunks = [chunk.content async for chunk in router.astream("return_")]
    assert "".join(chunks) == "30 days"
    assert len(model.calls) == 3


def test_another_tenant_or_prompt_never_gets_it() -> None:
    """Partitions are the cache's keys without the last question."""
    stored, router, model = house()
    for text in ("refund", "money", "back"):
        router.invoke(text)
        stored.settle()
    for options in (wishes(tenant="other"), wishes(cache=CacheOptions(vary={"day": "monday"}))):
        assert told(router.invoke("return_", **options))["cache"] == "miss"
    assert told(router.invoke([("system", "Be brief"), ("human", "return_")]))["cache"] == "miss"
    assert len(model.calls) == 6


def test_a_reported_hit_is_not_served_again() -> None:
    """The id is in the answer's metadata."""
    stored, router, model = house()
    for text in ("refund", "money", "back"):
        router.invoke(text)
        stored.settle()
    hit_id = told(router.invoke("return_"))["cache_detail"]["hit_id"]
    assert stored.report_wrong(hit_id)
    assert told(router.invoke("return_"))["cache"] == "miss"
    assert len(model.calls) == 4


def test_a_checked_hit_asks_the_model_and_counts() -> None:
    """The interval of wrong per hit is in the statistics."""
    stored, router, model = house(SemanticPolicy(shadow=ShadowPolicy(share=1.0)))
    for text in ("refund", "money", "back", "return_"):
        router.invoke(text)
        stored.settle()
    assert len(model.calls) == 4
    semantic = stored.stats().semantic
    assert (semantic["checked"], semantic["wrong"]) == (1, 0)


def test_when_the_answer_left_the_levels_the_model_is_asked() -> None:
    """A hit names an entry; without the entry there is no hit."""
    stored, router, model = house()
    for text in ("refund", "money", "back"):
        router.invoke(text)
        stored.settle()
    stored.invalidate()
    assert told(router.invoke("return_"))["cache"] == "miss"
    assert len(model.calls) == 4


@pytest.mark.parametrize(("mode", "asked"), [("off", []), ("similar", ["refund today"])])
def test_questions_about_today_cost_nothing_unless_an_outage_may_need_them(mode, asked) -> None:
    """Neither an embedding nor a comparison."""
    encoder = Placed(**AROUND)
    policy = CachePolicy(degradation=Degradation(mode=mode))
    stored = ResponseCache(policy=policy, semantic=cache(encoder))
    router, _ = yard(stored, "30 days")
    router.invoke("refund today")
    stored.settle()
    assert encoder.asked == asked


def test_invalidating_one_namespace_leaves_the_others_alone() -> None:
    """In memory as well as with a shared level."""
    stored, router, _ = house()
    for name in ("here", "there"):
        for text in ("refund", "money", "back"):
            router.invoke(text, **wishes(cache=CacheOptions(namespace=name)))
            stored.settle()
    stored.invalidate("there")
    assert stored.stats().semantic["entries"] == 3
    for name, word in (("here", "semantic"), ("there", "miss")):
        answer = router.invoke("return_", **wishes(cache=CacheOptions(namespace=name)))
        assert told(answer)["cache"] == word
