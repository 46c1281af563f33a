"""Prices: any kind of number is taken, none is refused too late, no bill loses an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from langchain_switchyard import ChatSwitchyard, ConfigurationError, Deployment, Price
from tests.unit_tests.routing.fleet import scripted, story


def test_a_price_may_be_a_decimal():
    """Money often is; what is computed with it is a float."""
    price = Price(input=Decimal("2.5"), output=Decimal(10), cached_input=Decimal("1.25"))
    model = ChatSwitchyard(deployments=[Deployment(scripted("a", "fine"), id="a", price=price)])

    answer = model.invoke("hi")

    assert story(answer)["cost"]["USD"] > 0
    assert isinstance(price.input, float)
    assert model.stats()["a"].cost == pytest.approx(story(answer)["cost"]["USD"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": "1", "output": 2},
        {"input": -1, "output": 2},
        {"input": 1, "output": float("nan")},
        {"input": 1, "output": float("inf")},
        {"input": 1, "output": None},
        {"input": 1, "output": 2, "cached_input": "0.5"},
        {"input": 1, "output": 2, "per": 0},
        {"input": Decimal(-1), "output": 2},
    ],
)
def test_a_price_that_cannot_be_one_is_refused_when_it_is_written(wrong):
    """Not after the first answer has been paid for."""
    with pytest.raises(ConfigurationError, match="Price"):
        Price(**wrong)


class Overcharging(Price):
    """An owner's own idea of a price."""

    def cost(self, _usage: Any) -> float:
        raise ZeroDivisionError


async def test_an_answer_outlives_its_bill(caplog):
    """Whatever goes wrong while counting is logged, and the answer is given."""
    price = Overcharging(input=1, output=2)
    model = ChatSwitchyard(deployments=[Deployment(scripted("a", "fine"), id="a", price=price)])

    answers = [model.invoke("hi").text, (await model.ainvoke("hi")).text]
    streamed = "".join(chunk.text for chunk in model.stream("hi"))

    assert [*answers, streamed] == ["fine"] * 3
    assert "cannot count the usage" in caplog.text
    stats = model.stats()["a"]
    assert (stats.pending, stats.successes) == (0, 3)


@pytest.mark.parametrize("wrong", [{"tier": 0.5}, {"tier": "0"}, {"tier": -1}, {"weight": "2"}])
def test_a_place_in_line_that_cannot_be_one_is_refused(wrong):
    """With what to write instead."""
    with pytest.raises(ConfigurationError, match="Deployment"):
        Deployment(scripted("a", "fine"), **wrong)
