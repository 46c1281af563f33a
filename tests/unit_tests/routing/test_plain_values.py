"""Values of the wrong type are refused where they are written, with what to write."""

from __future__ import annotations

import math

import pytest

from langchain_switchyard import (
    CallOptions,
    ChatSwitchyard,
    ConfigurationError,
    Deployment,
    RetryPolicy,
    Timeouts,
)
from langchain_switchyard.routing.plain_values import number, seconds, whole
from tests.unit_tests.routing.fleet import fleet, scripted


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Timeouts(first_token="10"), "Timeouts.first_token must be a number.*write 10"),
        (lambda: Timeouts(total=True), "Timeouts.total"),
        (lambda: Timeouts(total=math.nan), "Timeouts.total.*None switches it off"),
        (lambda: RetryPolicy(max_attempts="4"), "max_attempts.*write 4"),
        (lambda: RetryPolicy(max_attempts=2.5), "max_attempts must be a whole number"),
        (lambda: RetryPolicy(patience="1"), "patience"),
        (lambda: CallOptions(deadline="20"), "CallOptions.deadline.*write 20"),
        (lambda: CallOptions(require={"visoin"}), "no capability visoin.*vision"),
        (lambda: Deployment(scripted("a", "x"), tier=0.5), "Deployment.tier"),
        (lambda: fleet(scripted("a", "x")).invoke("hi", switchyard=3), "CallOptions"),
        (lambda: fleet(scripted("a", "x")).invoke("hi", switchyard={"nope": 1}), "no nope"),
    ],
)
def test_a_wrong_type_is_refused_with_what_to_write(make, says):
    """And never ends in a `TypeError` in the middle of a request."""
    with pytest.raises(ConfigurationError, match=says):
        make()


def test_numbers_are_numbers_by_any_name():
    """Endless patience and no limit at all are fine."""
    number("x", 10**400, above=0)
    number("x", math.inf, above=0)
    seconds("x", None)
    whole("x", 3, at_least=1)
    RetryPolicy(patience=math.inf)


def test_with_structured_output_knows_the_methods_there_are():
    """A misspelt one is refused; the known ones are taken."""
    model: ChatSwitchyard = fleet(scripted("a", "x"))
    schema = {"title": "X", "type": "object", "properties": {}}

    with pytest.raises(ConfigurationError, match="json_schema"):
        model.with_structured_output(schema, method="magic")
    for method in ("function_calling", "json_schema", "json_mode"):
        model.with_structured_output(schema, method=method)
