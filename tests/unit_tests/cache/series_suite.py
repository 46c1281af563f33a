"""What a level that keeps series must do, and what semantic levels hear through it.

Suites of real levels derive from both classes; each needs a fixture `make`.
"""

from __future__ import annotations

from typing import Any

import pytest

from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.series import SeriesLevel
from langchain_switchyard.cache.policy import CachePolicy, Degradation
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.semantic import SemanticPolicy, ShadowPolicy
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.clock import World
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.builders import address, entry, told, wishes, yard
from tests.unit_tests.cache.semantic.builders import UNWATCHED, Equal, Placed, cache
from tests.unit_tests.cache.shared_level_suite import NOW, Make

AROUND = {"refund": 0.0, "money": 6.0, "back": -6.0, "return_": 2.0, "退款": 1.0, "hours": 90.0}
QUESTIONS = ("refund", "money", "back")


class SeriesSuite:
    """Needs a fixture `make` that opens one more handle on the same storage."""

    def test_what_one_appends_another_reads_in_order(self, make: Make) -> None:
        """And goes on from where it was."""
        first, second = make(), make()
        for name in ("a", "b", "c"):
            first.append(address(), entry(name, at=NOW), NOW, 100)
        stretch = second.read_on(address(), "", 2, NOW)
        assert [one.body for one in stretch.entries] == [entry("a").body, entry("b").body]
        assert not stretch.is_last
        rest = second.read_on(address(), stretch.position, 2, NOW)
        assert [one.body for one in rest.entries] == [entry("c").body]
        assert rest.is_last
        end = second.read_on(address(), rest.position, 2, NOW)
        assert (end.entries, end.position, end.is_last) == ((), rest.position, True)

    async def test_the_awaiting_methods_read_the_same(self, make: Make) -> None:
        """One storage, two ways in."""
        level = make()
        assert isinstance(level, SeriesLevel)
        await level.aappend(address(), entry("a", at=NOW), NOW, 100)
        stretch = await level.aread_on(address(), "", 9, NOW)
        assert stretch == level.read_on(address(), "", 9, NOW)
        assert stretch.entries == (entry("a", at=NOW),)
        await level.aclose()

    def test_series_of_other_keys_and_tenants_are_apart(self, make: Make) -> None:
        """Also from the entry at the same address."""
        level = make()
        level.append(address(), entry(at=NOW), NOW, 100)
        for other in (address("else"), address(tenant="t")):
            assert level.read_on(other, "", 9, NOW).entries == ()

    def test_a_series_is_bounded_and_its_oldest_leave(self, make: Make) -> None:
        """About: a few hundred more may stay for a while."""
        level = make()
        for number in range(700):
            level.append(address(), entry(str(number), at=NOW), NOW + number / 1_000, 50)
        stretch = level.read_on(address(), "", 1_000, NOW)
        assert 50 <= len(stretch.entries) < 350
        assert stretch.entries[-1].body == entry("699").body

    def test_what_is_past_all_use_is_not_read(self, make: Make) -> None:
        """The others are."""
        level = make()
        level.append(address(), entry("short", at=NOW, fresh_for=10), NOW, 100)
        level.append(address(), entry("long", at=NOW, fresh_for=60), NOW, 100)
        stretch = level.read_on(address(), "", 9, NOW + 20)
        assert [one.body for one in stretch.entries] == [entry("long").body]

    def test_erase_reaches_a_subjects_series(self, make: Make) -> None:
        """And nobody else's."""
        level = make()
        level.append(address("a"), entry(at=NOW, subject="eve"), NOW, 100)
        level.append(address("b"), entry(at=NOW, subject="adam"), NOW, 100)
        level.put(address("c"), entry(at=NOW, subject="eve"), NOW)
        assert make().erase("eve") == 1
        assert level.read_on(address("a"), "", 9, NOW).entries == ()
        assert len(level.read_on(address("b"), "", 9, NOW).entries) == 1

    def test_a_sealed_series_needs_the_key(self, make: Make) -> None:
        """Nothing is read without it, and nothing planted is believed."""
        pytest.importorskip("cryptography")
        ring = KeyRing({"k": b"k" * 32})
        sealed, clear = make(ring=ring), make()
        sealed.append(address(), entry("true", at=NOW), NOW, 100)
        clear.append(address(), entry("planted", at=NOW), NOW, 100)
        assert [one.body for one in sealed.read_on(address(), "", 9, NOW).entries] == [
            entry("true").body
        ]
        assert [one.body for one in clear.read_on(address(), "", 9, NOW).entries] == [
            entry("planted").body
        ]


