"""The questions of a partition, and a few figures of them."""

from __future__ import annotations

import logging

import pytest

from langchain_switchyard.cache.semantic.notes import Settled, Stored
from langchain_switchyard.cache.semantic.questions import Questions
from langchain_switchyard.cache.semantic.vector_index import ExactIndex, unit


def stored(name: str, *vector: float, timely: bool = False, user: str | None = None) -> Stored:
    """A question of that name and key."""
    return Stored(name.encode(), name, "yes", unit(vector), user, (), timely)


def questions(capacity: int = 10) -> Questions:
    """An empty partition's questions."""
    return Questions(ExactIndex, capacity)


def test_a_question_is_found_by_key_text_and_direction():
    """And by its number."""
    held = questions()
    entry = held.add(stored("Refund?", 1, 0))
    assert held.of_key(b"Refund?") is held.of_text("refund") is held.get(entry.number) is entry
    assert [one.entry for one in held.near(unit((1, 1)), 5, timely=False)] == [entry.number]
    held.remove(entry)
    assert held.of_key(b"Refund?") is held.of_text("refund") is held.get(entry.number) is None
    assert held.near(unit((1, 1)), 5, timely=True) == []


def test_a_newer_answer_does_not_lift_a_quarantine():
    """It would answer the other question as wrongly."""
    held = questions()
    held.add(stored("a", 1, 0)).is_barred = True
    assert held.add(stored("a", 1, 0)).is_barred
    assert len(held) == 1


def test_questions_about_today_are_met_only_where_they_may_be_and_hide_nobody():
    """Nine of them stand nearer than the one that is good on any day."""
    held = questions(20)
    for number in range(9):
        held.add(stored(f"today {number}", 1, 0, timely=True))
    plain = held.add(stored("plain", 1, 1))
    assert [one.entry for one in held.near(unit((1, 0)), 3, timely=False)] == []
    assert [one.entry for one in held.near(unit((1, 0)), 9, timely=False)] == [plain.number]
    assert len(held.near(unit((1, 0)), 3, timely=True)) == 3


def test_a_verdict_on_a_gone_question_is_dropped():
    """Nothing is learned from it, and nothing breaks."""
    held = questions()
    entry = held.add(stored("a", 1, 0))
    held.settle(Settled(b"gone", b"a", 0.9, same=True))
    held.settle(Settled(b"a", b"gone", 0.9, same=True))
    assert held.groups.size(entry.number) == 1
    assert entry.seen == ((0.9, True),)


def test_observations_are_bounded():
    """The latest 64, with similarities from 0 to 1."""
    held = questions()
    entry = held.add(stored("a", 1, 0))
    for _ in range(99):
        held.settle(Settled(None, b"a", -0.5, same=False))
    assert entry.seen == ((0.0, False),) * 64


@pytest.mark.parametrize("act", ["asked", "stored"])
def test_vectors_of_another_length_make_everything_known_useless(act, caplog):
    """Another encoder: it is told, nothing is raised, and learning begins anew."""
    held = questions()
    held.add(stored("a", 1, 0))
    with caplog.at_level(logging.WARNING):
        if act == "asked":
            assert held.near(unit((1, 0, 0)), 5, timely=False) == []
        else:
            held.add(stored("b", 1, 0, 0))
    assert "2 dimensions, the embedding model now gives 3" in caplog.text
    assert held.of_key(b"a") is None
    assert len(held.near(unit((1, 0, 0)), 5, timely=False)) == (act == "stored")
