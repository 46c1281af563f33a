"""JSON forms of what parameters may hold."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, UserDict
from typing import Any, TypedDict

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.canonical import canonical, parameters


class Form(BaseModel):
    """A pydantic schema."""

    name: str


@dataclasses.dataclass
class Note:
    """A dataclass schema."""

    name: str


class Row(TypedDict):
    """A typed dict schema."""

    name: str


@tool
def find(q: str) -> str:
    """Find."""
    return q


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ({"a": 1, "b": 2}, OrderedDict(b=2, a=1)),
        ({3, 1, 2}, frozenset([2, 3, 1])),
        (b"bytes", bytearray(b"bytes")),
        ((1, 2), [1, 2]),
        (UserDict(a=1), {"a": 1}),
        (Form(name="x"), Form(name="x")),
        (Form, Form),
        (Note, Note),
        (Row, Row),
        (find, find),
    ],
)
def test_equal_content_has_one_form(one: Any, same: Any) -> None:
    """Whatever container holds it, in whatever order."""
    assert canonical(one) == canonical(same)


def test_different_content_has_different_forms() -> None:
    """None of these is another one."""
    values: list[Any] = [
        None, True, 1, "1", 1.5, [], {}, [1], {"a": 1}, {1}, b"a", "a", Form, Note, Row, find,
        Form(name="a"), Form(name="b"),
    ]  # fmt: skip
    assert len({canonical(value) for value in values}) == len(values)


@pytest.mark.parametrize("value", [object(), int, print, {1: "a"}, [object()], {"a": {object()}}])
def test_what_has_no_form_is_refused(value: Any) -> None:
    """However deep it lies."""
    with pytest.raises(Uncacheable):
        canonical(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    """And does not hang."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Uncacheable):
        canonical(value)


def test_absent_and_none_are_the_same() -> None:
    """`temperature=None` asks for nothing."""
    assert parameters({"temperature": None, "timeout": 3}) == {}
