"""In an outage: a marked answer from the past, if the application agreed to that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, HumanMessage

from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.policy import CachePolicy, Degradation, Freshness
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.semantic_contract import Question, SemanticHit, Stamp, Verdict
from langchain_switchyard.errors import AllDeploymentsFailed
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.testing import Delay, FakeClock, Say
from tests.unit_tests.cache.builders import told, wishes, yard
from tests.unit_tests.cache.test_layer import summed

DOWN = ConnectionError("down")


def policy(mode: Any = "exact", **facts: Any) -> CachePolicy:
    """Fresh for ten seconds, kept for a thousand more."""
    times = Freshness(fresh_for=10, stale_if_error=1000, jitter=0, early=0)
    return CachePolicy(freshness=times, degradation=Degradation(mode=mode, **facts))


def after(
    cache: ResponseCache, *failures: Any, seconds: float = 100
) -> tuple[ChatSwitchyard, FakeClock]:
    """A router that has answered once, some time before its provider broke."""
    clock = FakeClock()
    router, _ = yard(cache, ["old answer", *failures], clock=clock)
    router.invoke("tea?")
    clock.advance(seconds)
    return router, clock


def test_without_consent_an_outage_is_an_error() -> None:
    """The default: nothing old is ever passed off as an answer."""
    router, _ = after(ResponseCache(policy=policy("off")), DOWN)
    with pytest.raises(AllDeploymentsFailed):
        router.invoke("tea?")


def test_with_consent_the_stale_answer_is_served_and_marked() -> None:
    """With its age, and the attempts that failed."""
    router, _ = after(ResponseCache(policy=policy()), DOWN)
    message = router.invoke("tea?")
    story = told(message)
    assert message.content == "old answer"
    assert story["cache"] == "stale"
    assert story["cache_detail"]["degraded"] == "stale"
    assert story["cache_detail"]["age"] == 100
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["connection"] * 2


async def test_a_stream_degrades_too() -> None:
    """As long as nothing has been shown."""
    router, _ = after(ResponseCache(policy=policy()), DOWN)
    chunks = [chunk async for chunk in router.astream("tea?")]
    message = summed(chunks)
    assert message.content == "old answer"
    assert told(message)["cache"] == "stale"


def test_a_degraded_answer_is_not_written_back() -> None:
    """It stays as old as it is, and the provider is asked again next time."""
    cache = ResponseCache(policy=policy())
    router, clock = after(cache, DOWN, DOWN, "new answer")
    router.invoke("tea?")
    clock.advance(100)
    assert router.invoke("tea?").content == "new answer"


def test_an_answer_too_old_even_for_an_outage_is_not_served() -> None:
    """`stale_if_error` has an end."""
    router, _ = after(ResponseCache(policy=policy()), DOWN, seconds=2000)
    with pytest.raises(AllDeploymentsFailed):
        router.invoke("tea?")


def test_max_age_holds_in_an_outage() -> None:
    """Who asked for nothing older gets nothing older."""
    router, _ = after(ResponseCache(policy=policy()), DOWN)
    with pytest.raises(AllDeploymentsFailed):
        router.invoke("tea?", **wishes(cache=CacheOptions(max_age=50)))


class Wrong(Exception):
    """An error of the caller's own making."""

    status_code = 400


class Denied(Exception):
    """A credential that is not good."""

    status_code = 401


class Busy(Exception):
    """A provider with too much to do."""

    status_code = 503


@pytest.mark.parametrize("error", [Wrong("bad"), Denied("no"), ContextOverflowError("long")])
def test_only_outages_degrade(error: Exception) -> None:
    """What is wrong with the request or the account must be heard."""
    router, _ = after(ResponseCache(policy=policy()), error, error)
    with pytest.raises(Exception):  # noqa: B017 - each its own; none is answered.
        router.invoke("tea?")


@pytest.mark.parametrize("error", [Busy("503"), TimeoutError("slow"), ConnectionError("gone")])
def test_every_kind_of_outage_degrades(error: Exception) -> None:
    """Overload, silence, and no connection."""
    router, _ = after(ResponseCache(policy=policy()), error, error)
    assert told(router.invoke("tea?"))["cache"] == "stale"


def test_one_refused_credential_among_outages_is_still_heard() -> None:
    """Somebody has to mend it, and an old answer would hide it."""
    clock = FakeClock()
    cache = ResponseCache(policy=policy())
    router, _ = yard(cache, ["old answer", Denied("no")], Busy("503"), clock=clock)
    router.invoke("tea?")
    clock.advance(100)
    with pytest.raises(AllDeploymentsFailed):
        router.invoke("tea?")


