"""The whole level: what is served, what is not, and what is learned from it."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from dataclasses import replace

import pytest

from langchain_switchyard.cache.semantic import (
    Agreement,
    Bounded,
    Capacity,
    SemanticCache,
    SemanticPolicy,
    ShadowPolicy,
    TextRules,
    Threshold,
)
from langchain_switchyard.cache.semantic_contract import Question, SemanticLevel, Verdict
from tests.unit_tests.cache.semantic.builders import (
    UNWATCHED,
    WATCHED,
    Equal,
    Fixed,
    Placed,
    ask,
    cache,
    teach,
)

AROUND = Placed(refund=0.0, money=6.0, back=-6.0, return_=3.0, hours=90.0, open_=95.0, when=85.0)
REFUNDS = (("refund", "30 days"), ("money", "30 days"), ("back", "30 days"))


def test_it_is_a_semantic_level():
    """The cache's contract, checked by the type checker and here by name."""
    level: SemanticLevel = cache(AROUND)
    for name in ("lookup", "alookup", "outage", "aoutage", "record", "arecord", "forget",
                 "forget_stale", "report_wrong", "stats"):  # fmt: skip
        assert callable(getattr(level, name))


def test_three_neighbours_of_one_answer_are_served_and_the_nearest_is_named():
    """The hit says which entry, which question, how near."""
    level = cache(AROUND)
    teach(level, *REFUNDS)
    hit = level.lookup(ask("return_")).hit
    assert hit is not None
    assert hit.key in {b"refund", b"money"}
    assert hit.question == hit.key.decode()
    assert 0.99 < hit.similarity <= 1.0
    assert len(hit.hit_id) == 32


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_young_partition_serves_nothing_alike(count):
    """Cold start is safe by construction."""
    level = cache(AROUND)
    teach(level, *REFUNDS[:count])
    verdict = level.lookup(ask("return_"))
    assert verdict.hit is None
    assert verdict.reason == "cold"


def test_neighbours_with_different_answers_serve_nobody():
    """However near they are."""
    level = cache(AROUND)
    teach(level, ("refund", "30 days"), ("money", "14 days"), ("back", "30 days"))
    assert level.lookup(ask("return_")).reason == "no agreement"


def test_the_same_text_in_another_spelling_is_served_at_once():
    """No agreement is needed for one and the same question."""
    level = cache(AROUND)
    teach(level, ("refund please", "30 days"))
    hit = level.lookup(ask("Refund  PLEASE?")).hit
    assert hit is not None
    assert hit.similarity == 1.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("return_ within 5 days", "vetoed: number"),
        ("return_ not", "vetoed: negation"),
        ("return_ `x`", "vetoed: code"),
        ("return_ 5万元", "vetoed: number"),
        ("return_ 不能", "vetoed: negation"),
    ],
)
def test_no_agreement_helps_across_a_difference_that_counts(text, reason):
    """The veto has the last word."""
    level = cache(AROUND)
    teach(level, *REFUNDS)
    verdict = level.lookup(ask(text))
    assert verdict.hit is None
    assert verdict.reason == reason


def test_a_member_without_the_difference_is_served_instead():
    """Not the nearest, but one of the same group with the same figure."""
    level = cache(Placed(refund=0.0, money=6.0, back=-6.0, return_=0.0))
    teach(level, ("refund", "yes"), ("money in 5 days", "yes"), ("back", "yes"))
    hit = level.lookup(ask("return_ in 5 days")).hit
    assert hit is not None
    assert hit.question == "money in 5 days"


def test_partitions_never_meet():
    """Another tenant, model or system prompt is another world, for any call."""
    level = cache(AROUND)
    teach(level, *REFUNDS)
    assert level.lookup(ask("return_", b"other")).hit is None
    assert level.lookup(ask("refund", b"other")).hit is None
    assert level.outage(ask("refund", b"other")) is None


