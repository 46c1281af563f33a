"""OpenAI's chat completions, and the providers that copied them: Azure, Qwen, Zhipu."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from langchain_switchyard.testing.faulty.dialects.dialect import Refusal, Refused
from langchain_switchyard.testing.faulty.dialects.flavours import (
    AZURE,
    OPENAI,
    QWEN,
    ZHIPU,
    ZHIPU_KINDS,
)
from langchain_switchyard.testing.faulty.dialects.openai_events import completion, events
from langchain_switchyard.testing.faulty.jsons import body_of, compact
from langchain_switchyard.testing.faulty.problem import Problem, Wording, worded
from langchain_switchyard.testing.faulty.question import (
    Question,
    Reply,
    plain_message,
    tool_of,
)
from langchain_switchyard.testing.faulty.wire import Data, Request


class OpenAI:
    """OpenAI itself.

    Args:
        wordings: How refusals are worded, by kind.
    """

    stream_type = "text/event-stream; charset=utf-8"
    filters = False
    """Whether answers carry Azure's content filter results."""

    def __init__(self, wordings: Mapping[str, Wording] = OPENAI) -> None:
        """Choose the flavour."""
        self._wordings = wordings

    def read(self, request: Request) -> Question:
        """Understand a `chat/completions` request."""
        body = body_of(request)
        model = self._model(request, body)
        messages = body.get("messages")
        if not model:
            raise Refused(_bad("you must provide a model parameter"))
        if not isinstance(messages, list) or not messages:
            raise Refused(_bad("Missing required parameter: 'messages'."), model)
        if body.get("n") not in {None, 1}:
            raise Refused(_bad("this rehearsal server answers with n=1 only"), model)
        check_tool_messages(messages, model)
        tools, images = body.get("tools") or (), [0]
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        stop = body.get("stop") or ()
        return Question(
            model=model,
            messages=[plain_message(message, images) for message in messages],
            tools=[tool_of(tool["function"]) for tool in tools if tool.get("type") == "function"],
            tool_choice=_tool_choice(body.get("tool_choice")),
            parallel_tool_calls=body.get("parallel_tool_calls") is not False,
            response_format=body.get("response_format"),
            stream=bool(body.get("stream")),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            max_tokens=limit,
            stop=[stop] if isinstance(stop, str) else stop,
            images=images[0],
            body=body,
        )

    def key(self, request: Request) -> str:
        """Return the bearer token."""
        return request.bearer

    def plain(self, question: Question, reply: Reply) -> bytes:
        """Return a `chat.completion`."""
        return compact(completion(question, reply, filters=self.filters)).encode()

    def stream(self, question: Question, reply: Reply) -> Iterator[Data]:
        """Yield `chat.completion.chunk` events."""
        return events(question, reply, filters=self.filters)

    def refuse(self, problem: Problem, model: str, key: str = "") -> Refusal:
        """Word a refusal: `{"error": {...}}` with the provider's text."""
        # Only DashScope knows arrears; whoever speaks this dialect quotes it.
        wording = self._wordings.get(problem.kind) or QWEN[problem.kind]
        error = self._error(problem, wording, model, key)
        return Refusal(
            problem.status or wording.status,
            problem.headers,
            compact({"error": error, **self._around()}).encode(),
        )

    def error_event(self, problem: Problem, model: str) -> Data:
        """Return the same body as an event."""
        return Data(b"data: " + self.refuse(problem, model).body + b"\n\n", "error")

    def broken_event(self) -> Data:
        """Return a chunk whose JSON ends too early."""
        return Data(
            b'data: {"id":"chatcmpl-0","object":"chat.completion.chunk","choic\n\n', "broken"
        )

    def ping(self) -> Data:
        """Return an SSE comment."""
        return Data(b": ping\n\n", "ping")

    def _model(self, request: Request, body: Mapping[str, Any]) -> str:
        del request
        return str(body.get("model") or "")

    def _error(self, problem: Problem, wording: Wording, model: str, key: str) -> dict[str, Any]:
        return {
            "message": worded(problem, wording, model, key),
            "type": wording.type,
            "param": wording.param,
            "code": problem.code or wording.code,
        }

    def _around(self) -> dict[str, Any]:
        """Return what stands beside the error in the body."""
        return {}


class Azure(OpenAI):
    """Azure OpenAI: the deployment in the path, filter results in the answer."""

    filters = True

    def __init__(self) -> None:
        """Speak with Azure's words."""
        super().__init__(AZURE)

    def key(self, request: Request) -> str:
        """Return the `api-key` header, or the bearer token of Entra ID."""
        return request.headers.get("api-key") or super().key(request)

    def _model(self, request: Request, body: Mapping[str, Any]) -> str:
        parts = request.path.split("/")
        at = parts.index("deployments") + 1 if "deployments" in parts else len(parts)
        return unquote(parts[at]) if at < len(parts) else super()._model(request, body)

    def _error(self, problem: Problem, wording: Wording, model: str, key: str) -> dict[str, Any]:
        error = super()._error(problem, wording, model, key)
        if problem.kind == "content_policy":
            results = {"hate": {"filtered": False, "severity": "safe"}}
            results["violence"] = {"filtered": True, "severity": "medium"}
            error["status"] = 400
            error["innererror"] = {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": results,
            }
        return error


class Qwen(OpenAI):
    """DashScope's OpenAI-compatible mode."""

    def __init__(self) -> None:
        """Speak with DashScope's words."""
        super().__init__(QWEN)

    def _around(self) -> dict[str, Any]:
        return {"request_id": "00000000-0000-4000-8000-000000000001"}


class Zhipu(OpenAI):
    """Zhipu's API: errors are a numeric code and a Chinese sentence."""

    def refuse(self, problem: Problem, model: str, key: str = "") -> Refusal:
        """Word a refusal: `{"error": {"code": "1113", "message": "..."}}`."""
        del model, key
        code = problem.code or ZHIPU_KINDS[problem.kind]
        status, message = ZHIPU.get(code) or ZHIPU[ZHIPU_KINDS[problem.kind]]
        body: dict[str, Any] = {"error": {"code": code, "message": problem.message or message}}
        if code == "1301":
            body["contentFilter"] = [{"level": 1, "role": "user"}]
        return Refusal(problem.status or status, problem.headers, compact(body).encode())


def check_tool_messages(messages: Sequence[Mapping[str, Any]], model: str) -> None:
    """Refuse tool results without their call, and calls without their results, as OpenAI does."""
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        role = message.get("role")
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Refused(
                    _bad(
                        "Invalid parameter: messages with role 'tool' must be a response to a "
                        f"preceeding message with 'tool_calls'. (messages[{at}])"
                    ),
                    model,
                )
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            raise Refused(_unanswered(open_calls), model)
        open_calls = {call.get("id", "") for call in message.get("tool_calls") or ()}
    if open_calls:
        raise Refused(_unanswered(open_calls), model)


def _tool_choice(choice: Any) -> str:
    if isinstance(choice, Mapping):
        return str((choice.get("function") or choice).get("name", "required"))
    return {"any": "required", None: "auto"}.get(choice, str(choice))


def _bad(detail: str) -> Problem:
    return Problem("bad_request", detail=detail)


def _unanswered(calls: set[str]) -> Problem:
    return _bad(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(sorted(calls))
    )