@pytest.mark.parametrize("error", [Denied("no"), Busy("503")])
def test_those_who_share_a_failed_call_degrade_only_in_an_outage_either(error: Exception) -> None:
    """They made no attempt of their own to judge by."""
    clock = FakeClock()
    cache = ResponseCache(policy=policy())
    router, _ = yard(cache, ["old answer", [Delay(1), error], [Delay(1), error]], clock=clock)
    router.invoke("tea?")
    clock.advance(100)

    async def both() -> list[Any]:
        calls = (router.ainvoke("tea?") for _ in range(2))
        return await asyncio.gather(*calls, return_exceptions=True)

    for end in clock.run(both()):
        assert isinstance(end, AIMessage) is isinstance(error, Busy)


def test_a_stand_ins_answer_to_the_same_request_serves() -> None:
    """Another route's answer, where the application says it may."""
    cache = ResponseCache(policy=policy("exact", stand_ins=("small",)))
    cache.store(Request(messages=[HumanMessage("tea?")], model="small"), AIMessage("from small"))
    router, _ = yard(cache, [DOWN])
    story = told(router.invoke("tea?"))
    assert story["cache_detail"]["degraded"] == "stand-in"
    assert story["cache_detail"]["route"] == "small"


class Twin:
    """A semantic level for which every past question is like every other."""

    def __init__(self) -> None:
        """Know no question."""
        self.known: list[Question] = []
        self.verdict = Verdict(reason="no agreement")
        self.learned: list[tuple[str, str, Verdict | None]] = []
        self.forgotten: list[bytes] = []
        self.is_timely = False

    def hit(self) -> SemanticHit:
        """The last question that was learned."""
        last = self.known[-1]
        return SemanticHit("hit-1", 0.912345, last.key, last.text, self.is_timely)

    def lookup(self, question: Question) -> Verdict:
        """As set."""
        return self.verdict

    async def alookup(self, question: Question) -> Verdict:
        """As set."""
        return self.verdict

    def outage(self, question: Question) -> SemanticHit | None:
        """The last one learned in that partition."""
        known = [past for past in self.known if past.partition == question.partition]
        return self.hit() if known else None

    async def aoutage(self, question: Question) -> SemanticHit | None:
        """As `outage`."""
        return self.outage(question)

    def record(self, question: Question, answer: str, verdict: Verdict | None) -> None:
        """Remember."""
        self.known.append(question)
        self.learned.append((question.text, answer, verdict))

    async def arecord(self, question: Question, answer: str, verdict: Verdict | None) -> None:
        """As `record`."""
        self.record(question, answer, verdict)

    def forget(self, keys: list[bytes]) -> None:
        """Note it."""
        self.forgotten.extend(keys)

    def forget_stale(self, is_current: Callable[[Stamp], bool]) -> None:
        """Forget what was invalidated."""
        self.known = [question for question in self.known if is_current(question.epochs)]

    def forget_user(self, user: str) -> int:
        """Drop that user's questions."""
        theirs = [question for question in self.known if question.user == user]
        self.known = [question for question in self.known if question.user != user]
        return len(theirs)

    def report_wrong(self, hit_id: str) -> bool:
        """Only one hit is known."""
        return hit_id == "hit-1"

    def stats(self) -> dict[str, Any]:
        """One figure."""
        return {"entries": len(self.known)}


def test_a_like_questions_answer_serves_in_an_outage() -> None:
    """Marked as similar, with the question it was given to and how alike it is."""
    twin = Twin()
    cache = ResponseCache(policy=policy("similar"), semantic=twin)
    router, _ = after(cache, DOWN)
    cache.settle()
    detail = told(router.invoke("what is tea?"))["cache_detail"]
    assert detail["degraded"] == "similar"
    assert detail["similarity"] == 0.9123
    assert detail["question"] == "tea?"
    assert detail["hit_id"] == "hit-1"


@pytest.mark.parametrize(("age", "serves"), [(5.0, True), (100.0, False)])
def test_an_answer_about_today_is_no_answer_about_another_day(age: float, serves: bool) -> None:
    """A like question's counts only while it is fresh; one that names no day counts longer."""
    twin = Twin()
    twin.is_timely = True
    cache = ResponseCache(policy=policy("similar"), semantic=twin)
    router, _ = after(cache, DOWN, seconds=age)
    cache.settle()
    if serves:
        assert told(router.invoke("weather today"))["cache_detail"]["degraded"] == "similar"
    else:
        with pytest.raises(AllDeploymentsFailed):
            router.invoke("weather today")


def test_alike_is_not_enough_without_consent_to_it() -> None:
    """`exact` means the same request."""
    cache = ResponseCache(policy=policy("exact"), semantic=Twin())
    router, _ = after(cache, DOWN)
    cache.settle()
    with pytest.raises(AllDeploymentsFailed):
        router.invoke("what is tea?")


