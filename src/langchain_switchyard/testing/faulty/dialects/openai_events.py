"""OpenAI's answers as bytes: the JSON body and the server-sent events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langchain_switchyard.testing.faulty.jsons import compact
from langchain_switchyard.testing.faulty.question import Question, Reply
from langchain_switchyard.testing.faulty.wire import Data

DONE = Data(b"data: [DONE]\n\n", "done")
_SAFE: Mapping[str, Any] = {
    kind: {"filtered": False, "severity": "safe"}
    for kind in ("hate", "self_harm", "sexual", "violence")
}


def completion_id(reply: Reply) -> str:
    """Return the id of a completion."""
    return f"chatcmpl-{reply.number:029x}"


def usage(reply: Reply) -> dict[str, Any]:
    """Return the token counts, in OpenAI's shape."""
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": len(reply.thoughts),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(question: Question, reply: Reply, *, filters: bool) -> dict[str, Any]:
    """Return a `chat.completion` object; with Azure's filter results if asked."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if not reply.tool_calls:
        message["content"] = reply.text
    if reply.thoughts:
        message["reasoning_content"] = "".join(reply.thoughts)
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": reply.call_id(index),
                "type": "function",
                "function": {"name": use.name, "arguments": compact(dict(use.args))},
            }
            for index, use in enumerate(reply.tool_calls)
        ]
    choice: dict[str, Any] = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": reply.finish_reason,
    }
    body: dict[str, Any] = {
        "id": completion_id(reply),
        "object": "chat.completion",
        "created": reply.created,
        "model": question.model,
        "choices": [choice],
        "usage": usage(reply),
        "system_fingerprint": "fp_rehearsal",
    }
    if filters:
        choice["content_filter_results"] = _SAFE
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    return body


def events(question: Question, reply: Reply, *, filters: bool) -> Iterator[Data]:
    """Yield a streamed completion: role, tokens, tool calls, finish, usage, `[DONE]`."""
    head, tail = _frame(question, reply)

    def event(delta: str, finish: str = "null") -> bytes:
        return f'{head}{{"index":0,"delta":{delta},"finish_reason":{finish}}}{tail}'.encode()

    if filters:
        found = compact([{"prompt_index": 0, "content_filter_results": _SAFE}])
        yield Data(f'data: {{"choices":[],"prompt_filter_results":{found}}}\n\n'.encode(), "start")
    content = "null" if reply.tool_calls and not reply.tokens else '""'
    yield Data(event(f'{{"role":"assistant","content":{content},"refusal":null}}'), "start")
    for thought in reply.thoughts:
        yield Data(event(f'{{"reasoning_content":{compact(thought)}}}'), "token")
    for token in reply.tokens:
        yield Data(event(f'{{"content":{compact(token)}}}'), "token")
    for delta in _tool_deltas(reply):
        yield Data(event(compact({"tool_calls": [delta]})), "token")
    yield Data(event("{}", compact(reply.finish_reason)), "finish")
    if question.include_usage:
        yield Data(f'{head}],"usage":{compact(usage(reply))}}}\n\n'.encode(), "usage")
    yield DONE


def _frame(question: Question, reply: Reply) -> tuple[str, str]:
    """Return what stands before and after the choice in every event."""
    head = (
        f'data: {{"id":"{completion_id(reply)}","object":"chat.completion.chunk",'
        f'"created":{reply.created},"model":{compact(question.model)},'
        '"system_fingerprint":"fp_rehearsal","choices":['
    )
    return head, '],"usage":null}\n\n' if question.include_usage else "]}\n\n"


def _tool_deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    """Yield tool calls as OpenAI streams them: the name first, the arguments in fragments."""
    for index, use in enumerate(reply.tool_calls):
        yield {
            "index": index,
            "id": reply.call_id(index),
            "type": "function",
            "function": {"name": use.name, "arguments": ""},
        }
        text = compact(dict(use.args))
        half = (len(text) + 1) // 2
        for fragment in (text[:half], text[half:]):
            yield {"index": index, "function": {"arguments": fragment}}
