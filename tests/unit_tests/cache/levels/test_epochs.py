"""Who hears of an invalidation, and what becomes of it when the level that carries it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_switchyard.cache.levels.epochs import Epochs, scope, scope_of_subject
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.builders import address, entry


class Radio:
    """The part of a shared level that carries epochs; it can be off, and can forget."""

    def __init__(self, first: int = 1_000_000_000) -> None:
        """On, and silent; every epoch is a minute after the one before."""
        self.works = True
        self.said: dict[str, int] = {}
        self.now = first
        self.reminded = 0

    def bump(self, name: str) -> int | None:
        """Tell a new epoch."""
        if not self.works:
            return None
        self.now = max([self.now + 60_000_000, *(epoch + 1 for epoch in self.said.values())])
        self.said[name] = self.now
        return self.now

    def news(self, since: int) -> list[tuple[str, int]] | None:
        """What was said since."""
        if not self.works:
            return None
        return [(name, epoch) for name, epoch in self.said.items() if epoch >= since]

    def remind(self, epochs: Mapping[str, int]) -> bool:
        """Hear old epochs again."""
        if not self.works:
            return False
        self.reminded += 1
        self.said |= {name: e for name, e in epochs.items() if e > self.said.get(name, 0)}
        return True


class Process:
    """One process's knowledge of epochs."""

    def __init__(self, radio: Radio | None, **facts: Any) -> None:
        self.epochs = Epochs(radio, **facts)  # type: ignore[arg-type]  # epochs only
        self.clock = FakeClock(epoch=5.0)

    def bump(self, *names: str) -> bool:
        """Invalidate, and say whether all others can know."""
        return SyncDriver(self.clock).run(self.epochs.bump(names, self.clock.wall()))

    def look(self) -> None:
        """Half a second later."""
        self.clock.advance(0.5)
        SyncDriver(self.clock).run(self.epochs.refresh(self.clock.now()))

    def asked(self, namespace: str = "n", **facts: Any) -> Any:
        """An entry that this process asks for now."""
        return entry(epochs=self.epochs.stamp(namespace, (), **facts))

    def holds(self, held: Any) -> bool:
        """Whether it would be served."""
        return self.epochs.holds(held)


def test_after_the_level_forgot_everything_old_and_new_processes_still_share() -> None:
    """Who knew an invalidation tells it again; before, neither ever served the other's answers."""
    radio = Radio()
    old = Process(radio)
    assert old.bump(scope("n"))
    kept = old.asked()
    radio.said.clear()
    new = Process(radio)
    new.look()
    early = new.asked()
    old.look()
    new.look()
    assert new.holds(old.asked())
    assert old.holds(new.asked())
    assert old.holds(kept)
    assert not old.holds(early)
    assert not new.holds(early)


def test_what_was_told_again_is_heard_by_who_has_newer_news_already() -> None:
    """An old epoch is no news to who asks only for what is new."""
    radio = Radio()
    old = Process(radio)
    old.bump(scope("n"))
    radio.said.clear()
    new = Process(radio)
    new.bump(scope("else"))
    new.look()
    before = new.asked()
    old.look()
    new.look()
    assert old.holds(new.asked())
    assert new.holds(old.asked())
    assert not new.holds(before)


def test_a_level_that_lost_nothing_is_told_nothing_again() -> None:
    """Else each look would cost more and more."""
    radio = Radio()
    old, new = Process(radio), Process(radio)
    old.bump(scope("n"), scope("m"))
    for _ in range(3):
        old.look()
        new.look()
    assert radio.reminded == 0


def test_many_processes_agree_after_a_loss_whoever_looks_first() -> None:
    """And come to rest."""
    radio = Radio()
    all_of_them = [Process(radio) for _ in range(5)]
    all_of_them[0].bump(scope("n"))
    all_of_them[1].bump(scope("m"))
    for process in all_of_them:
        process.look()
    radio.said.clear()
    for _ in range(3):
        for process in all_of_them:
            process.look()
    told = radio.reminded
    for process in all_of_them:
        process.look()
        assert all(other.holds(process.asked()) for other in all_of_them)
    assert radio.reminded == told


def test_an_answer_of_who_knows_more_is_taken() -> None:
    """It was asked for after the invalidation that this process has not heard of yet."""
    radio = Radio()
    one, other = Process(radio), Process(radio)
    before = other.asked()
    one.bump(scope("n"))
    assert other.holds(one.asked())
    assert not one.holds(before)


def test_what_could_not_be_told_counts_here_and_is_told_later() -> None:
    """And says that it was not told."""
    radio = Radio()
    one, other = Process(radio), Process(radio)
    held = one.asked()
    radio.works = False
    assert not one.bump(scope("n"))
    assert not one.holds(held)
    meanwhile = one.asked()
    assert one.holds(meanwhile)
    assert not other.holds(meanwhile)
    radio.works = True
    one.look()
    other.look()
    assert not other.holds(held)
    assert other.holds(one.asked())


def test_an_invalidation_of_one_tenant_leaves_the_others_alone() -> None:
    """And one of everybody reaches each."""
    one = Process(None)
    mine, yours, nobodys = (one.asked(tenant=tenant) for tenant in ("a", "b", None))
    one.bump(scope("n", None, "a"))
    assert [one.holds(held) for held in (mine, yours, nobodys)] == [False, True, True]
    one.bump(scope("n"))
    assert not any(one.holds(held) for held in (mine, yours, nobodys))
    about_eve = [one.asked(subject="eve", tenant=tenant) for tenant in ("a", "b")]
    one.bump(scope_of_subject("eve", "a"))
    assert [one.holds(held) for held in about_eve] == [False, True]


def test_memory_of_epochs_is_bounded_and_nothing_invalidated_comes_back() -> None:
    """Of the oldest only the newest is known; what was asked before it does not count."""
    radio = Radio()
    for shared in (radio, None):
        one = Process(shared, kept=100)
        held = one.asked("tag 0")
        for number in range(500):
            one.bump(scope(f"tag {number}"))
            one.clock.advance(1)
        assert len(one.epochs._known) <= 201
        assert not one.holds(held)
        assert not one.holds(entry(epochs=(("", 0),)))
        assert one.holds(one.asked("tag 0"))


def test_an_answer_that_another_process_replaced_is_known() -> None:
    """By the key; others' and newer ones are not touched."""
    radio = Radio()
    one, other = Process(radio), Process(radio)
    held, key = other.asked(), address()
    assert not other.epochs.is_replaced(key, held)
    epoch = SyncDriver(one.clock).run(one.epochs.renew(key))
    other.look()
    assert other.epochs.is_replaced(key, held)
    assert not other.epochs.is_replaced(address("else"), held)
    assert not other.epochs.is_replaced(key, other.asked())
    fresh = entry(epochs=(*held.epochs, ("renewed:at", epoch)))
    assert not other.epochs.is_replaced(key, fresh)
    assert other.holds(fresh)