def test_a_semantic_hit_is_served_and_marked() -> None:
    """With what is needed to report it as wrong."""
    twin = Twin()
    cache = ResponseCache(semantic=twin)
    router, model = yard(cache, "an answer")
    router.invoke("tea?")
    cache.settle()
    assert twin.learned == [("tea?", "an answer", twin.verdict)]
    twin.verdict = Verdict(hit=twin.hit())
    message = router.invoke("what is tea?")
    assert told(message)["cache"] == "semantic"
    assert told(message)["cache_detail"]["similarity"] == 0.9123
    assert len(model.calls) == 1
    assert cache.report_wrong(told(message)["cache_detail"]["hit_id"])
    assert not cache.report_wrong("another")
    assert cache.stats().count("semantic") == 1
    assert cache.stats().semantic == {"entries": 1}


def test_a_shadow_check_asks_the_model_and_is_learned_from() -> None:
    """The verdict comes back to the level with the fresh answer."""
    twin = Twin()
    cache = ResponseCache(semantic=twin)
    router, model = yard(cache, "an answer")
    router.invoke("tea?")
    cache.settle()
    twin.verdict = Verdict(shadow=twin.hit(), reason="shadow")
    assert told(router.invoke("what is tea?"))["cache"] == "miss"
    cache.settle()
    assert len(model.calls) == 2
    assert twin.learned[-1] == ("what is tea?", "an answer", twin.verdict)


def test_a_semantic_hit_whose_entry_is_gone_is_a_miss() -> None:
    """And the level is told."""
    twin = Twin()
    cache = ResponseCache(semantic=twin)
    router, model = yard(cache, "an answer")
    router.invoke("tea?")
    cache.settle()
    twin.verdict = Verdict(hit=twin.hit())
    gone = twin.known[-1].key
    cache.erase("nobody")
    cache.invalidate()
    assert told(router.invoke("what is tea?"))["cache"] == "miss"
    assert twin.forgotten == [gone]
    assert len(model.calls) == 2


@pytest.mark.parametrize(
    ("asks", "facts"),
    [
        ("tea?", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ("tea?", {"response_format": {"type": "text"}}),
        ([("human", "a"), ("ai", "b"), ("human", "c")], {}),
        ([("human", [{"type": "text", "text": "look"}])], {}),
        ([("human", "a"), ("ai", "b")], {}),
    ],
)
def test_meaning_alone_does_not_decide_where_more_than_a_question_counts(
    asks: Any, facts: dict[str, Any]
) -> None:
    """Tools, forms, follow-ups and pictures are matched exactly or not at all."""
    twin = Twin()
    cache = ResponseCache(semantic=twin)
    router, _ = yard(cache, "an answer")
    router.invoke(asks, **facts)
    cache.settle()
    assert not twin.known


def test_the_cache_makes_nothing_of_a_stream_that_broke() -> None:
    """Half an answer is no answer: nothing is stored and nothing appended to what was shown."""
    cache = ResponseCache(policy=policy())
    router, model = yard(cache, [Say("half of it", cut_after=2), "whole"])
    with pytest.raises(Exception):  # noqa: B017 - whatever the router says of it.
        list(router.stream("tea?"))
    assert told(router.invoke("tea?"))["cache"] == "miss"
    assert len(model.calls) == 2


def test_the_semantic_level_learns_what_was_stored_and_not_what_was_said() -> None:
    """What is redacted must not live on in its memory."""
    twin = Twin()

    def redact(message: AIMessage) -> AIMessage:
        message.content = message.text.replace("Eve", "[name]")
        return message

    cache = ResponseCache(semantic=twin, redact=redact)
    router, _ = yard(cache, "Hello Eve")
    router.invoke("hi")
    cache.settle()
    assert [answer for _, answer, _ in twin.learned] == ["Hello [name]"]


def test_erasing_a_subject_reaches_the_semantic_level() -> None:
    """Its questions are about her, too; those of others stay."""
    twin = Twin()
    cache = ResponseCache(semantic=twin)
    router, _ = yard(cache, "an answer")
    for subject in ("eve", "adam"):
        router.invoke("my tea?", **wishes(cache=CacheOptions(subject=subject)))
    cache.settle()
    assert cache.erase("eve") == 1
    assert [question.user for question in twin.known] == ["adam"]


def test_an_answer_under_way_while_its_subject_is_erased_is_not_stored_at_all() -> None:
    """Not served would not be enough: it must not lie there."""
    twin = Twin()
    cache = ResponseCache(semantic=twin)

    def meanwhile(_messages: Any, _kwargs: Any) -> str:
        cache.erase("eve")
        return "about Eve"

    router, _ = yard(cache, meanwhile)
    router.invoke("my tea?", **wishes(cache=CacheOptions(subject="eve")))
    cache.settle()
    assert cache.stats().levels["memory"].entries == 0
    assert not twin.known
    assert cache.stats().reasons == {
        ("default", "no agreement"): 1,
        ("default", "not stored: invalidated meanwhile"): 1,
    }
