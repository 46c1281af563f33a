"""Chunks and answers on their way to other processes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.flights.frames import chunk_frame, end_frame, read_frame
from langchain_switchyard.routing.reset import (
    FirstGenerationChunk,
    ResetGenerationChunk,
    first_chunk,
    reset_chunk,
)
from tests.unit_tests.cache.builders import USAGE, entry

BLOCKS = [{"type": "text", "text": "茶", "index": 0}, {"type": "reasoning", "reasoning": "嗯"}]


def chunk(content: Any = "茶 is a drink", **facts: Any) -> ChatGenerationChunk:
    """A chunk as a model streams it."""
    return ChatGenerationChunk(message=AIMessageChunk(content=content, **facts))


def heard(sent: ChatGenerationChunk) -> ChatGenerationChunk:
    """The chunk as another process reads it."""
    read = read_frame(chunk_frame(sent))
    assert isinstance(read, ChatGenerationChunk)
    return read


@pytest.mark.parametrize(
    "sent",
    [
        chunk(),
        chunk(""),
        chunk(BLOCKS),
        chunk("", tool_call_chunks=[tool_call_chunk(name="pay", args='{"元":', id="1", index=0)]),
        chunk("", additional_kwargs={"reasoning_content": "想一想"}),
        chunk("", response_metadata={"finish_reason": "stop"}),
    ],
)
def test_a_chunk_arrives_as_it_was_sent(sent: ChatGenerationChunk) -> None:
    """Everything that a reader sees."""
    assert heard(sent).message == sent.message


def test_what_belongs_to_the_payer_stays_with_it() -> None:
    """The id of its run, and what it was billed."""
    message = heard(chunk(id="run-1", usage_metadata=USAGE)).message
    assert message.id is None
    assert isinstance(message, AIMessageChunk)
    assert message.usage_metadata is None


def test_streams_that_restart_sum_up_in_another_process_too() -> None:
    """The first chunk and the marker keep their arithmetic."""
    sent = [first_chunk(chunk("half ")), reset_chunk("b", 2, None), chunk("all "), chunk("new")]
    first, *rest = [heard(part) for part in sent]
    assert isinstance(first, FirstGenerationChunk)
    assert isinstance(rest[0], ResetGenerationChunk)
    assert rest[0].message.response_metadata["switchyard"]["reset"]
    assert (first + rest).text == "all new"
    one_by_one: Any = first
    for part in rest:
        one_by_one = one_by_one + part
    assert one_by_one.text == "all new"


def test_the_end_is_the_whole_answer() -> None:
    """With its header."""
    held = entry("答案", took=2.0, source="gpt", subject="eve", cost={"CNY": 0.1})
    assert read_frame(end_frame(held)) == held


def test_what_has_no_json_form_is_not_told() -> None:
    """Never by repr."""
    with pytest.raises(Uncacheable):
        chunk_frame(chunk("", additional_kwargs={"raw": object()}))


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_and_run_nothing(data: bytes) -> None:
    """They become a chunk, an entry, or an error that is expected."""
    for frame in (data, b"c" + data, b"e" + data, b"r" + data):
        try:
            read = read_frame(frame)
        except ValueError:
            continue
        assert isinstance(read, (ChatGenerationChunk, Entry))


@pytest.mark.parametrize(
    "form",
    [b"[]", b"1", b'{"c": 5}', b'{"t": [5]}', b'{"a": []}', b'{"r": "x"}', b'{"c": [5]}', b"{"],
)
@pytest.mark.parametrize("kind", [b"c", b"f", b"r"])
def test_wrong_shapes_are_refused(form: bytes, kind: bytes) -> None:
    """With the error that the reader expects, or read as far as they make sense."""
    try:
        read = read_frame(kind + form)
    except ValueError:
        return
    assert isinstance(read, ResetGenerationChunk)
