"""Anthropic's messages API, in small: text and tool use, plain and streamed.

Source: docs.anthropic.com/en/api/messages, /messages-streaming and /errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from langchain_switchyard.testing.faulty.dialects.dialect import Refusal, Refused
from langchain_switchyard.testing.faulty.jsons import body_of, compact
from langchain_switchyard.testing.faulty.problem import Problem, Wording, worded
from langchain_switchyard.testing.faulty.question import Question, Reply, Tool, text_of
from langchain_switchyard.testing.faulty.wire import Data, Request

ANTHROPIC: Mapping[str, Wording] = MappingProxyType(
    {
        "rate_limited": Wording(
            429,
            "This request would exceed your organization’s rate limit of 50 requests per minute. "
            "For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the "
            "response headers for current usage. Please reduce the prompt length or the maximum "
            "tokens requested, or try again later.",
            "rate_limit_error",
        ),
        "server_error": Wording(500, "Internal server error", "api_error"),
        "overloaded": Wording(529, "Overloaded", "overloaded_error"),
        "quota": Wording(
            400,
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
            "Billing to upgrade or purchase credits.",
            "invalid_request_error",
        ),
        "context_length": Wording(
            400, "prompt is too long: {detail} tokens > 200000 maximum", "invalid_request_error"
        ),
        "content_policy": Wording(
            400, "Output blocked by content filtering policy", "invalid_request_error"
        ),
        "prefill": Wording(
            400,
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message.",
            "invalid_request_error",
        ),
        "auth": Wording(401, "invalid x-api-key", "authentication_error"),
        "model_not_found": Wording(404, "model: {model}", "not_found_error"),
        "bad_request": Wording(400, "{detail}", "invalid_request_error"),
    }
)

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_CHOICES = {"any": "required", "auto": "auto", "none": "none"}


class Anthropic:
    """`POST /v1/messages`."""

    stream_type = "text/event-stream; charset=utf-8"

    def read(self, request: Request) -> Question:
        """Understand a messages request."""
        body = body_of(request)
        model = str(body.get("model") or "")
        if not body.get("messages") or not isinstance(body.get("max_tokens"), int):
            missing = "max_tokens" if body.get("messages") else "messages"
            raise Refused(Problem("bad_request", detail=f"{missing}: Field required"), model)
        images = [0]
        messages = [part for message in body["messages"] for part in _messages(message, images)]
        if system := body.get("system"):
            messages.insert(0, {"role": "system", "content": text_of(system, images)})
        choice = body.get("tool_choice") or {}
        return Question(
            model=model,
            messages=messages,
            tools=[_tool(tool) for tool in body.get("tools") or () if "input_schema" in tool],
            tool_choice=choice.get("name") or _CHOICES.get(choice.get("type", "auto"), "auto"),
            parallel_tool_calls=not choice.get("disable_parallel_tool_use"),
            stream=bool(body.get("stream")),
            max_tokens=body["max_tokens"],
            stop=body.get("stop_sequences") or (),
            images=images[0],
            body=body,
        )

    def key(self, request: Request) -> str:
        """Return the `x-api-key` header, or the bearer token that major 2 of the SDK sends."""
        return request.headers.get("x-api-key") or request.bearer

    def plain(self, question: Question, reply: Reply) -> bytes:
        """Return a message."""
        content: list[dict[str, Any]] = []
        if reply.tokens or not reply.tool_calls:
            content.append({"type": "text", "text": reply.text})
        content += [
            {**_tool_block(reply, at), "input": dict(use.args)}
            for at, use in enumerate(reply.tool_calls)
        ]
        return compact(
            {
                **_opening(question, reply),
                "content": content,
                "stop_reason": _STOP_REASONS[reply.finish_reason],
                "usage": _usage(reply, reply.completion_tokens),
            }
        ).encode()

    def stream(self, question: Question, reply: Reply) -> Iterator[Data]:
        """Yield the events of a message."""
        yield _event("message_start", "start", message=_opening(question, reply))
        at = 0
        if reply.tokens or not reply.tool_calls:
            block = {"type": "text", "text": ""}
            yield _event("content_block_start", "start", index=at, content_block=block)
            yield self.ping()
            for token in reply.tokens:
                delta = {"type": "text_delta", "text": token}
                yield _event("content_block_delta", "token", index=at, delta=delta)
            yield _event("content_block_stop", "start", index=at)
            at += 1
        for call in range(len(reply.tool_calls)):
            yield from _tool_events(reply, call, at + call)
        stop = {"stop_reason": _STOP_REASONS[reply.finish_reason], "stop_sequence": None}
        usage = _usage(reply, reply.completion_tokens)
        yield _event("message_delta", "finish", delta=stop, usage=usage)
        yield _event("message_stop", "done")

    def refuse(self, problem: Problem, model: str, key: str = "") -> Refusal:
        """Word a refusal: `{"type": "error", "error": {...}}`."""
        # Anthropic knows no arrears; its word for an empty account is the nearest.
        wording = ANTHROPIC.get(problem.kind) or ANTHROPIC["quota"]
        return Refusal(
            problem.status or wording.status,
            problem.headers,
            compact(_error(problem, wording, model, key)).encode(),
        )

    def error_event(self, problem: Problem, model: str) -> Data:
        """Return an `error` event."""
        wording = ANTHROPIC.get(problem.kind) or ANTHROPIC["quota"]
        error = compact(_error(problem, wording, model, ""))
        return Data(f"event: error\ndata: {error}\n\n".encode(), "error")

    def broken_event(self) -> Data:
        """Return a delta whose JSON ends too early."""
        return Data(b'event: content_block_delta\ndata: {"type":"content_block_del\n\n', "broken")

    def ping(self) -> Data:
        """Return a `ping` event."""
        return Data(b'event: ping\ndata: {"type":"ping"}\n\n', "ping")


def _event(name: str, kind: str, **fields: Any) -> Data:
    return Data(f"event: {name}\ndata: {compact({'type': name, **fields})}\n\n".encode(), kind)


def _opening(question: Question, reply: Reply) -> dict[str, Any]:
    """Return a message that has not said anything yet."""
    return {
        "id": f"msg_{reply.number:024d}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(reply, 1),
    }


def _usage(reply: Reply, output: int) -> dict[str, Any]:
    return {
        "input_tokens": reply.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
    }


def _tool_block(reply: Reply, call: int) -> dict[str, Any]:
    use = reply.tool_calls[call]
    return {"type": "tool_use", "id": f"toolu_{reply.call_id(call)[5:]}", "name": use.name}


def _tool_events(reply: Reply, call: int, at: int) -> Iterator[Data]:
    block = {**_tool_block(reply, call), "input": {}}
    yield _event("content_block_start", "start", index=at, content_block=block)
    text = compact(dict(reply.tool_calls[call].args))
    half = (len(text) + 1) // 2
    for fragment in ("", text[:half], text[half:]):
        delta = {"type": "input_json_delta", "partial_json": fragment}
        yield _event("content_block_delta", "token", index=at, delta=delta)
    yield _event("content_block_stop", "start", index=at)


def _error(problem: Problem, wording: Wording, model: str, key: str) -> dict[str, Any]:
    error = {
        "type": problem.code or wording.type,
        "message": worded(problem, wording, model, key),
    }
    return {"type": "error", "error": error, "request_id": "req_rehearsal"}


def _tool(tool: Mapping[str, Any]) -> Tool:
    return Tool(tool["name"], tool.get("description") or "", tool["input_schema"])


def _messages(message: Mapping[str, Any], images: list[int]) -> Iterator[dict[str, Any]]:
    """Yield plain messages; tool results, which Anthropic puts into the user's, by themselves."""
    content = message["content"]
    if isinstance(content, str):
        yield {"role": message["role"], "content": content}
        return
    results = [block for block in content if block.get("type") == "tool_result"]
    rest = [block for block in content if block.get("type") not in {"tool_result", "tool_use"}]
    if rest or not results:
        yield {"role": message["role"], "content": text_of(rest, images)}
    for result in results:
        yield {"role": "tool", "content": text_of(result.get("content"), images)}
