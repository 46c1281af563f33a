"""What a client asks and what it is told, in words that no provider owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_switchyard.testing.tokens import count_tokens, pieces

_IMAGE_TOKENS = 85


@dataclass(frozen=True)
class Tool:
    """A function the client offers."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments."""


@dataclass(frozen=True)
class ToolUse:
    """A function the model calls."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the model says. A brain returns this, or just the text.

    Args:
        text: The answer.
        tool_calls: Functions to call instead, or besides.
        reasoning: Thoughts, for dialects that send them.
        finish_reason: In OpenAI's words; `None` derives it.
    """

    text: str = ""
    tool_calls: Sequence[ToolUse] = ()
    reasoning: str = ""
    finish_reason: str | None = None


@dataclass(frozen=True)
class Question:
    """A completion request, whatever its dialect.

    `messages` are plain: `role` (system, user, assistant, tool), `content` as text.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of one tool."""
    parallel_tool_calls: bool = True
    response_format: Mapping[str, Any] | None = None
    """As OpenAI sends it: `json_object` or `json_schema`."""
    stream: bool = False
    include_usage: bool = True
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    images: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    """The request as it was sent."""

    @property
    def text(self) -> str:
        """The last thing the user said."""
        for message in reversed(self.messages):
            if message["role"] == "user":
                return str(message["content"])
        return ""

    @property
    def prefill(self) -> str:
        """The beginning of an answer that the client wants continued, if the request ends so."""
        last = self.messages[-1] if self.messages else {}
        return str(last["content"]) if last.get("role") == "assistant" else ""

    def prompt_tokens(self) -> int:
        """Return an estimate of the prompt's size."""
        texts = sum(3 + count_tokens(str(message["content"])) for message in self.messages)
        tools = sum(
            count_tokens(tool.name + tool.description + str(tool.parameters)) for tool in self.tools
        )
        return 3 + texts + tools + self.images * _IMAGE_TOKENS


@dataclass(frozen=True)
class Reply:
    """An answer cut to what the client allowed, counted, and ready to be written.

    Args:
        number: Number of the completion, for ids.
        created: Seconds since the epoch.
        tokens: The text, in the pieces it streams in.
        thoughts: The reasoning, in pieces.
        tool_calls: Functions called.
        finish_reason: In OpenAI's words: `stop`, `length`, `tool_calls`, `content_filter`.
        prompt_tokens: Size of the prompt.
        completion_tokens: Size of text, reasoning and calls.
    """

    number: int
    created: int
    tokens: Sequence[str]
    thoughts: Sequence[str]
    tool_calls: Sequence[ToolUse]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)

    def call_id(self, index: int) -> str:
        """Return the id of a tool call, unique within the server."""
        return f"call_{self.number:020x}{index:04x}"


def reply_to(question: Question, answer: Answer, number: int, created: int) -> Reply:
    """Apply prefill, stop sequences and the token limit to an answer, and count it."""
    text = answer.text
    if question.prefill and text.startswith(question.prefill):
        text = text[len(question.prefill) :]
    text = _until_stop(text, question.stop)
    tokens: Sequence[str] = pieces(text)
    finish = answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")
    if question.max_tokens is not None and len(tokens) > question.max_tokens:
        tokens, finish = tokens[: question.max_tokens], "length"
    thoughts = pieces(answer.reasoning) if answer.reasoning else ()
    called = sum(count_tokens(use.name + str(use.args)) for use in answer.tool_calls)
    return Reply(
        number=number,
        created=created,
        tokens=tokens,
        thoughts=thoughts,
        tool_calls=answer.tool_calls,
        finish_reason=finish,
        prompt_tokens=question.prompt_tokens(),
        completion_tokens=len(tokens) + len(thoughts) + called,
    )


def _until_stop(text: str, stops: Sequence[str]) -> str:
    ends = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def tool_of(function: Mapping[str, Any]) -> Tool:
    """Return a tool from its OpenAI description."""
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return Tool(str(function["name"]), str(function.get("description") or ""), parameters)


def text_of(content: Any, images: list[int]) -> str:
    """Return the text of a message's content, counting what is no text in `images`."""
    if isinstance(content, str):
        return content
    texts = []
    for part in content or ():
        if isinstance(part, str):
            texts.append(part)
        elif "text" in part:
            texts.append(str(part["text"]))
        else:
            images[0] += 1
    return "".join(texts)


def plain_message(message: Mapping[str, Any], images: list[int]) -> dict[str, Any]:
    """Return a message of OpenAI's shape with its content as text."""
    role = "system" if message.get("role") == "developer" else message.get("role")
    return {**message, "role": role, "content": text_of(message.get("content"), images)}
