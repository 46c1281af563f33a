"""Ollama's dialect: on the wire, and through its client where installed."""

import http.client
import json

import pytest

from langchain_switchyard.testing import (
    CutAfter,
    ErrorEventInStream,
    MalformedEvent,
    ModelNotFound,
    NoFinishReason,
    Overloaded,
    Stall,
)

MESSAGES = [{"role": "user", "content": "你好，世界"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def send(provider, method: str, path: str, body: dict | None = None) -> tuple[int, list[dict]]:
    """Return the status and the JSON lines of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", int(provider.root_url.rsplit(":", 1)[1]))
    connection.request(method, path, json.dumps(body) if body else None)
    response = connection.getresponse()
    lines = [json.loads(line) for line in response.read().splitlines() if line]
    connection.close()
    return response.status, lines


def chat(provider, **more):
    """Ask for a chat answer."""
    return send(provider, "POST", "/api/chat", {"model": "qwen", "messages": MESSAGES, **more})


def test_a_stream_is_the_default_and_equals_the_plain_answer(provider):
    """One line per token, the last with the counts."""
    _, (plain,) = chat(provider, stream=False)
    _, lines = chat(provider)
    assert "".join(line["message"]["content"] for line in lines) == plain["message"]["content"]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["eval_count"] == plain["eval_count"] == len(lines) - 1
    assert lines[-1]["prompt_eval_count"] == plain["prompt_eval_count"]
    assert plain["done_reason"] == "stop"


def test_tools_formats_and_limits_are_read(provider):
    """Arguments come as objects; `format` and `num_predict` are obeyed."""
    weather = [{"role": "user", "content": "weather in 'Rome'"}]
    _, (call, last) = chat(provider, messages=weather, tools=[TOOL])
    assert call["message"]["tool_calls"] == [
        {"function": {"name": "get_weather", "arguments": {"city": "Rome"}}}
    ]
    assert last["done"]
    _, (free,) = chat(provider, format="json", stream=False)
    assert isinstance(json.loads(free["message"]["content"]), dict)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    _, (filled,) = chat(provider, format=schema, stream=False)
    assert json.loads(filled["message"]["content"]) == {"n": 3}
    _, (short,) = chat(provider, options={"num_predict": 2}, stream=False)
    assert (short["done_reason"], short["eval_count"]) == ("length", 2)


def test_models_are_listed(provider):
    """As `ollama list` does."""
    assert send(provider, "GET", "/api/tags")[1][0]["models"][0]["name"] == "rehearsal"


def test_refusals_are_one_sentence(provider):
    """Under `error`."""
    provider.script(Overloaded(), ModelNotFound())
    assert chat(provider) == (
        503,
        [{"error": "server busy, please try again.  maximum pending requests exceeded"}],
    )
    assert chat(provider) == (404, [{"error": "model 'qwen' not found"}])
    status, (refusal,) = chat(provider, model="")
    assert (status, refusal) == (400, {"error": "model is required"})


def test_faults_of_a_stream_fit_lines(provider):
    """An error is a line, a missing finish is a missing line, a ping is an empty one."""
    provider.script(
        ErrorEventInStream(after=1),
        NoFinishReason(),
        Stall(1, seconds=0.02, pings=True, every=0.005),
    )
    _, failed = chat(provider)
    assert [list(line) for line in failed][-1] == ["error"]
    assert len(failed) == 2
    assert not any(line["done"] for line in chat(provider)[1])
    assert chat(provider)[1][-1]["done"]
    provider.script(MalformedEvent(after=1))
    with pytest.raises(json.JSONDecodeError):
        chat(provider)
    provider.script(CutAfter(1))
    with pytest.raises(http.client.IncompleteRead):
        chat(provider)


def test_langchain_reads_it(provider):
    """ChatOllama, plain and streamed, refused and cut."""
    ollama = pytest.importorskip("ollama")
    model = pytest.importorskip("langchain_ollama").ChatOllama(
        model="qwen", base_url=provider.ollama_url
    )
    plain = model.invoke("你好")
    assert "".join(chunk.text for chunk in model.stream("你好")) == plain.text
    assert plain.usage_metadata["output_tokens"] > 0
    provider.script(Overloaded(), CutAfter(1))
    with pytest.raises(ollama.ResponseError) as caught:
        model.invoke("hi")
    assert caught.value.status_code == 503
    with pytest.raises(Exception, match="peer closed connection"):
        model.invoke("hi")
