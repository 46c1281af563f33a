"""Ollama's chat, in small: one JSON object, or one per line.

Source: github.com/ollama/ollama docs/api.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from langchain_switchyard.testing.faulty.dialects.dialect import Refusal, Refused
from langchain_switchyard.testing.faulty.jsons import body_of, compact
from langchain_switchyard.testing.faulty.problem import Problem, Wording, worded
from langchain_switchyard.testing.faulty.question import (
    Question,
    Reply,
    plain_message,
    tool_of,
)
from langchain_switchyard.testing.faulty.wire import Data, Request

OLLAMA: Mapping[str, Wording] = MappingProxyType(
    {
        "rate_limited": Wording(429, "too many requests"),
        "server_error": Wording(500, "llama runner process has terminated: exit status 2"),
        "overloaded": Wording(
            503, "server busy, please try again.  maximum pending requests exceeded"
        ),
        "quota": Wording(402, "you have reached your usage limit"),
        "context_length": Wording(400, "the input length exceeds the context length"),
        "content_policy": Wording(400, "{detail}"),
        "prefill": Wording(400, "the last message must not be from the assistant"),
        "auth": Wording(401, "unauthorized"),
        "model_not_found": Wording(404, "model '{model}' not found"),
        "bad_request": Wording(400, "{detail}"),
    }
)


class Ollama:
    """`POST /api/chat`."""

    stream_type = "application/x-ndjson"

    def read(self, request: Request) -> Question:
        """Understand a chat request."""
        body = body_of(request)
        if not body.get("model"):
            raise Refused(Problem("bad_request", detail="model is required"))
        images, options = [0], body.get("options") or {}
        schema = body.get("format")
        return Question(
            model=str(body["model"]),
            messages=[plain_message(message, images) for message in body.get("messages") or ()]
            or [{"role": "user", "content": ""}],
            tools=[tool_of(tool["function"]) for tool in body.get("tools") or ()],
            response_format=_format(schema) if schema else None,
            stream=body.get("stream") is not False,
            max_tokens=options.get("num_predict") if options.get("num_predict", -1) > 0 else None,
            stop=options.get("stop") or (),
            images=images[0] + sum(len(m.get("images") or ()) for m in body.get("messages") or ()),
            body=body,
        )

    def key(self, request: Request) -> str:
        """Return the bearer token, as Ollama's cloud wants it."""
        return request.bearer

    def plain(self, question: Question, reply: Reply) -> bytes:
        """Return the whole answer as one object."""
        calls = [
            {"function": {"name": use.name, "arguments": dict(use.args)}}
            for use in reply.tool_calls
        ]
        return compact(_last(question, reply, reply.text, calls)).encode()

    def stream(self, question: Question, reply: Reply) -> Iterator[Data]:
        """Yield a line per token, a line per tool call, and the last with the counts."""
        for token in reply.tokens:
            yield _line(_part(question, reply, token), "token")
        for use in reply.tool_calls:
            call = {"function": {"name": use.name, "arguments": dict(use.args)}}
            yield _line(_part(question, reply, "", [call]), "token")
        yield _line(_last(question, reply, "", []), "finish")

    def refuse(self, problem: Problem, model: str, key: str = "") -> Refusal:
        """Word a refusal: `{"error": "..."}`."""
        wording = _wording(problem)
        body = compact({"error": worded(problem, wording, model, key)}).encode()
        return Refusal(problem.status or wording.status, problem.headers, body)

    def error_event(self, problem: Problem, model: str) -> Data:
        """Return the refusal as a line."""
        return _line({"error": worded(problem, _wording(problem), model)}, "error")

    def broken_event(self) -> Data:
        """Return a line that ends too early."""
        return Data(b'{"model":"m","message":{"role":"assi\n', "broken")

    def ping(self) -> Data:
        """Return an empty line: this format knows no comments."""
        return Data(b"\n", "ping")


def _wording(problem: Problem) -> Wording:
    # Ollama knows no arrears; its word for a spent allowance is the nearest.
    return OLLAMA.get(problem.kind) or OLLAMA["quota"]


def _format(schema: Any) -> dict[str, Any]:
    if schema == "json":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _line(body: Mapping[str, Any], kind: str) -> Data:
    return Data(compact(body).encode() + b"\n", kind)


def _part(
    question: Question, reply: Reply, text: str, calls: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = calls
    moment = datetime.fromtimestamp(reply.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return {"model": question.model, "created_at": moment, "message": message, "done": False}


def _last(
    question: Question, reply: Reply, text: str, calls: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        **_part(question, reply, text, calls),
        "done": True,
        "done_reason": "length" if reply.finish_reason == "length" else "stop",
        "total_duration": 1_000_000,
        "load_duration": 0,
        "prompt_eval_count": reply.prompt_tokens,
        "prompt_eval_duration": 500_000,
        "eval_count": reply.completion_tokens,
        "eval_duration": 500_000,
    }
