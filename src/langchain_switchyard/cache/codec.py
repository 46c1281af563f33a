"""Messages as bytes and back: a schema of our own, JSON, with no class names on the wire.

LangChain's `loads` revives objects named in its input, and pickle runs code; whoever can write a
shared cache could use either. Here bytes can only ever become an `AIMessage` or a `Generation`.
"""

from __future__ import annotations

from typing import Any

import orjson
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation
from pydantic import ValidationError

from langchain_switchyard.cache.errors import Uncacheable

_KEPT_METADATA = frozenset(
    {
        "model_name",
        "model",
        "model_provider",
        "model_version",
        "finish_reason",
        "stop_reason",
        "stop_sequence",
        "done_reason",
        "status",
        "incomplete_details",
        "system_fingerprint",
        "logprobs",
        "citations",
        "search_results",
        "grounding_metadata",
        "safety_ratings",
        "output_version",
    }
)
"""What of `response_metadata` belongs to the answer; ids, headers and usage belong to the call."""

_CONTENT, _CALLS, _EXTRA, _META, _USAGE, _NAME, _INFO = "c", "t", "a", "r", "u", "n", "g"
_TEXT = "x"


def encode(message: AIMessage, info: dict[str, Any] | None = None) -> bytes:
    """A message as bytes.

    Raises:
        Uncacheable: A part of it has no JSON form.
    """
    form: dict[str, Any] = {_CONTENT: message.content}
    if message.tool_calls:
        form[_CALLS] = [
            {"name": call["name"], "args": call["args"], "id": call["id"]}
            for call in message.tool_calls
        ]
    if extra := {k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"}:
        form[_EXTRA] = extra
    if metadata := {k: v for k, v in message.response_metadata.items() if k in _KEPT_METADATA}:
        form[_META] = metadata
    if message.usage_metadata:
        form[_USAGE] = message.usage_metadata
    if message.name is not None:
        form[_NAME] = message.name
    if info:
        form[_INFO] = info
    return _dumps(form)


def decode(body: bytes) -> AIMessage:
    """The message, as new; its `usage_metadata` is what it cost when it was made.

    Raises:
        ValueError: The bytes are not a message.
    """
    return _message(_loads(body))


def encode_generations(generations: list[Generation]) -> bytes:
    """What LangChain asks a `BaseCache` to keep.

    Raises:
        Uncacheable: A part of it has no JSON form, or it is not an answer of a model.
    """
    forms: list[Any] = []
    for generation in generations:
        if isinstance(generation, ChatGeneration):
            if not isinstance(generation.message, AIMessage):
                raise Uncacheable(f"a {type(generation.message).__name__} is no model's answer")
            forms.append(orjson.Fragment(encode(generation.message, generation.generation_info)))
        else:
            forms.append({_TEXT: generation.text, _INFO: generation.generation_info})
    return _dumps(forms)


def decode_generations(body: bytes) -> list[Generation]:
    """The generations, as new.

    Raises:
        ValueError: The bytes are not generations.
    """
    forms = _loads(body)
    if not isinstance(forms, list):
        raise ValueError("not a list of generations")  # noqa: TRY004 - bad data, as below.
    return [_generation(form) for form in forms]


def _generation(form: Any) -> Generation:
    if not isinstance(form, dict):
        raise ValueError("not a generation")  # noqa: TRY004 - bad data, not a caller's bug.
    try:
        if _TEXT in form:
            return Generation(text=form[_TEXT], generation_info=form[_INFO])
        return ChatGeneration(message=_message(form), generation_info=form.get(_INFO))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a generation: {error!r}") from error


def _message(form: Any) -> AIMessage:
    try:
        return AIMessage(
            content=form[_CONTENT],
            tool_calls=form.get(_CALLS, []),
            additional_kwargs=form.get(_EXTRA, {}),
            response_metadata=form.get(_META, {}),
            usage_metadata=form.get(_USAGE),
            name=form.get(_NAME),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise ValueError(f"not a message: {error!r}") from error


def _dumps(form: Any) -> bytes:
    try:
        return orjson.dumps(form)
    except (TypeError, ValueError, RecursionError) as error:
        raise Uncacheable(f"the answer has no JSON form: {error}") from error


def _loads(body: bytes) -> Any:
    return orjson.loads(body)