class Process:
    """A router with a cache of its own on a level that others use, too."""

    def __init__(
        self,
        level: Any,
        clock: FakeClock,
        *script: Any,
        policy: CachePolicy | None = None,
        semantic: SemanticPolicy = UNWATCHED,
        **around: float,
    ) -> None:
        """Start it."""
        self.encoder, self.judge = Placed(**(around or AROUND)), Equal()
        self.cache = ResponseCache(
            [MemoryLevel(), level],
            policy,
            semantic=cache(self.encoder, policy=semantic, equivalence=self.judge),
            world=World(clock=clock),
        )
        self.router, self.model = yard(self.cache, list(script) or "30 days", clock=clock)

    def ask(self, text: str, **options: Any) -> dict[str, Any]:
        """Ask, and return what is told of the cache."""
        answer = self.router.invoke(text, **wishes(**options))
        self.cache.settle()
        return {**told(answer), "text": answer.content}

    def teach(self, **options: Any) -> Process:
        """Ask three questions of one answer."""
        for text in QUESTIONS:
            self.ask(text, **options)
        return self

    @property
    def semantic(self) -> dict[str, Any]:
        """The semantic level's figures."""
        return self.cache.stats().semantic


class SharingSuite:
    """Needs a fixture `make` that opens one more handle on the same storage."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Time stands still."""
        return FakeClock()

    def test_after_a_restart_what_was_learned_is_still_known(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Three questions before it, the fourth after it."""
        Process(make(), clock).teach().cache.close()
        again = Process(make(), clock)
        hit = again.ask("return_")
        assert (hit["cache"], hit["text"]) == ("semantic", "30 days")
        assert again.model.calls == []
        assert again.encoder.asked == ["return_"]

    async def test_after_a_restart_awaiting_callers_know_it_too(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Chinese as well as English."""
        first = Process(make(), clock)
        for text in QUESTIONS:
            await first.router.ainvoke(text)
            await first.cache.asettle()
        again = Process(make(), clock)
        assert told(await again.router.ainvoke("退款"))["cache"] == "semantic"
        await again.cache.aclose()

    def test_two_running_processes_learn_from_each_other_within_a_second(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Either way; together they know what neither knows alone."""
        one, two = Process(make(), clock), Process(make(), clock)
        assert one.ask("refund")["cache"] == two.ask("money")["cache"] == "miss"
        clock.advance(1.1)
        assert one.ask("back")["cache"] == "miss"
        clock.advance(1.1)
        assert two.ask("return_")["cache"] == one.ask("return_")["cache"] != "miss"
        assert two.semantic["groups"] == 1

    def test_other_tenants_and_namespaces_hear_nothing(self, make: Make, clock: FakeClock) -> None:
        """Their notes lie elsewhere."""
        Process(make(), clock).teach(tenant="acme")
        other = Process(make(), clock)
        assert other.ask("return_")["cache"] == "miss"
        assert other.ask("return_", tenant="else")["cache"] == "miss"
        there = CacheOptions(namespace="else")
        assert other.ask("return_", tenant="acme", cache=there)["cache"] == "miss"
        assert other.ask("return_", tenant="acme")["cache"] == "semantic"

    def test_a_reported_hit_stays_in_quarantine_after_a_restart(
        self, make: Make, clock: FakeClock
    ) -> None:
        """And is not counted twice."""
        first = Process(make(), clock).teach()
        hit_id = first.ask("return_")["cache_detail"]["hit_id"]
        assert first.cache.report_wrong(hit_id)
        again = Process(make(), clock)
        assert again.ask("return_")["cache"] == "miss"
        assert (again.semantic["barred"], again.semantic["wrong"]) == (1, 1)
        assert not again.cache.report_wrong(hit_id)

    async def test_a_hit_can_be_reported_to_another_process(
        self, make: Make, clock: FakeClock
    ) -> None:
        """To one that never heard of its partition; everybody hears of it."""
        first = Process(make(), clock).teach()
        hit_id = first.ask("return_")["cache_detail"]["hit_id"]
        desk = Process(make(), clock)
        assert await desk.cache.areport_wrong(hit_id)
        assert not await desk.cache.areport_wrong(hit_id)
        assert not await desk.cache.areport_wrong("no such id")
        clock.advance(1.1)
        assert first.ask("return_")["cache"] == "miss"
        assert first.semantic["barred"] == 1
        await desk.cache.aclose()

    def test_a_checked_hit_counts_after_a_restart(self, make: Make, clock: FakeClock) -> None:
        """The bar stands where it stood, with the same evidence."""
        watched = SemanticPolicy(shadow=ShadowPolicy(share=1.0))
        first = Process(make(), clock, "yes", "yes", "yes", "no", semantic=watched)
        first.teach()
        assert first.ask("return_")["cache"] == "miss"
        assert first.semantic["raised"] == 1
        again = Process(make(), clock, semantic=watched)
        again.ask("hours")
        for figure in ("checked", "wrong", "raised", "barred"):
            assert again.semantic[figure] == first.semantic[figure] == 1

    def test_invalidating_a_namespace_clears_that_one_alone(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Here at once, elsewhere within a second, and after a restart."""
        there = CacheOptions(namespace="there")
        one, two = Process(make(), clock), Process(make(), clock)
        for process in (one, two):
            process.teach()
            process.teach(cache=there)
        one.cache.invalidate("there")
        assert one.semantic["entries"] == 3
        assert one.ask("return_", cache=there)["cache"] == "miss"
        assert one.ask("return_")["cache"] == "semantic"
        clock.advance(1.1)
        for process, text in ((two, "退款"), (Process(make(), clock), "money")):
            assert process.ask(text, cache=there)["cache"] == "miss"
            assert process.ask("return_")["cache"] == "semantic"

    def test_invalidating_a_tag_drops_what_carries_it(self, make: Make, clock: FakeClock) -> None:
        """And nothing else."""
        one = Process(make(), clock)
        one.ask("refund", cache=CacheOptions(tags={"faq"}))
        one.ask("hours")
        one.cache.invalidate(tags=["faq"])
        assert one.semantic["entries"] == 1

    def test_an_erased_subject_is_forgotten_everywhere(self, make: Make, clock: FakeClock) -> None:
        """Questions, vectors and notes; others' stay."""
        eve, adam = CacheOptions(subject="eve"), CacheOptions(subject="adam")
        one = Process(make(), clock).teach(cache=eve).teach(cache=adam)
        two = Process(make(), clock)
        assert two.ask("return_", cache=eve)["cache"] == "semantic"
        assert one.cache.erase("eve") == 3
        clock.advance(1.1)
        assert two.ask("退款", cache=eve)["cache"] == "miss"
        again = Process(make(), clock)
        assert again.ask("return_", cache=eve)["cache"] == "miss"
        assert again.ask("return_", cache=adam)["cache"] == "semantic"

    def test_one_tenants_part_of_a_subject_is_forgotten_everywhere(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Another tenant's user of the same name keeps hers."""
        eve = CacheOptions(subject="eve")
        one = Process(make(), clock).teach(cache=eve, tenant="a").teach(cache=eve, tenant="b")
        two = Process(make(), clock)
        assert two.ask("return_", cache=eve, tenant="a")["cache"] == "semantic"
        assert one.cache.erase("eve", tenant="a") == 3
        clock.advance(1.1)
        for process in (one, two, Process(make(), clock)):
            assert process.ask("return_", cache=eve, tenant="b")["cache"] == "semantic"
            assert process.ask("退款", cache=eve, tenant="a")["cache"] == "miss"
            process.cache.erase("eve", tenant="a")
            clock.advance(1.1)

    def test_what_is_erased_while_it_is_learned_is_told_to_nobody(
        self, make: Make, clock: FakeClock
    ) -> None:
        """The judge is still comparing when the subject asks to be forgotten."""
        eve, level = CacheOptions(subject="eve"), make()
        one = Process(level, clock)
        one.ask("refund", cache=eve)
        told_before: list[object] = []
        level.append = lambda *told: told_before.append(told)

        def same(comparison: object) -> bool:
            one.cache.erase("eve")
            return True

        one.judge.same = same  # type: ignore[method-assign]
        one.ask("money", cache=eve)
        assert told_before == []
        assert one.ask("back", cache=eve)["cache"] == "miss"

    def test_another_encoders_vectors_are_never_compared(
        self, make: Make, clock: FakeClock
    ) -> None:
        """It says its name, and another name means another series."""
        Process(make(), clock).teach()
        other = Process(make(), clock)
        other.encoder.model = "another"  # type: ignore[attr-defined]
        assert other.ask("return_")["cache"] == "miss"
        assert other.semantic["entries"] == 1

    def test_an_encoder_that_hides_its_change_spoils_nobodys_knowledge(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Of one name, but of more dimensions: each learns alone, and no request fails."""
        one, other = Process(make(), clock), Process(make(), clock)
        embed = other.encoder.embed_query
        other.encoder.embed_query = lambda text: [*embed(text), 0.0]  # type: ignore[method-assign]
        for text in QUESTIONS:
            one.ask(text)
            other.ask(f"{text} ooo")
            clock.advance(1.1)
        for process, text in ((one, "return_"), (other, "退款")):
            assert process.ask(text)["cache"] == "semantic"
            assert process.semantic["entries"] == 3

    def test_in_an_outage_what_others_learned_helps(self, make: Make, clock: FakeClock) -> None:
        """A process that starts when all models are down."""
        policy = CachePolicy(degradation=Degradation(mode="similar"))
        Process(make(), clock, policy=policy).teach().cache.close()
        down = Process(make(), clock, *[ConnectionError("down")] * 4, policy=policy, far=46.0)
        answer = down.ask("far")
        assert answer["cache_detail"]["degraded"] == "similar"
        assert answer["text"] == "30 days"

    def test_sealed_notes_tell_nothing_to_who_has_no_key(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Neither are planted ones heard."""
        pytest.importorskip("cryptography")
        ring = KeyRing({"k": b"k" * 32})
        Process(make(ring=ring), clock).teach()
        assert Process(make(), clock).ask("return_")["cache"] == "miss"
        assert Process(make(ring=ring), clock).ask("退款")["cache"] == "semantic"

    def test_a_level_that_fails_costs_what_others_know_and_nothing_else(
        self, make: Make, clock: FakeClock
    ) -> None:
        """Learning in this process goes on."""
        level = make()
        for name in ("append", "read_on", "aappend", "aread_on"):
            setattr(level, name, _nothing)
        alone = Process(level, clock).teach()
        assert alone.ask("return_")["cache"] == "semantic"
        assert Process(make(), clock).ask("return_")["cache"] == "miss"


def _nothing(*_: object) -> None:
    """What a level answers that cannot tell."""
