"""A router behind a router: what the inner one takes back, the outer one's reader must not keep."""

from __future__ import annotations

import functools
import operator

import pytest
from langchain_core.output_parsers import StrOutputParser

from langchain_switchyard import ChatSwitchyard, Deployment, StreamInterrupted
from langchain_switchyard.testing import Say
from tests.unit_tests.routing.fleet import fleet, scripted

BROKEN = Say("one two three four", cut_after=2)
WHOLE = "five six"


def nested(recovery: str = "auto") -> ChatSwitchyard:
    """An inner router that begins anew behind an outer one."""
    inner = fleet(scripted("x", BROKEN), scripted("y", WHOLE), recovery="restart")
    return ChatSwitchyard(deployments=[Deployment(inner, id="inner")], recovery=recovery)


def test_a_reader_of_plain_text_gets_an_error_when_the_router_behind_begins_anew():
    """Not the text of both attempts in one."""
    shown: list[str] = []

    with pytest.raises(StreamInterrupted, match="inner began anew") as interrupted:
        shown.extend((nested() | StrOutputParser()).stream("hi"))

    assert interrupted.value.partial == "one two"
    assert WHOLE not in "".join(shown)


async def test_an_awaiting_reader_of_plain_text_gets_the_same_error():
    """The other driver."""
    shown: list[str] = []

    with pytest.raises(StreamInterrupted):
        async for text in (nested() | StrOutputParser()).astream("hi"):
            shown.append(text)

    assert "".join(shown) == "one two"


async def test_the_event_protocol_gets_an_error_when_the_router_behind_begins_anew():
    """It has no word for "forget that", whoever says it."""
    stream = await nested("restart").astream_events("hi", version="v3")

    with pytest.raises(StreamInterrupted):
        async for _ in stream:
            pass


def test_beginning_anew_is_no_failure_of_the_router_that_did():
    """It has served well; only this reader could not follow."""
    outer = nested()
    with pytest.raises(StreamInterrupted):
        list(outer.stream("hi"))

    stats = outer.stats()["inner"]

    assert stats.pending == 0
    assert not stats.errors
    assert stats.breaker == "closed"


def test_a_reader_that_sums_gets_the_whole_new_answer():
    """Where both were told to restart."""
    total = functools.reduce(operator.add, nested("restart").stream("hi"))

    assert total.text == WHOLE
