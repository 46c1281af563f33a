"""DashScope's own dialect: on the wire, and through its SDK where installed."""

import http.client
import itertools
import json

import pytest

from langchain_switchyard.testing import (
    Arrearage,
    ContentPolicyViolation,
    CutAfter,
    ErrorEventInStream,
    InvalidApiKey,
    RateLimited,
    ServerError,
)

ASK = {"model": "qwen-max", "messages": [{"role": "user", "content": "你好，杭州"}]}


@pytest.fixture
def generation(provider, monkeypatch):
    """The SDK, pointed at the provider; one try per call."""
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", provider.dashscope_url)

    def call(**options):
        return dashscope.Generation.call(**{**ASK, "api_key": "k", **options})

    return call


def text_of(result):
    """Return the text of a result in message format."""
    return result.output.choices[0].message.content


def test_plain_and_incremental_answers_are_the_same(generation):
    """Text, usage, and one token per event."""
    plain = generation(result_format="message")
    events = list(generation(result_format="message", stream=True, incremental_output=True))
    assert plain.status_code == 200
    assert "".join(map(text_of, events)) == text_of(plain)
    assert "杭州" in text_of(plain)
    assert events[-1].usage.output_tokens == plain.usage.output_tokens == len(events) - 1
    assert [event.output.choices[0].finish_reason for event in events[-2:]] == ["null", "stop"]


def test_without_incremental_output_each_event_repeats_all(provider):
    """The default of the wire format; and the plain `text` result."""
    connection = http.client.HTTPConnection("127.0.0.1", int(provider.root_url.rsplit(":", 1)[1]))
    body = {"model": "m", "input": {"messages": ASK["messages"]}, "parameters": {}}
    path = "/api/v1/services/aigc/text-generation/generation"
    connection.request("POST", path, json.dumps(body), {"X-DashScope-SSE": "enable"})
    lines = connection.getresponse().read().decode().splitlines()
    texts = [json.loads(line[5:])["output"]["text"] for line in lines if line.startswith("data:")]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert lines[:3] == ["id:1", "event:result", ":HTTP_STATUS/200"]
    connection.request("POST", path, json.dumps(body))
    assert json.loads(connection.getresponse().read())["output"]["text"] == texts[-1]
    connection.close()


def test_tools_are_called(generation):
    """With arguments as a JSON text."""
    tool = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    messages = [{"role": "user", "content": "杭州天气怎么样？"}]
    result = generation(messages=messages, tools=[tool], result_format="message")
    (call,) = result.output.choices[0].message.tool_calls
    assert json.loads(call["function"]["arguments"]) == {"city": "杭州"}
    assert result.output.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (RateLimited(), (429, "Throttling.RateQuota")),
        (Arrearage(), (400, "Arrearage")),
        (ContentPolicyViolation(), (400, "DataInspectionFailed")),
        (InvalidApiKey(), (401, "InvalidApiKey")),
        (ServerError(), (500, "InternalError")),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_refusals_carry_dashscopes_codes(provider, generation, fault, expected, stream):
    """The SDK returns them instead of raising."""
    provider.script(fault)
    result = generation(stream=stream)
    result = next(iter(result)) if stream else result
    assert (result.status_code, result.code) == expected
    assert result.message
    assert result.request_id


def test_an_error_event_ends_a_stream(provider, generation):
    """With its code, after the tokens before; the SDK calls every such status 400."""
    provider.script(ErrorEventInStream(after=2, kind="overloaded"))
    events = list(generation(stream=True, incremental_output=True))
    assert [event.status_code for event in events] == [200, 200, 400]
    assert events[-1].code == "ServiceUnavailable"


def test_a_cut_stream_raises(provider, generation):
    """Two tokens and a broken connection."""
    requests = pytest.importorskip("requests")
    provider.script(CutAfter(2))
    events = []
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        events.extend(generation(stream=True, incremental_output=True))


def test_an_empty_request_is_refused(provider):
    """As DashScope says it (its SDK refuses before asking)."""
    connection = http.client.HTTPConnection("127.0.0.1", int(provider.root_url.rsplit(":", 1)[1]))
    path = "/api/v1/services/aigc/text-generation/generation"
    connection.request("POST", path, json.dumps({"model": "m", "input": {}}))
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read())["code"] == "BadRequest.EmptyInput"
    connection.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_langchain_reads_it(provider, monkeypatch):
    """ChatTongyi, plain and streamed (it streams only with `streaming=True`)."""
    dashscope = pytest.importorskip("dashscope")
    chat = pytest.importorskip("langchain_community.chat_models").ChatTongyi
    monkeypatch.setattr(dashscope, "base_http_api_url", provider.dashscope_url)
    model = chat(model="qwen-max", api_key="k", max_retries=1, streaming=True)
    assert "".join(chunk.text for chunk in model.stream("你好")) == model.invoke("你好").text
    assert provider.requests[0].headers["x-dashscope-sse"] == "enable"
    provider.script(Arrearage())
    with pytest.raises(ValueError, match="Arrearage"):
        model.invoke("你好")
