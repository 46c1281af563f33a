"""Listeners that fail: said once each, counted after, never a request's trouble."""

from __future__ import annotations

from typing import Any

from langchain_switchyard.routing.call import Attempt
from langchain_switchyard.routing.events import AttemptStarted, Audience, RequestStarted
from tests.unit_tests.routing.fleet import call, state


def broken(_event: Any) -> None:
    raise RuntimeError("my own bug")


def also_broken(_event: Any) -> None:
    raise RuntimeError("mine, too")


def test_a_failing_listener_is_reported_once_for_each_kind_of_event(caplog):
    """With its traceback, and not with every request again."""
    audience = Audience([broken, also_broken])
    one = call()
    for _ in range(50):
        audience.tell(RequestStarted(one))
        audience.tell(AttemptStarted(Attempt(one, state("a"), number=1)))

    assert len(caplog.records) == 4
    assert all(record.exc_info for record in caplog.records)


def test_a_listener_that_goes_on_failing_is_counted(caplog):
    """A line for a thousand."""
    audience = Audience([broken])
    for _ in range(2000):
        audience.tell(RequestStarted(call()))

    assert [record.exc_info is not None for record in caplog.records] == [True, False, False]
    assert "2000 times" in caplog.text
