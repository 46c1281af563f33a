"""What every level shared by processes must do; suites of real levels derive from it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from langchain_core.messages import AIMessage

from langchain_switchyard.cache.keys.subject import tenant_mark
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.level import SharedLevel
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.policy import CENTURY, CachePolicy
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.clock import World
from langchain_switchyard.testing import Delay, FakeClock, Say
from tests.unit_tests.cache.builders import address, asked, entry, told, yard

Make = Callable[..., SharedLevel]
"""Opens one more handle on the same storage, as another process would."""

NOW = time.time()


class SharedLevelSuite:
    """Needs a fixture `make`."""

    def test_an_entry_is_seen_by_another_process(self, make: Make) -> None:
        """Equal to what was put, under its address only."""
        held = entry("你好" * 900, at=NOW, took=2.0, source="gpt", cost={"USD": 0.1})
        make().put(address(), held, NOW)
        other = make()
        assert other.get(address(), NOW) == held
        assert other.get(address("else"), NOW) is None
        assert other.get(address(tenant="t"), NOW) is None

    async def test_the_awaiting_methods_see_the_same(self, make: Make) -> None:
        """One storage, two ways in."""
        level = make()
        held = entry(at=NOW, subject="eve")
        await level.aput(address(), held, NOW)
        assert level.get(address(), NOW) == await level.aget(address(), NOW) == held
        await level.adelete(address())
        assert await level.aget(address(), NOW) is None
        level.put(address(), held, NOW)
        assert await level.aerase("eve") == 1
        assert await level.aget(address(), NOW) is None
        await level.aclose()

    def test_delete_forgets_one_entry(self, make: Make) -> None:
        """And only that one."""
        level = make()
        for name in ("a", "b"):
            level.put(address(name), entry(at=NOW), NOW)
        level.delete(address("a"))
        assert level.get(address("a"), NOW) is None
        assert level.get(address("b"), NOW) is not None

    def test_erase_forgets_a_subjects_entries(self, make: Make) -> None:
        """Whoever stored them, and nobody else's."""
        level = make()
        for name in ("a", "b", "c"):
            level.put(address(name), entry(at=NOW, subject="eve"), NOW)
        level.put(address("d"), entry(at=NOW, subject="adam"), NOW)
        assert make().erase("eve") == 3
        assert level.get(address("a"), NOW) is None
        assert level.get(address("d"), NOW) is not None

    async def test_erase_can_be_limited_to_one_tenant(self, make: Make) -> None:
        """Another tenant's user may have the same name; what says of no tenant goes, too."""
        level = make()
        for tenant in ("a", "b", None):
            held = entry(at=NOW, subject="eve", tenant=tenant_mark(tenant))
            level.put(address(tenant=tenant), held, NOW)
        level.put(address("old"), entry(at=NOW, subject="eve"), NOW)
        assert await level.aerase("eve", "a") == 2
        assert level.get(address(tenant="a"), NOW) is None
        assert level.get(address(tenant="b"), NOW) is not None
        assert level.get(address(), NOW) is not None
        assert level.erase("eve") == 2
        await level.aclose()

    def test_later_bumps_have_later_epochs_whatever_their_scope(self, make: Make) -> None:
        """So that who asks for what is new misses nothing, whatever any clock says."""
        levels = [make(), make()]
        epochs = [levels[turn % 2].bump(f"scope {turn % 3}") for turn in range(9)]
        assert all(e is not None for e in epochs)
        assert epochs == sorted(set(epochs))  # type: ignore[type-var]  # seen above

    async def test_a_level_is_reminded_of_what_it_lost(self, make: Make) -> None:
        """Old epochs come back as they were; newer ones stay."""
        level = make()
        epoch = await level.abump("scope")
        assert epoch is not None
        lost = {f"lost {number}": 5 + number for number in range(1_100)}
        assert level.remind({**lost, "scope": 5, "renewed:x": 7})
        assert await level.aremind({"renewed:x": 6})
        assert dict(level.news(0) or ()) == {**lost, "scope": epoch, "renewed:x": 7}
        await level.aclose()

    def test_a_renewed_answer_replaces_the_one_in_another_processs_memory(self, make: Make) -> None:
        """`no_cache` promises it; those memories would serve theirs for an hour."""
        clock = FakeClock(epoch=NOW)
        here, _ = yard(
            ResponseCache([MemoryLevel(), make()]), ["old", "new"], clock=FakeClock(epoch=NOW)
        )
        there, model = yard(ResponseCache([MemoryLevel(), make()]), "other", clock=clock)
        here.invoke("tea?")
        assert there.invoke("tea?").content == "old"
        here.invoke("tea?", switchyard=CallOptions(cache=CacheOptions(no_cache=True)))
        clock.advance(0.6)
        said = [there.invoke("tea?") for _ in range(2)]
        assert [message.content for message in said] == ["new", "new"]
        assert told(said[1])["cache_detail"]["level"] == "memory"
        levels = [told(here.invoke("tea?"))["cache_detail"]["level"] for _ in range(2)]
        assert levels == ["memory", "memory"]
        assert not model.calls

    async def test_what_is_kept_for_ever_is_kept(self, make: Make) -> None:
        """A century is longer than most servers' clocks are asked about."""
        level, held = make(), entry(at=NOW, fresh_for=2 * CENTURY, subject="eve")
        level.put(address("put"), held, NOW)
        await level.alock(address("published"), "a", 30)
        assert await level.apublish(address("published"), "a", held, NOW)
        for name in ("put", "published"):
            assert level.get(address(name), NOW + CENTURY) == held
        await level.aclose()

    def test_what_is_past_all_use_is_not_served(self, make: Make) -> None:
        """Even if it should still lie there."""
        level = make()
        level.put(address(), entry(at=NOW, fresh_for=30), NOW)
        assert level.get(address(), NOW + 31) is None
        level.put(address("dead"), entry(at=NOW - 99, fresh_for=30), NOW)
        assert level.get(address("dead"), NOW) is None

    def test_sealed_entries_need_the_key(self, make: Make) -> None:
        """Without it, or with another, they count as missing."""
        pytest.importorskip("cryptography")
        ring = KeyRing({"k": b"k" * 32})
        make(ring=ring).put(address(), entry(at=NOW), NOW)
        assert make(ring=ring).get(address(), NOW) is not None
        assert make().get(address(), NOW) is None
        assert make(ring=KeyRing({"k": b"x" * 32})).get(address(), NOW) is None

    def test_bumps_are_heard_by_others_and_only_grow(self, make: Make) -> None:
        """Each with the epoch that everybody uses."""
        first, second = make(), make()
        one = first.bump("scope")
        assert one is not None
        assert second.news(0) == [("scope", one)]
        two = second.bump("scope")
        assert two is not None
        assert two > one
        assert first.news(two) == [("scope", two)]
        assert first.news(two + 10_000_000) == []

    async def test_bumps_are_heard_awaiting_too(self, make: Make) -> None:
        """The same epochs."""
        level = make()
        epoch = await level.abump("scope")
        assert await level.anews(0) == [("scope", epoch)] == level.news(0)
        await level.aclose()

    def test_a_lock_is_held_by_one(self, make: Make) -> None:
        """Everybody is told by whom, and only its holder gives it back."""
        first, second = make(), make()
        assert first.lock(address(), "a", 30) == "a"
        assert second.lock(address(), "b", 30) == "a"
        assert second.lock(address("else"), "b", 30) == "b"
        second.unlock(address(), "b")
        assert second.lock(address(), "b", 30) == "a"
        first.unlock(address(), "a")
        assert second.lock(address(), "b", 30) == "b"

    async def test_a_lock_is_held_by_one_awaiting_too(self, make: Make) -> None:
        """The same lock."""
        level = make()
        assert await level.alock(address(), "a", 30) == "a"
        assert await level.alock(address(), "b", 30) == "a"
        assert await level.arenew(address(), "a", 30)
        assert not await level.arenew(address(), "b", 30)
        await level.aunlock(address(), "a")
        assert await level.alock(address(), "b", 30) == "b"
        await level.aclose()

    def test_only_the_holder_renews_its_lease(self, make: Make) -> None:
        """Nobody else, and not once it is given back."""
        first, second = make(), make()
        assert not first.renew(address(), "a", 30)
        first.lock(address(), "a", 30)
        assert first.renew(address(), "a", 30)
        assert not second.renew(address(), "b", 30)
        first.unlock(address(), "a")
        assert not first.renew(address(), "a", 30)

    def test_who_was_overtaken_overwrites_nothing(self, make: Make) -> None:
        """Neither while the next one asks nor after it has answered."""
        late, next_one = make(), make()
        late.lock(address(), "late", 30)
        late.unlock(address(), "late")  # Its lease has run out.
        next_one.lock(address(), "next", 30)
        assert late.publish(address(), "late", entry("old", at=NOW), NOW) is False
        assert late.get(address(), NOW) is None
        assert next_one.publish(address(), "next", entry("new", at=NOW), NOW) is True
        next_one.unlock(address(), "next")
        assert late.publish(address(), "late", entry("old", at=NOW), NOW) is False
        assert late.get(address(), NOW) == entry("new", at=NOW)

    async def test_overtaken_awaiting_too(self, make: Make) -> None:
        """The same lock and the same entry."""
        level = make()
        held = entry("new", at=NOW, subject="eve")
        assert await level.apublish(address(), "a", held, NOW) is False
        await level.alock(address(), "a", 30)
        assert await level.apublish(address(), "a", held, NOW) is True
        assert await level.aget(address(), NOW) == held
        assert await level.aerase("eve") == 1
        await level.aclose()

    def test_frames_are_heard_in_order_by_others(self, make: Make) -> None:
        """Each token's own, from wherever one has heard the last."""
        first, second = make(), make()
        assert first.tell(address(), "a", 0, [b"one", "二".encode() * 900], 30)
        assert first.tell(address(), "a", 2, [b"three"], 30)
        assert first.tell(address(), "a", 1, ["二".encode() * 900, b"three"], 30)  # Once more.
        assert list(second.heard(address(), "a", 0)) == [b"one", "二".encode() * 900, b"three"]
        assert list(second.heard(address(), "a", 2)) == [b"three"]
        assert list(second.heard(address(), "a", 3)) == []
        assert list(second.heard(address(), "b", 0)) == []
        many = [str(number).encode() for number in range(700)]
        first.tell(address(), "many", 0, many, 30)
        assert list(second.heard(address(), "many", 0)) == many
        assert list(second.heard(address(), "many", 188)) == many[188:]
        first.tell(address(), "gap", 0, [b"one"], 30)
        first.tell(address(), "gap", 2, [b"three"], 30)
        assert list(second.heard(address(), "gap", 0)) == [b"one"]
        assert list(second.heard(address(tenant="t"), "a", 0)) == []

    async def test_frames_are_heard_awaiting_too(self, make: Make) -> None:
        """The same frames."""
        level = make()
        assert await level.atell(address(), "a", 0, [b"one"], 30)
        assert list(await level.aheard(address(), "a", 0)) == [b"one"]
        await level.aclose()

    def test_frames_are_sealed_like_entries(self, make: Make) -> None:
        """Without the key nobody hears them."""
        pytest.importorskip("cryptography")
        ring = KeyRing({"k": b"k" * 32})
        make(ring=ring).tell(address(), "a", 0, [b"secret"], 30)
        assert list(make(ring=ring).heard(address(), "a", 0)) == [b"secret"]
        assert list(make().heard(address(), "a", 0)) == []
        assert list(make(ring=KeyRing({"k": b"x" * 32})).heard(address(), "a", 0)) == []

    def test_invalidation_reaches_another_processs_memory_within_a_second(self, make: Make) -> None:
        """Each looks for news every half second, when it is asked something."""
        here, there = FakeClock(epoch=NOW), FakeClock(epoch=NOW)
        first, second = (
            ResponseCache([MemoryLevel(), make()], world=World(clock=clock))
            for clock in (here, there)
        )
        first.store(asked("tea?"), AIMessage("a"), CacheOptions(tags={"faq"}))
        first.store(asked("other?"), AIMessage("b"))
        assert second.lookup(asked("tea?")) is not None
        assert second.lookup(asked("other?")) is not None
        first.invalidate(tags=["faq"])
        assert first.lookup(asked("tea?")) is None
        there.advance(0.6)
        assert second.lookup(asked("tea?")) is None
        assert second.lookup(asked("other?")) is not None
        first.invalidate()
        there.advance(0.6)
        assert second.lookup(asked("other?")) is None

    def test_erasing_a_subject_reaches_another_processs_memory(self, make: Make) -> None:
        """Nothing about her is served any more."""
        here, there = FakeClock(epoch=NOW), FakeClock(epoch=NOW)
        first, second = (
            ResponseCache([MemoryLevel(), make()], world=World(clock=clock))
            for clock in (here, there)
        )
        about_eve = asked("eve?", subject="eve")
        first.store(about_eve, AIMessage("a"))
        assert second.lookup(about_eve) is not None
        assert first.erase("eve") == 1
        there.advance(0.6)
        assert second.lookup(about_eve) is None

    def test_what_was_under_way_during_an_invalidation_is_not_served(self, make: Make) -> None:
        """Its answer may rest on what has just been withdrawn."""
        clock = FakeClock(epoch=NOW)
        cache = ResponseCache([MemoryLevel(), make()], world=World(clock=clock))

        def meanwhile(_messages: object, _kwargs: object) -> str:
            cache.invalidate()
            return "old knowledge"

        router, model = yard(cache, [meanwhile, "new knowledge"], clock=clock)
        router.invoke("tea?")
        assert router.invoke("tea?").content == "new knowledge"
        assert len(model.calls) == 2

    def test_an_answer_of_another_process_is_served(self, make: Make) -> None:
        """From the far level first, from memory afterwards."""
        first, _ = yard(
            ResponseCache([MemoryLevel(), make()]), "answer", clock=FakeClock(epoch=NOW)
        )
        second, model = yard(
            ResponseCache([MemoryLevel(), make()]), "answer", clock=FakeClock(epoch=NOW)
        )
        first.invoke("tea?")
        levels = [told(second.invoke("tea?"))["cache_detail"]["level"] for _ in range(2)]
        assert levels[0] != "memory"
        assert levels[1] == "memory"
        assert not model.calls

    def test_a_process_waits_for_another_ones_call(self, make: Make) -> None:
        """It holds the lock; its answer is taken when it is there."""
        clock = FakeClock(epoch=NOW)
        level = make()
        router, model = yard(ResponseCache([MemoryLevel(), level]), "mine", clock=clock)
        key_of: list[object] = []

        class Spy:
            """Lets another process answer while this one polls."""

            def __getattr__(self, name: str) -> object:
                return getattr(level, name)

            def lock(self, key: object, _token: str, _seconds: float) -> str:
                key_of.append(key)
                if len(key_of) < 3:
                    return "another"
                level.put(key, entry("theirs", at=clock.wall()), clock.wall())  # type: ignore[arg-type]
                return _token

        shelf = router.response_cache._parts.shelf  # type: ignore[union-attr]
        shelf.levels = (shelf.levels[0], Spy())
        shelf.shared = shelf.levels[1]
        message = router.invoke("tea?")
        assert message.content == "theirs"
        assert told(message)["cache_detail"]["coalesced"]
        assert not model.calls

    def test_a_lock_that_is_never_given_back_does_not_stop_anybody(self, make: Make) -> None:
        """After `follow_for` a request asks by itself."""
        clock = FakeClock(epoch=NOW)

        class Stuck:
            """A level whose lock is always somebody else's."""

            def __init__(self, level: SharedLevel) -> None:
                self._level = level

            def __getattr__(self, name: str) -> object:
                return getattr(self._level, name)

            def lock(self, *_: object) -> str:
                return "somebody else"

        cache = ResponseCache([MemoryLevel(), make()], CachePolicy())
        router, model = yard(cache, [[Delay(1), Say("mine")]], clock=clock)
        shelf = cache._parts.shelf
        shelf.shared = Stuck(shelf.shared)  # type: ignore[arg-type, assignment]
        assert router.invoke("tea?").content == "mine"
        assert 30 <= clock.now() < 33
        assert len(model.calls) == 1
