"""Anthropic's dialect, read by Anthropic's own SDK and by LangChain's."""

import pytest

from langchain_switchyard.testing import (
    Answer,
    ContentFilterFinish,
    ContextLengthExceeded,
    CutAfter,
    ErrorEventInStream,
    FaultyProvider,
    InvalidApiKey,
    MalformedEvent,
    NoFinishReason,
    Overloaded,
    RateLimited,
    RejectsPrefill,
    Stall,
    ToolUse,
)

anthropic = pytest.importorskip("anthropic")

ASK = {"model": "claude-x", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
TOOL = {
    "name": "get_weather",
    "description": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def client(provider):
    """The blocking SDK."""
    with anthropic.Anthropic(base_url=provider.anthropic_url, api_key="k", max_retries=0) as one:
        yield one


def test_plain_and_streamed_messages_are_the_same(client):
    """Text, stop reason and usage."""
    plain = client.messages.create(**ASK)
    with client.messages.stream(**ASK) as stream:
        tokens = list(stream.text_stream)
        streamed = stream.get_final_message()
    assert "".join(tokens) == streamed.content[0].text == plain.content[0].text
    assert len(tokens) == plain.usage.output_tokens > 3
    assert streamed.usage.output_tokens == plain.usage.output_tokens
    assert streamed.usage.input_tokens == plain.usage.input_tokens > 0
    assert (plain.stop_reason, streamed.stop_reason) == ("end_turn", "end_turn")
    assert plain.model == "claude-x"


async def test_the_asynchronous_client_works(provider):
    """In a running loop, in Chinese."""
    ask = {**ASK, "messages": [{"role": "user", "content": "你好"}]}
    async with anthropic.AsyncAnthropic(base_url=provider.anthropic_url, api_key="k") as client:
        message = await client.messages.create(**ask)
        async with client.messages.stream(**ask) as stream:
            text = await stream.get_final_text()
    assert text == message.content[0].text
    assert "你好" in text


def test_tools_are_used_and_their_results_answered(client):
    """Tool use, plain and streamed in fragments; then text."""
    ask = {**ASK, "messages": [{"role": "user", "content": "weather in 'Rome'?"}], "tools": [TOOL]}
    plain = client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        streamed = stream.get_final_message()
    for message in (plain, streamed):
        (block,) = message.content
        assert (block.name, block.input) == ("get_weather", {"city": "Rome"})
        assert message.stop_reason == "tool_use"
    result = {"type": "tool_result", "tool_use_id": plain.content[0].id, "content": "sunny"}
    messages = [
        *ask["messages"],
        {"role": "assistant", "content": plain.content},
        {"role": "user", "content": [result]},
    ]
    answer = client.messages.create(**{**ask, "messages": messages})
    assert "sunny" in answer.content[0].text


def test_a_tool_can_be_forced_and_text_can_come_with_it():
    """`any` calls one; an answer may hold text and calls."""
    answer = Answer("let me see", tool_calls=[ToolUse("get_weather", {"city": "北京"})])
    with FaultyProvider(brain=lambda _: answer) as provider:
        client = anthropic.Anthropic(base_url=provider.anthropic_url, api_key="k")
        with client.messages.stream(**ASK, tools=[TOOL], tool_choice={"type": "any"}) as stream:
            blocks = stream.get_final_message().content
    assert [block.type for block in blocks] == ["text", "tool_use"]
    assert blocks[1].input == {"city": "北京"}


def test_system_text_and_limits_are_read(client):
    """The system prompt counts, the limit is obeyed."""
    plain = client.messages.create(**ASK)
    more = client.messages.create(**ASK, system=[{"type": "text", "text": "be short " * 10}])
    assert more.usage.input_tokens > plain.usage.input_tokens + 20
    short = client.messages.create(**{**ASK, "max_tokens": 2})
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 2)
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Field required"):
        client.post("/v1/messages", body={"model": "m", "messages": [{}]}, cast_to=object)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (RateLimited(retry_after=3), (429, "rate_limit_error", "rate limit")),
        (Overloaded(), (529, "overloaded_error", "Overloaded")),
        (InvalidApiKey(), (401, "authentication_error", "invalid x-api-key")),
        (ContextLengthExceeded(), (400, "invalid_request_error", "too long: 8193 tokens")),
    ],
)
def test_refusals_are_worded_by_anthropic(provider, client, fault, expected):
    """Status, type and message."""
    status, kind, says = expected
    provider.script(fault)
    with pytest.raises(anthropic.APIStatusError, match=says) as caught:
        client.messages.create(**ASK)
    assert caught.value.status_code == status
    assert caught.value.body["error"]["type"] == kind
    if isinstance(fault, RateLimited):
        assert caught.value.response.headers["retry-after"] == "3"


