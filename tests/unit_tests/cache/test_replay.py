"""A replay streams to the same message, and bills nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message

from langchain_switchyard.cache.replay import chunks, free_of_charge
from langchain_switchyard.cache.response_cache import ResponseCache
from tests.unit_tests.cache.builders import USAGE, yard
from tests.unit_tests.cache.test_codec import MESSAGES


def summed(message: AIMessage) -> AIMessage:
    """A message streamed and added up again."""
    first, *rest = [chunk.message for chunk in chunks(message)]
    for chunk in rest:
        first = first + chunk  # type: ignore[assignment, operator]  # chunks add up
    whole = message_chunk_to_message(first)
    assert isinstance(whole, AIMessage)
    return whole


@pytest.mark.parametrize(
    "message",
    [
        *MESSAGES,
        AIMessage(
            [
                {"type": "text", "text": "one two three " * 9, "index": 0},
                {"type": "text", "text": "more", "annotations": []},
            ]
        ),
        AIMessage(
            [
                {"type": "text", "text": "", "index": 0},
                {
                    "type": "text",
                    "text": "cited words " * 9,
                    "annotations": [{"page": 1}],
                    "id": "block",
                    "index": 1,
                    "extras": {"a": 1},
                },
                {"type": "text", "text": "named words " * 9, "index": "lc_2", "annotations": []},
                {"type": "text", "text": "other words " * 9, "index": "x"},
            ]
        ),
        AIMessage("", tool_calls=[{"name": n, "args": {"x": n}, "id": n} for n in "abc"]),
        AIMessage("长文" * 100, additional_kwargs={"reasoning_content": "因为" * 50, "x": 1}),
    ],
)
def test_chunks_add_up_to_the_message(message: AIMessage) -> None:
    """Content, blocks, reasoning, tool calls and their order, metadata and usage."""
    again = summed(message)
    assert again.content == message.content
    assert again.tool_calls == message.tool_calls
    assert again.additional_kwargs == message.additional_kwargs
    assert again.response_metadata == message.response_metadata
    assert again.usage_metadata == message.usage_metadata


@given(st.text(max_size=400))
def test_any_text_adds_up(text: str) -> None:
    """Whatever characters it holds."""
    assert summed(AIMessage(text)).content == text


def test_usage_and_metadata_come_last() -> None:
    """As providers send them."""
    message = AIMessage(
        "word " * 40,
        usage_metadata=USAGE,  # type: ignore[arg-type]  # a plain dict
        response_metadata={"finish_reason": "stop"},
    )
    *body, last = [chunk.message for chunk in chunks(message)]
    assert isinstance(last, AIMessageChunk)
    assert last.usage_metadata == USAGE
    assert last.response_metadata == {"finish_reason": "stop"}
    assert len(body) > 5
    assert not any(chunk.response_metadata for chunk in body)
    assert last.chunk_position == "last"
    assert not any(getattr(chunk, "chunk_position", None) for chunk in body)


def test_a_long_text_in_a_block_comes_in_pieces_whatever_else_the_block_holds() -> None:
    """Annotations and ids come once."""
    block = {
        "type": "text",
        "text": "word " * 400,
        "index": 0,
        "id": "b",
        "annotations": [{"p": 1}],
    }
    parts = [chunk.message.content for chunk in chunks(AIMessage([block]))]
    assert len(parts) > 50
    assert sum("annotations" in part[0] for part in parts if part) == 1


def test_a_replayed_stream_ends_with_its_usage() -> None:
    """Nothing comes after the chunk that says how much was spent."""
    router, _ = yard(ResponseCache(), "word " * 40)
    router.invoke("tea?")
    *body, last = router.stream("tea?")
    assert last.usage_metadata == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    assert last.chunk_position == "last"
    assert len(body) > 5
    assert not any(chunk.usage_metadata for chunk in body)


def test_a_replay_costs_nothing_and_tells_what_it_saved() -> None:
    """Usage moves out of the message."""
    message = AIMessage("a", usage_metadata=USAGE)  # type: ignore[arg-type]  # a plain dict
    assert free_of_charge(message) == USAGE
    assert message.usage_metadata == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
