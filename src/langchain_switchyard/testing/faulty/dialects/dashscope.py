"""DashScope's own text generation, in small: plain and streamed, whole or incremental.

Source: help.aliyun.com/en/model-studio (API reference, error codes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

DASHSCOPE: Mapping[str, Wording] = MappingProxyType(
    {
        "rate_limited": Wording(
            429,
            "Requests rate limit exceeded, please try again later.",
            code="Throttling.RateQuota",
        ),
        "server_error": Wording(
            500,
            "An internal error has occured, please try again later or contact service support.",
            code="InternalError",
        ),
        "overloaded": Wording(503, "Service is unavailable.", code="ServiceUnavailable"),
        "quota": Wording(
            429,
            "Free allocated quota exceeded.",
            code="Throttling.AllocationQuota",
        ),
        "arrears": Wording(
            400,
            "Access denied, please make sure your account is in good standing.",
            code="Arrearage",
        ),
        "context_length": Wording(
            400, "Range of input length should be [1, 8192]", code="InvalidParameter"
        ),
        "content_policy": Wording(
            400, "Input data may contain inappropriate content.", code="DataInspectionFailed"
        ),
        "prefill": Wording(
            400, "The last message must not be from the assistant.", code="InvalidParameter"
        ),
        "auth": Wording(401, "Invalid API-key provided.", code="InvalidApiKey"),
        "model_not_found": Wording(404, "Model not exist.", code="ModelNotFound"),
        "bad_request": Wording(400, "{detail}", code="InvalidParameter"),
    }
)


class DashScope:
    """`POST /api/v1/services/aigc/text-generation/generation`."""

    stream_type = "text/event-stream;charset=UTF-8"

    def read(self, request: Request) -> Question:
        """Understand a generation request."""
        body = body_of(request)
        model = str(body.get("model") or "")
        given, options = body.get("input") or {}, body.get("parameters") or {}
        messages = given.get("messages") or (
            [{"role": "user", "content": given["prompt"]}] if given.get("prompt") else []
        )
        if not messages:
            detail = "Required input parameter missing from request."
            raise Refused(
                Problem("bad_request", detail=detail, code="BadRequest.EmptyInput"), model
            )
        images, stop = [0], options.get("stop") or ()
        choice = options.get("tool_choice")
        return Question(
            model=model,
            messages=[plain_message(message, images) for message in messages],
            tools=[tool_of(tool["function"]) for tool in options.get("tools") or ()],
            tool_choice=choice["function"]["name"]
            if isinstance(choice, dict)
            else choice or "auto",
            parallel_tool_calls=bool(options.get("parallel_tool_calls")),
            response_format=options.get("response_format"),
            stream=request.headers.get("x-dashscope-sse") == "enable"
            or "text/event-stream" in request.headers.get("accept", ""),
            max_tokens=options.get("max_tokens"),
            stop=[stop] if isinstance(stop, str) else stop,
            images=images[0],
            body=body,
        )

    def key(self, request: Request) -> str:
        """Return the bearer token."""
        return request.bearer

    def plain(self, question: Question, reply: Reply) -> bytes:
        """Return a generation."""
        return compact(_generation(question, reply, reply.text, _calls(reply), last=True)).encode()

    def stream(self, question: Question, reply: Reply) -> Iterator[Data]:
        """Yield results: each the new part, or all so far unless `incremental_output` is set."""
        incremental = bool((question.body.get("parameters") or {}).get("incremental_output"))
        said = ""
        for at, token in enumerate(reply.tokens):
            said = token if incremental else said + token
            body = _generation(question, reply, said, [], last=False)
            yield _event(at + 1, "result", 200, body, "token")
        text = "" if incremental else said
        body = _generation(question, reply, text, _calls(reply), last=True)
        yield _event(len(reply.tokens) + 1, "result", 200, body, "finish")

    def refuse(self, problem: Problem, model: str, key: str = "") -> Refusal:
        """Word a refusal: code, message and request id at the top."""
        wording = DASHSCOPE[problem.kind]
        return Refusal(
            problem.status or wording.status,
            problem.headers,
            compact(_error(problem, wording, model, key)).encode(),
        )

    def error_event(self, problem: Problem, model: str) -> Data:
        """Return an `error` event with its status."""
        wording = DASHSCOPE[problem.kind]
        status = problem.status or wording.status
        return _event(1, "error", status, _error(problem, wording, model, ""), "error")

    def broken_event(self) -> Data:
        """Return a result whose JSON ends too early."""
        return Data(b'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"choi\n\n', "broken")

    def ping(self) -> Data:
        """Return an SSE comment."""
        return Data(b":ping\n\n", "ping")


def _generation(
    question: Question, reply: Reply, text: str, calls: list[dict[str, Any]], *, last: bool
) -> dict[str, Any]:
    finish = reply.finish_reason if last else "null"
    output: dict[str, Any]
    if (question.body.get("parameters") or {}).get("result_format", "text") == "message":
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = calls
        output = {"choices": [{"finish_reason": finish, "message": message}]}
    else:
        output = {"finish_reason": finish, "text": text}
    return {
        "output": output,
        "usage": {
            "input_tokens": reply.prompt_tokens,
            "output_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        },
        "request_id": f"00000000-0000-4000-8000-{reply.number:012d}",
    }


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": at,
            "id": reply.call_id(at),
            "type": "function",
            "function": {"name": use.name, "arguments": compact(dict(use.args))},
        }
        for at, use in enumerate(reply.tool_calls)
    ]


def _event(at: int, name: str, status: int, body: Mapping[str, Any], kind: str) -> Data:
    text = f"id:{at}\nevent:{name}\n:HTTP_STATUS/{status}\ndata:{compact(body)}\n\n"
    return Data(text.encode(), kind)


def _error(problem: Problem, wording: Wording, model: str, key: str) -> dict[str, Any]:
    return {
        "code": problem.code or wording.code,
        "message": worded(problem, wording, model, key),
        "request_id": "00000000-0000-4000-8000-000000000001",
    }
