"""Messages survive storing, and bytes can only ever become messages."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from langchain_switchyard.cache.codec import (
    decode,
    decode_generations,
    encode,
    encode_generations,
)
from langchain_switchyard.cache.errors import Uncacheable
from tests.unit_tests.cache.builders import USAGE

MESSAGES = [
    AIMessage("你好，世界 👩‍🚀"),
    AIMessage("", tool_calls=[{"name": "f", "args": {"x": [1, {"y": None}]}, "id": "c1"}]),
    AIMessage([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}]),
    AIMessage("a", additional_kwargs={"reasoning_content": "b"}, name="n"),
    AIMessage("a", response_metadata={"finish_reason": "stop", "model_name": "m"}),
    AIMessage("a", usage_metadata=USAGE),  # type: ignore[arg-type]  # a plain dict
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_comes_back_equal(message: AIMessage) -> None:
    """Content, blocks, tool calls, reasoning, usage and finish reason all survive."""
    assert decode(encode(message)) == message


def test_what_belongs_to_the_call_is_left_behind() -> None:
    """Ids and headers of the first call must not pose as the second's."""
    message = AIMessage("a", id="run-1", response_metadata={"headers": {"x": 1}, "id": "resp-1"})
    again = decode(encode(message))
    assert again.id is None
    assert again.response_metadata == {}


def test_what_has_no_json_form_is_not_stored() -> None:
    """A strange object is refused, not turned into its repr."""
    with pytest.raises(Uncacheable):
        encode(AIMessage("a", additional_kwargs={"x": object()}))


def test_no_class_name_on_the_wire_is_ever_followed() -> None:
    """LangChain's constructor notation is data like any other."""
    bomb = {"lc": 1, "type": "constructor", "id": ["langchain_core", "x"], "kwargs": {}}
    message = AIMessage("a", additional_kwargs={"x": bomb})
    assert decode(encode(message)).additional_kwargs == {"x": bomb}
    with pytest.raises(ValueError, match="not a message"):
        decode(orjson.dumps(bomb))


@pytest.mark.parametrize("form", [None, 1, [], {}, {"c": 1}, {"c": "a", "t": "x"}, {"c": {"a": 1}}])
def test_json_that_is_no_message_is_refused(form: Any) -> None:
    """Whatever else stands there is a `ValueError`, for readers to count as a miss."""
    with pytest.raises(ValueError):
        decode(orjson.dumps(form))


@given(st.binary(max_size=64))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    """No other exception, whatever the bytes."""
    for read in (decode, decode_generations):
        try:
            read(data)  # type: ignore[operator]  # two readers, one shape
        except ValueError:
            continue


def test_generations_come_back_equal() -> None:
    """Text and chat generations, with their info."""
    given = [
        Generation(text="t", generation_info={"reason": "test"}),
        ChatGeneration(message=MESSAGES[1], generation_info={"finish_reason": "tool_calls"}),
    ]
    assert decode_generations(encode_generations(given)) == given
