"""A whole answer as a stream of one chunk, for models that do not stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.exceptions import ModelAPIError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_switchyard.errors import ConfigurationError


def streams(model: BaseChatModel, *, async_api: bool, has_tools: bool) -> bool:
    """Whether a model has a stream of its own and may use it."""
    if model.disable_streaming is True or (model.disable_streaming == "tool_calling" and has_tools):
        return False
    cls = type(model)
    own = cls._stream is not BaseChatModel._stream  # noqa: SLF001 - the documented override point.
    if async_api:
        own = own or cls._astream is not BaseChatModel._astream  # noqa: SLF001
    return own


def whole_stream(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, kwargs: Any
) -> Iterator[ChatGenerationChunk]:
    """Ask for the whole answer when the first chunk is read."""
    yield as_chunk(model._generate(messages, stop=stop, **kwargs))  # noqa: SLF001


async def whole_astream(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, kwargs: Any
) -> AsyncIterator[ChatGenerationChunk]:
    """Ask for the whole answer when the first chunk is read."""
    yield as_chunk(await model._agenerate(messages, stop=stop, **kwargs))  # noqa: SLF001


def as_chunk(result: ChatResult) -> ChatGenerationChunk:
    """One chunk that holds a whole answer; it says that it is finished."""
    if not result.generations:
        raise ModelAPIError("the provider answered without a single generation")
    generation = result.generations[0]
    message = generation.message
    if not isinstance(message, AIMessage):
        raise ConfigurationError(
            f"a chat model must answer with an AIMessage, got {type(message).__name__}"
        )
    chunk = AIMessageChunk(
        content=message.content,
        additional_kwargs=message.additional_kwargs,
        response_metadata={**(result.llm_output or {}), **message.response_metadata},
        usage_metadata=message.usage_metadata,
        id=message.id,
        tool_call_chunks=[
            tool_call_chunk(
                name=call["name"],
                args=json.dumps(call["args"], ensure_ascii=False),
                id=call["id"],
                index=index,
            )
            for index, call in enumerate(message.tool_calls)
        ]
        + [
            tool_call_chunk(
                name=call["name"],
                args=call["args"],
                id=call["id"],
                index=len(message.tool_calls) + index,
            )
            for index, call in enumerate(message.invalid_tool_calls)
        ],
    )
    info = {"finish_reason": "stop", **(generation.generation_info or {})}
    return ChatGenerationChunk(message=chunk, generation_info=info)