def test_one_user_cannot_make_an_agreement_alone():
    """Poisoning a shared partition takes several users; one's own words count for oneself."""
    level = cache(AROUND)
    teach(level, *REFUNDS, user="mallory")
    assert level.lookup(ask("return_", user="alice")).hit is None
    assert level.lookup(ask("return_")).hit is None
    assert level.lookup(ask("return_", user="mallory")).hit is not None


def test_a_fresh_answer_is_compared_with_each_group_once_and_no_more_than_asked():
    """Three groups around, two comparisons allowed."""
    judge = Equal()
    level = cache(AROUND, equivalence=judge, mode=Agreement(comparisons=2))
    teach(level, ("refund", "a"), ("money", "b"), ("back", "c"))
    judge.seen.clear()
    teach(level, ("return_", "d"))
    assert len(judge.seen) == 2
    assert {one.known_answer for one in judge.seen} < {"a", "b", "c"}
    assert {one.answer for one in judge.seen} == {"d"}


def test_groups_known_to_differ_are_not_compared_again():
    """A fresh answer that equals `a` cannot equal `b`, which differs from `a`."""
    judge = Equal()
    level = cache(AROUND, equivalence=judge)
    teach(level, ("refund", "a"), ("money", "b"))
    judge.seen.clear()
    teach(level, ("back", "a"))
    assert len(judge.seen) == 1


def test_an_entry_that_is_gone_is_never_named_again():
    """By key, or because it was invalidated; nothing else goes with it."""
    level = cache(AROUND)
    teach(level, ("refund", "30 days"), ("hours", "9 to 5"))
    level.forget([b"refund", b"unknown"])
    assert level.lookup(ask("refund")).hit is None
    assert level.lookup(ask("hours")).hit is not None
    for name in ("refund", "money"):
        level.record(replace(ask(name), epochs=((name, 1),)), "30 days", None)
    level.forget_stale(lambda stamp: ("money", 1) not in stamp)
    assert level.lookup(ask("money")).hit is None
    assert level.lookup(ask("refund")).hit is not None


def test_a_hit_whose_answer_is_gone_is_replaced_by_the_fresh_one():
    """The cache asked the model although there was a hit: the named entry is dead."""
    level = cache(AROUND)
    teach(level, *REFUNDS)
    verdict = level.lookup(ask("return_"))
    level.record(ask("return_"), "30 days", verdict)
    assert level.stats()["entries"] == 3
    again = level.lookup(ask("RETURN_"))
    assert again.hit.key == b"return_"


def test_a_user_can_be_erased():
    """Texts and vectors of that user, in every partition, and nobody else's."""
    level = cache(AROUND)
    teach(level, ("refund", "a"), ("money", "b"), user="alice")
    teach(level, ("hours", "c"), user="bob")
    level.record(ask("refund", b"q", "alice"), "a", None)
    assert level.forget_user("alice") == 3
    assert level.forget_user("alice") == 0
    assert level.stats()["entries"] == 1
    assert level.lookup(ask("refund", user="alice")).hit is None


def test_a_newer_answer_under_the_same_key_replaces_the_old_one():
    """It is compared afresh: the old groups do not stick to it."""
    level = cache(AROUND)
    teach(level, *REFUNDS)
    level.record(ask("money"), "14 days", None)
    assert level.stats()["entries"] == 3
    assert level.lookup(ask("return_")).reason == "no agreement"


def test_entries_and_partitions_are_bounded():
    """What was not stored or served for longest leaves."""
    policy = SemanticPolicy(
        shadow=ShadowPolicy(share=0.0), capacity=Capacity(entries=2, partitions=2)
    )
    level = cache(AROUND, policy=policy)
    teach(level, ("refund", "a"), ("hours", "b"))
    assert level.lookup(ask("refund")).hit is not None
    teach(level, ("open_", "c"))
    assert level.lookup(ask("refund")).hit is not None
    assert level.lookup(ask("hours")).hit is None
    for partition in (b"q", b"r", b"s"):
        level.lookup(ask("refund", partition))
    assert level.stats()["partitions"] == 2


