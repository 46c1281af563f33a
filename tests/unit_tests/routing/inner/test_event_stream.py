"""One event of noise per stream is passed over; a hole in the answer is not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from langchain_switchyard.routing.inner.event_stream import TolerantDecoder, tolerate_noise


class Event:
    """A server-sent event, as SDKs decode it."""

    def __init__(self, data: str) -> None:
        self.data = data

    def json(self) -> Any:
        return json.loads(self.data)


class Decoder:
    """Reads one event per line."""

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[Event]:
        for line in iterator:
            yield Event(line.decode())

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[Event]:
        async for line in iterator:
            yield Event(line.decode())


class Client:
    """As much of an SDK's client as matters."""

    def _make_sse_decoder(self) -> Any:
        return Decoder()


def decoded(*events: str) -> list[str]:
    decoder = TolerantDecoder(Decoder())
    return [event.data for event in decoder.iter_bytes(iter(e.encode() for e in events))]


@pytest.mark.parametrize(
    "noise", ["{broken", "{broken}", "ping", "<html>", '{"choices": [{"delta": {']
)
def test_one_event_of_noise_is_passed_over(noise):
    """Whatever it looks like."""
    assert decoded('{"a": 1}', noise, '{"b": 2}', "[DONE]") == ['{"a": 1}', '{"b": 2}', "[DONE]"]


async def test_async_streams_are_treated_alike():
    """One rule, two readers."""

    async def source() -> AsyncIterator[bytes]:
        for event in (b"{broken", b'{"a": 1}'):
            yield event

    events = TolerantDecoder(Decoder()).aiter_bytes(source())

    assert [event.data async for event in events] == ['{"a": 1}']


def test_a_second_one_is_the_sdk_s_to_refuse():
    """A stream that is broken twice is broken."""
    assert decoded("{broken", "{broken again") == ["{broken again"]


@pytest.mark.parametrize(
    "cut",
    ['{"choices": [{"delta": {"content": "hel', '{"delta": {"type": "text_delta", "text": "hel'],
)
def test_an_event_that_held_a_piece_of_the_answer_is_not_passed_over(cut):
    """A hole in the text must not pass for the text."""
    assert decoded(cut) == [cut]


def test_json_of_any_kind_passes():
    """Arrays, numbers, empty events."""
    assert decoded("[1, 2]", "3", "", '"text"') == ["[1, 2]", "3", "", '"text"']


def test_a_client_is_changed_once_and_others_not_at_all():
    """Whatever has no such seam is left as it is."""
    client, other = Client(), object()
    tolerate_noise(client)
    made = client._make_sse_decoder
    tolerate_noise(client)
    tolerate_noise(other)

    assert client._make_sse_decoder is made
    assert isinstance(client._make_sse_decoder(), TolerantDecoder)
    assert isinstance(Client()._make_sse_decoder(), Decoder)
