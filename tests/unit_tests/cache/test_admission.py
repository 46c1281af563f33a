"""What may be answered from the cache, and what may be stored."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_switchyard.cache.admission import answer_rule, request_rule
from langchain_switchyard.cache.policy import Admission
from langchain_switchyard.routing.cache_options import CacheOptions

RULES = Admission()
PLAIN = CacheOptions()
CALL = {"name": "pay", "args": {}, "id": "1"}


class Person(BaseModel):
    """A structured answer."""

    name: str


@pytest.mark.parametrize(
    ("parameters", "configured", "reason"),
    [
        ({}, None, None),
        ({"temperature": 0}, None, None),
        ({"temperature": 0.3}, None, None),
        ({"temperature": 0.7}, None, "temperature"),
        ({}, 0.9, "temperature"),
        ({"temperature": 0}, 0.9, None),
        ({"temperature": 1, "seed": 7}, None, None),
        ({"n": 3}, None, "several answers"),
        ({"n": 1}, None, None),
    ],
)
def test_requests_for_variety_go_past_the_cache(
    parameters: dict[str, Any], configured: float | None, reason: str | None
) -> None:
    """What the call says counts before what the model is configured with."""
    assert request_rule(parameters, configured, PLAIN, RULES) == reason


def test_a_call_may_insist_on_being_cached() -> None:
    """Some applications want one answer at any temperature."""
    options = CacheOptions(any_temperature=True)
    assert request_rule({"temperature": 1}, None, options, RULES) is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (AIMessage("fine"), None),
        (AIMessage("好"), None),
        (AIMessage(""), "empty"),
        (AIMessage(" \n"), "empty"),
        (AIMessage([{"type": "reasoning", "reasoning": "hm"}]), "empty"),
        (AIMessage([{"type": "image", "url": "x"}]), None),
        (AIMessage("a", response_metadata={"finish_reason": "length"}), "truncated"),
        (AIMessage("a", response_metadata={"stop_reason": "max_tokens"}), "truncated"),
        (AIMessage("a", response_metadata={"finish_reason": "content_filter"}), "filtered"),
        (AIMessage("a", response_metadata={"finish_reason": "SAFETY"}), "filtered"),
        (AIMessage("a", response_metadata={"finish_reason": "stop"}), None),
        (AIMessage("a", additional_kwargs={"refusal": "no"}), "refused"),
        (AIMessage("", tool_calls=[CALL]), "tool calls"),
        (
            AIMessage("", invalid_tool_calls=[{"name": "f", "args": "{", "id": "1", "error": ""}]),
            "invalid tool call",
        ),
    ],
)
def test_only_whole_answers_are_stored(message: AIMessage, reason: str | None) -> None:
    """Cut, filtered, refused, empty and broken ones would be wrong again next time."""
    assert answer_rule(message, {}, PLAIN, RULES) == reason


def test_calls_of_tools_that_change_nothing_may_be_stored() -> None:
    """By policy or by call; one other tool among them is enough to refuse."""
    message = AIMessage("", tool_calls=[{**CALL, "name": "find"}])
    both = AIMessage("", tool_calls=[{**CALL, "name": "find"}, CALL])
    by_policy = Admission(read_only_tools={"find"})
    by_call = CacheOptions(read_only_tools={"find"})
    assert answer_rule(message, {}, PLAIN, by_policy) is None
    assert answer_rule(message, {}, by_call, RULES) is None
    assert answer_rule(both, {}, PLAIN, by_policy) == "tool calls"


@pytest.mark.parametrize(
    ("wanted", "text", "reason"),
    [
        ({"type": "json_object"}, "{}", None),
        ({"type": "json_object"}, "{", "invalid"),
        ({"type": "text"}, "{", None),
        (Person, '{"name": "x"}', None),
        (Person, '{"n": "x"}', "invalid"),
        ({"type": "json_schema", "json_schema": {"schema": {"required": ["a"]}}}, "{}", "invalid"),
        ({"type": "json_schema", "json_schema": {"schema": {"required": ["a"]}}}, '{"a":1}', None),
    ],
)
def test_structured_answers_must_fit_their_form(wanted: Any, text: str, reason: str | None) -> None:
    """An invalid one would be parsed, and fail, again and again."""
    assert answer_rule(AIMessage(text), {"response_format": wanted}, PLAIN, RULES) == reason