def test_keys_are_checked():
    """In Anthropic's own header or as a bearer token, whichever the SDK sends."""
    with FaultyProvider(api_keys={"right"}) as provider:
        url = provider.anthropic_url
        with pytest.raises(anthropic.AuthenticationError):
            anthropic.Anthropic(base_url=url, api_key="wrong").messages.create(**ASK)
        assert anthropic.Anthropic(base_url=url, api_key="right").messages.create(**ASK).content


def test_prefill_is_continued_or_rejected(provider, client):
    """As old models do, and as new ones."""
    start = client.messages.create(**ASK).content[0].text[:10]
    ask = {**ASK, "messages": [*ASK["messages"], {"role": "assistant", "content": start}]}
    assert not client.messages.create(**ask).content[0].text.startswith(start)
    provider.script(RejectsPrefill())
    with pytest.raises(anthropic.BadRequestError, match="must end with a user message"):
        client.messages.create(**ask)


def collect(client) -> tuple[list[str], list[str], Exception | None]:
    """Stream; return the tokens, the types of events, and the error."""
    tokens, kinds = [], []
    try:
        for event in client.messages.create(**ASK, stream=True):
            kinds.append(event.type)
            if event.type == "content_block_delta":
                tokens.append(event.delta.text)
    except Exception as error:  # noqa: BLE001 - any error is a finding
        return tokens, kinds, error
    return tokens, kinds, None


@pytest.mark.parametrize("fault", [CutAfter(2), MalformedEvent(2), ErrorEventInStream(2)])
def test_broken_streams_break_after_their_tokens(provider, client, fault):
    """Two tokens arrive, then an error."""
    provider.script(fault)
    tokens, kinds, error = collect(client)
    assert len(tokens) == 2
    assert "message_delta" not in kinds
    assert error is not None


def test_an_overload_in_the_middle_is_an_error_event(provider, client):
    """The type is told although the status was 200."""
    provider.script(ErrorEventInStream(after=1, kind="overloaded"))
    _, _, error = collect(client)
    assert error.body["error"]["type"] == "overloaded_error"


def test_a_stream_without_stop_reason_ends_cleanly(provider, client):
    """`message_stop` without `message_delta`."""
    provider.script(NoFinishReason())
    _, kinds, error = collect(client)
    assert error is None
    assert "message_delta" not in kinds
    assert kinds[-1] == "message_stop"


def test_pings_keep_a_stalled_stream_alive(provider, client):
    """They are Anthropic's own ping events."""
    provider.script(Stall(after=1, seconds=0.05, pings=True, every=0.01))
    tokens, _, error = collect(client)
    assert error is None
    assert len(tokens) > 2


def test_a_filtered_answer_is_a_refusal(provider, client):
    """With its stop reason."""
    provider.script(ContentFilterFinish(after=2))
    assert client.messages.create(**ASK).stop_reason == "refusal"


def test_langchain_reads_it(provider):
    """ChatAnthropic: usage streamed as plain."""
    chat = pytest.importorskip("langchain_anthropic").ChatAnthropic
    model = chat(model="claude-x", base_url=provider.anthropic_url, api_key="k", max_retries=0)
    plain = model.invoke("hi")
    total = None
    for chunk in model.stream("hi"):
        total = chunk if total is None else total + chunk
    assert total.text == plain.text
    assert total.usage_metadata["total_tokens"] == plain.usage_metadata["total_tokens"]
