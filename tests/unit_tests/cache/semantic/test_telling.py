"""What a partition tells, and what it hears."""

from __future__ import annotations

from langchain_switchyard.cache.semantic.notes import Doubted, pack
from langchain_switchyard.cache.semantic.telling import Telling
from langchain_switchyard.cache.semantic_contract import Page


def test_nothing_is_kept_for_others_before_somebody_listens():
    """A cache of one process pays nothing."""
    alone = Telling("me")
    alone.tell(Doubted(b"k"))
    assert alone.drain() == []


def test_what_happened_is_told_once_and_in_order():
    """From the first hearing on."""
    mine, other = Telling("me"), Telling("other")
    for one in (mine, other):
        one.hear(Page("", (), ""))
    for key in (b"a", b"b"):
        mine.tell(Doubted(key))
    notes = mine.drain()
    assert mine.drain() == []
    assert other.hear(Page("", tuple(notes), "1")) == [Doubted(b"a"), Doubted(b"b")]


def test_its_own_notes_are_not_news():
    """It was there when they were written."""
    mine = Telling("me")
    assert mine.hear(Page("", (pack("me", [Doubted(b"a")]),), "1")) == []
    assert mine.position == "1"


def test_a_page_is_heard_once():
    """Two threads may have fetched the same."""
    mine, page = Telling("me"), Page("", (pack("other", [Doubted(b"a")]),), "1")
    assert len(mine.hear(page)) == 1
    assert mine.hear(page) == []
    assert mine.position == "1"


def test_a_note_that_cannot_be_read_costs_only_itself(caplog):
    """It is logged, and the next one is heard."""
    mine = Telling("me")
    notes = (b"\x00", pack("other", [Doubted(b"a")]))
    assert mine.hear(Page("", notes, "2")) == [Doubted(b"a")]
    assert "cannot be read" in caplog.text


def test_what_nobody_fetches_is_bounded():
    """The oldest are lost to others."""
    mine = Telling("me")
    mine.hear(Page("", (), ""))
    for number in range(1_000):
        mine.tell(Doubted(str(number).encode()))
    (note,) = mine.drain()
    assert note.count(b"doubted") == 256


def test_complaints_are_remembered_and_bounded():
    """The latest ten thousand."""
    mine = Telling("me")
    for number in range(10_001):
        mine.remember(number.to_bytes(6, "big"))
    assert mine.is_known((10_000).to_bytes(6, "big"))
    assert not mine.is_known((0).to_bytes(6, "big"))
