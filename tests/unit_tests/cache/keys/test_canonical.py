"""JSON forms of what parameters may hold."""

from __future__ import annotations

import dataclasses
import math
from collections import OrderedDict, UserDict
from decimal import Decimal
from pathlib import Path
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
        ({50256: -100}, {"50256": -100}),
        (Decimal("1.50"), Decimal("1.50")),
        (Path("a/b"), Path("a/b")),
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
        Form(name="a"), Form(name="b"), {1: "a"}, {2: "a"}, Decimal("1.5"), Path("a"), Path("b"),
    ]  # fmt: skip
    assert len({canonical(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    "value", [object(), int, print, {(1, 2): "a"}, [object()], {"a": {object()}}]
)
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


@dataclasses.dataclass
class Weights:
    """A dataclass as a value."""

    bias: float


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [math.inf],
        {"x": {"y": (1.0, math.nan)}},
        {math.nan: 1},
        {1.5, -math.inf},
        Weights(math.nan),
    ],
)
def test_numbers_that_json_does_not_know_are_refused_however_deep(value: Any) -> None:
    """As `null` they would share the key of nothing."""
    with pytest.raises(Uncacheable):
        parameters({"extra_body": value})


def test_a_parameter_that_holds_itself_is_refused() -> None:
    """And does not hang."""
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(Uncacheable):
        parameters({"extra_body": value})


def test_absent_and_none_are_the_same() -> None:
    """`temperature=None` asks for nothing."""
    assert parameters({"temperature": None, "timeout": 3}) == {}