def test_a_checked_hit_is_not_served_and_a_right_one_keeps_the_bar():
    """The verdict says shadow; the fresh answer agrees."""
    level = cache(AROUND, policy=WATCHED)
    teach(level, *REFUNDS)
    verdict = level.lookup(ask("return_"))
    assert verdict.hit is None
    assert verdict.shadow is not None
    level.record(ask("return_"), "30 days", verdict)
    stats = level.stats()
    assert (stats["checked"], stats["wrong"], stats["raised"]) == (1, 0, 0)


def test_a_wrong_check_raises_the_bar_and_quarantines_the_neighbourhood():
    """Neither the entry nor its agreement serves again until learned anew."""
    level = cache(AROUND, policy=WATCHED)
    teach(level, *REFUNDS)
    level.record(ask("return_"), "never", level.lookup(ask("return_")))
    stats = level.stats()
    assert (stats["checked"], stats["wrong"], stats["raised"], stats["barred"]) == (1, 1, 1, 1)
    assert stats["wrong_per_hit"][1] == 1.0
    verdict = level.lookup(ask("return_ oooooooooo"))
    assert verdict.hit is None
    assert verdict.shadow is None


def test_a_judge_that_errs_once_does_not_condemn_a_right_hit():
    """A second voice of the agreement is heard before a hit counts as wrong."""

    class ErrsOnce(Equal):
        def same(self, comparison):
            right = super().same(comparison)
            return right if len(self.seen) != self.err_at else not right

        err_at = -1

    judge = ErrsOnce()
    level = cache(AROUND, policy=WATCHED, equivalence=judge)
    teach(level, *REFUNDS)
    judge.err_at = len(judge.seen) + 1
    level.record(ask("return_"), "30 days", level.lookup(ask("return_")))
    stats = level.stats()
    assert (stats["checked"], stats["wrong"], stats["barred"]) == (1, 0, 0)


def test_a_level_that_keeps_being_wrong_closes_and_says_so():
    """Every check differs: the bar goes up step by step, then nothing is served."""
    chance = Fixed(0.0)
    policy = SemanticPolicy(shadow=ShadowPolicy(share=0.5))
    level = cache(Placed(a=0.0), policy=policy, mode=Threshold(similarity=0.9), chance=chance)
    for number in range(12):
        question = ask("a " + "o" * number)
        level.record(question, str(number), level.lookup(question))
    stats = level.stats()
    assert stats["closed"] == 1
    assert stats["raised"] == 2
    chance.value = 0.9  # No check is drawn now.
    level.record(ask("a more"), "x", None)
    assert level.lookup(ask("A more!")).reason == "closed"


def test_a_reported_hit_is_quarantined_once():
    """An unknown id, or the same one again, is refused."""
    level = cache(AROUND)
    teach(level, *REFUNDS)
    hit = level.lookup(ask("return_")).hit
    assert level.report_wrong(hit.hit_id)
    assert not level.report_wrong(hit.hit_id)
    assert not level.report_wrong("no such id")
    assert level.lookup(ask("return_")).hit is None
    stats = level.stats()
    assert (stats["barred"], stats["wrong"]) == (1, 1)
    assert stats["verdicts"]["reported wrong"] == 1


def test_in_an_outage_a_less_certain_answer_is_found():
    """One that would not be served otherwise; nothing is learned or checked."""
    level = cache(Placed(refund=0.0, money=6.0, back=-6.0, far=45.0))
    teach(level, *REFUNDS)
    assert level.lookup(ask("far")).reason == "too far"
    hit = level.outage(ask("far"))
    assert hit is not None
    assert hit.similarity < 0.8
    assert level.stats()["verdicts"]["outage hit"] == 1


