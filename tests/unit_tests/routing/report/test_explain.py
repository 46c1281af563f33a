"""The dry run tells what the pipeline would do, last resorts included."""

from __future__ import annotations

from langchain_switchyard import ChatSwitchyard
from langchain_switchyard.routing.failures import Outcome
from tests.unit_tests.routing.fleet import fleet, scripted


def make_ill(model: ChatSwitchyard) -> None:
    """Every second attempt fails until the circuit of each deployment opens."""
    for state in model._yard.states:
        for index in range(20):
            permit = state.breaker.acquire(0.0)
            assert permit is not None
            state.breaker.settle(permit, (Outcome.FAILURE, Outcome.SUCCESS)[index % 2], 0.0)


def test_an_ill_deployment_is_a_last_resort_where_nobody_else_is_left():
    """And it is asked, as told."""
    model = fleet(scripted("a", "fine"), scripted("b", "fine"))
    make_ill(model)

    told = model.explain("hi")

    assert told.chosen == ("a",)
    assert "last resort (breaker open" in str(told)
    assert model.invoke("hi").response_metadata["switchyard"]["deployment"] == "a"


def test_nobody_is_a_last_resort_while_somebody_is_well():
    """The next tier serves."""
    model = fleet(scripted("a", "fine"), scripted("b", "fine"))
    make_ill(model)
    model.restore("b")

    assert model.explain("hi").chosen == ("b",)
    assert model.invoke("hi").response_metadata["switchyard"]["deployment"] == "b"
