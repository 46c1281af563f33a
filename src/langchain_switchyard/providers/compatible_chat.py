"""A chat model for endpoints that speak OpenAI's protocol but are not OpenAI.

Beside LangChain's own class it keeps `reasoning_content` (Qwen, DeepSeek, Zhipu think aloud in it,
and without it a thinking model looks silent), sends `max_tokens` as these endpoints expect it, and
says who really answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai.chat_models.base import BaseChatOpenAI

_REASONING = "reasoning_content"


class CompatibleChatModel(BaseChatOpenAI):
    """Chat completions of an OpenAI-compatible endpoint."""

    provider: str = "openai-compatible"
    """Who runs the endpoint, for traces and `response_metadata`."""

    @property
    def _llm_type(self) -> str:
        return self.provider

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = self.provider
        return params

    def _create_chat_result(
        self,
        response: dict[str, Any] | openai.BaseModel,
        generation_info: dict[str, Any] | None = None,
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        body = response if isinstance(response, dict) else response.model_dump()
        for generation, choice in zip(result.generations, body.get("choices") or (), strict=False):
            self._complete(generation.message, choice.get("message"))
        return result

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        choices = chunk.get("choices") or ()
        if made is not None and choices:
            self._complete(made.message, choices[0].get("delta"))
        return made

    def _complete(self, message: BaseMessage, raw: Any) -> None:
        if not isinstance(message, AIMessage | AIMessageChunk):
            return
        # LangChain reads content blocks by this name; "openai" would lose the reasoning again.
        if "model_provider" in message.response_metadata:
            message.response_metadata["model_provider"] = self.provider
        if isinstance(raw, Mapping):
            # vLLM and OpenRouter call the field `reasoning`.
            reasoning = raw.get(_REASONING) or raw.get("reasoning")
            if isinstance(reasoning, str) and reasoning:
                message.additional_kwargs[_REASONING] = reasoning