def test_in_an_outage_vetoes_and_disagreement_still_hold():
    """A marked answer may be less certain, not about another figure."""
    level = cache(AROUND)
    teach(level, *REFUNDS, ("hours", "9 to 5"), ("open_", "never"), ("when", "always"))
    assert level.outage(ask("return_ in 5 days")) is None
    assert level.outage(ask("hours oo")) is None
    assert level.outage(ask("my balance return_")) is None
    without = SemanticPolicy(outage=None)
    assert cache(AROUND, policy=without).outage(ask("refund")) is None


def test_in_an_outage_a_question_about_today_gets_an_old_answer():
    """Whoever consented to marked old answers gets them; in good times it is never served one."""
    level = cache(AROUND)
    teach(level, *REFUNDS)

    assert level.lookup(ask("return_ today")).reason == "time words"
    assert level.outage(ask("return_ today")) is not None


def test_an_answer_about_today_is_met_in_an_outage_only():
    """Marked as timely; it neither speaks for others in good times nor stands in their way."""
    level = cache(AROUND)
    teach(level, ("refund today", "30 days"), ("money today", "30 days"), ("back", "30 days"))
    assert level.lookup(ask("refund today")).reason == "time words"
    assert level.lookup(ask("return_")).reason == "cold"
    teach(level, ("refund", "30 days"), ("money", "30 days"))
    assert level.lookup(ask("return_")).hit.timely is False
    assert level.outage(ask("refund today")).question == "refund"
    teach(level, ("hours today", "9 to 5"))
    hit = level.outage(ask("Hours TODAY"))
    assert (hit.timely, hit.question) == (True, "hours today")
    assert level.outage(ask("return_ today")).timely is False


def test_an_application_without_outages_remembers_nothing_about_today():
    """Neither embedded nor compared."""
    encoder = Placed(refund=0.0)
    level = cache(encoder)
    level.record(replace(ask("refund today"), for_outage=False), "30 days", None)
    assert encoder.asked == []


@pytest.mark.parametrize("text", ["今天的汇率", "refund today"])
def test_with_the_date_in_the_partition_today_is_a_word_like_any_other(text):
    """`TextRules(time_words=True)`: served in good times, not marked."""
    policy = replace(UNWATCHED, text=TextRules(time_words=True))
    level = cache(Placed(**{text.split()[0]: 0.0}), policy=policy)
    teach(level, (text, "7.1"))
    assert level.lookup(ask(text + " ！")).hit.timely is False


async def test_the_waiting_methods_do_what_the_blocking_ones_do():
    """One logic, two edges: same verdicts, same groups, same counts."""
    blocking, waiting = cache(AROUND), cache(AROUND)
    told = [*REFUNDS, ("hours", "9"), ("open_", "9"), ("when", "10"), ("return_", "30 days")]
    for text, answer in told:
        first, second = blocking.lookup(ask(text)), await waiting.alookup(ask(text))
        assert (first.reason, first.hit is None) == (second.reason, second.hit is None)
        blocking.record(ask(text), answer, first)
        await waiting.arecord(ask(text), answer, second)
    assert blocking.stats() == waiting.stats()
    assert (await waiting.aoutage(ask("refund"))).key == blocking.outage(ask("refund")).key
    assert await waiting.aoutage(ask("my balance refund")) is None


async def test_a_waiting_judge_is_awaited_and_a_blocking_one_leaves_the_loop_alone():
    """The blocking one runs in another thread."""
    threads = []

    class Blocking(Equal):
        def same(self, comparison):
            threads.append(threading.current_thread())
            return super().same(comparison)

    class Waiting(Blocking):
        async def asame(self, comparison):
            await asyncio.sleep(0)
            return Equal.same(self, comparison)

    for judge in (Blocking(), Waiting()):
        level = cache(AROUND, equivalence=judge)
        for text, answer in REFUNDS:
            await level.arecord(ask(text), answer, None)
        assert (await level.alookup(ask("return_"))).hit is not None
    assert threads
    assert threading.main_thread() not in threads


async def test_a_failing_encoder_costs_a_hit_and_no_request(caplog):
    """Logged, told as a reason, and nothing is stored."""

    class Broken(Placed):
        def embed_query(self, text):
            raise RuntimeError("no encoder today")

    level = cache(Broken())
    with caplog.at_level(logging.WARNING):
        assert level.lookup(ask("refund")) == Verdict(reason="no embedding")
    assert "could not be embedded" in caplog.text
    assert (await level.alookup(ask("refund"))).reason == "no embedding"
    assert level.outage(ask("refund")) is None
    assert await level.aoutage(ask("refund")) is None
    level.record(ask("refund"), "a", None)
    await level.arecord(ask("refund"), "a", None)
    assert level.stats()["entries"] == 0


async def test_a_failing_judge_teaches_nothing(caplog):
    """No verdict is neither same nor different."""

    class Broken:
        def same(self, comparison):
            raise RuntimeError("no judge today")

    level = cache(AROUND, equivalence=Broken())
    teach(level, *REFUNDS)
    await level.arecord(ask("when"), "x", None)
    stats = level.stats()
    assert (stats["entries"], stats["groups"]) == (4, 4)
    assert level.lookup(ask("return_")).reason == "no agreement"
    assert "could not be compared" in caplog.text


def test_a_question_that_may_not_meet_others_is_neither_embedded_nor_stored():
    """Time words are read before any encoder is asked."""
    encoder = Placed(refund=0.0)
    level = cache(encoder, policy=replace(UNWATCHED, outage=None))
    assert level.lookup(ask("refund today")).reason == "time words"
    level.record(ask("refund today"), "a", None)
    assert encoder.asked == []
    assert level.stats()["entries"] == 0


def test_the_vector_of_a_lookup_is_used_again_by_its_record():
    """An encoder costs more than everything else here."""
    encoder = Placed(refund=0.0)
    level = cache(encoder)
    level.record(ask("refund"), "a", level.lookup(ask("refund")))
    assert encoder.asked == ["refund"]


def test_bounded_stores_no_question_whose_answer_is_known():
    """One entry covers many phrasings, and serves once it has been observed."""
    level = cache(Placed(a=0.0), mode=Bounded(delta=0.3), chance=Fixed(0.999))
    for number in range(6):
        teach(level, ("a " + "o" * (number + 1), "same"))
    assert level.stats()["entries"] == 1
    assert level.lookup(ask("a ooo")).hit is not None


def test_without_an_encoder_near_duplicates_alone_are_served():
    """Politeness apart, every word counts; in both languages."""
    level = cache()
    teach(level, ("怎么申请退款", "三天"), ("how do I get a refund", "3 days"))
    assert level.lookup(ask("请问怎么申请退款？")).hit is not None
    assert level.lookup(ask("Please, how do I get the refund?")).hit is not None
    for text in ("怎么取消退款", "怎么申请退货", "how do I get a receipt", "how do I refund a get"):
        assert level.lookup(ask(text)).hit is None


def test_many_threads_may_ask_and_teach_at_once():
    """No error, no lost entry, no answer across groups."""
    level = cache(Placed(a=0.0, b=120.0), chance=random.Random(1), policy=UNWATCHED)
    wrong: list[object] = []

    def work(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(60):
            name = draw.choice("ab")
            question = ask(f"{name} {'o' * draw.randint(1, 60)}")
            verdict = level.lookup(question)
            if verdict.hit is None:
                level.record(question, name, verdict)
            elif verdict.hit.question[0] != name:
                wrong.append(verdict)
            if draw.random() < 0.05:
                level.forget([question.key])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert level.stats()["verdicts"]["hit"] > 50


def test_users_are_unknown_by_default():
    """A bare question carries no user."""
    assert Question(b"p", "text", b"k").user is None
    assert SemanticCache(AROUND).stats()["entries"] == 0
