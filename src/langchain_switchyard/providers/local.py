"""The offline model: the last tier, when nobody else answers.

It needs no network, no key and no weights. It quotes, with citations, the sentences of the sources
in the prompt (`langchain_switchyard.sources`) that answer the last question, says when they hold no
answer, and never invents text, tool calls or structured output.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Unpack

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from langchain_switchyard.errors import ConfigurationError, NoCapableDeployment
from langchain_switchyard.providers.extract import best_quotes
from langchain_switchyard.providers.local_words import language_of, quote, say, small_talk
from langchain_switchyard.providers.preset import Options, placed, require_known
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.sources import Source, parse_sources, without_sources

MODEL_NAME = "switchyard-local"

_PIECE = re.compile(
    r"[A-Za-z0-9_'’\-]+\s*"  # A word and the space after it,
    r"|.[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]*\s*",  # or one character as seen.
    re.DOTALL,
)
_QUESTION_LABEL = re.compile(
    r"^\s*(?:question|query|user question|问题|用户问题)\s*[:：]\s*", re.IGNORECASE
)
_FOLLOWS = re.compile(r"\n[（(](?:It follows up on: |承接上文：)(.*)[)）]\s*$", re.DOTALL)
"""What the assistant puts below a question that leans on the one before."""
_FREE_CHOICES = frozenset({None, "auto", "none", False})


class LocalChatModel(BaseChatModel):
    """Answers from given sources by quoting them; works offline.

    Example:
        ```python
        model = LocalChatModel()
        block = format_sources([Source(1, "faq.md", "Refunds take five days.")])
        model.invoke([("system", block), ("human", "How long do refunds take?")])
        # Refunds take five days. [1]
        ```
    """

    keeps_timeout: ClassVar[bool] = True
    """It answers in milliseconds, within any timeout a call may bring."""

    @property
    def _llm_type(self) -> str:
        return MODEL_NAME

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": MODEL_NAME}

    @property
    def model_name(self) -> str:
        """The name in `response_metadata`, logs and metrics."""
        return MODEL_NAME

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "local"
        params["ls_model_name"] = str(kwargs.get("model", MODEL_NAME))
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        return ModelProfile(
            max_input_tokens=1_000_000,
            max_output_tokens=4_000,
            tool_calling=False,
            structured_output=False,
            image_inputs=False,
            audio_inputs=False,
            pdf_inputs=False,
            reasoning_output=False,
        )

    def get_num_tokens(self, text: str) -> int:
        """Estimated tokens of a text."""
        return estimate_tokens(text)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Accept tools it will never call; refuse to be made to call one."""
        del tools
        _refuse_force(tool_choice)
        return self.bind(**kwargs)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Refuse: quoting cannot fill a schema, and invented values are worse than none."""
        del schema, include_raw, kwargs
        raise NoCapableDeployment(
            f"{MODEL_NAME} quotes sources and cannot produce structured output; "
            "give the request a deployment that can"
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        text = _answer(messages, stop, kwargs)
        message = AIMessage(
            text, usage_metadata=_usage(messages, text), response_metadata=_metadata()
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        # Milliseconds of work: a thread would cost more than it frees.
        return self._generate(messages, stop, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(messages, _answer(messages, stop, kwargs)):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(messages, _answer(messages, stop, kwargs)):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


@dataclass(frozen=True, kw_only=True)
class Local:
    """The offline model as a preset: no key, no network, always there."""

    name: str = "local"

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Always."""
        del env
        return True

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make a deployment of it; there is only one model."""
        require_known(self.name, options)
        if model not in (None, MODEL_NAME):
            raise ConfigurationError(f"local has one model, {MODEL_NAME!r}, got {model!r}")
        return placed(self.name, LocalChatModel(), options)


local = Local()
"""`local(tier=9)`: the tier that always answers."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, estimated: a Chinese character counts one, four other letters count one."""
    wide = sum(1 for letter in text if letter >= "\u2e80")
    return wide + (len(text) - wide + 3) // 4


def _answer(messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> str:
    _refuse_force(kwargs.get("tool_choice"))
    if kwargs.get("response_format"):
        raise NoCapableDeployment(f"{MODEL_NAME} cannot produce structured output")
    questions = [_question(message) for message in messages if isinstance(message, HumanMessage)]
    asked = [question for question in questions if question]
    question = asked[-1] if asked else ""
    before = asked[-2] if len(asked) > 1 else ""
    follows = _FOLLOWS.search(question)
    if follows is not None:
        question, before = question[: follows.start()], follows.group(1)
    text = _reply(question, before, _latest_sources(messages))
    for mark in stop or ():
        text = text.split(mark, 1)[0]
    return text


def _reply(question: str, before: str, sources: Sequence[Source]) -> str:
    language = language_of(question)
    talk = small_talk(question)
    if talk is not None:
        return say(talk, language)
    if not sources:
        return say("cannot", language)
    quotes = best_quotes(question, sources, before)
    return quote(quotes, language) if quotes else say("absent", language)


def _question(message: BaseMessage) -> str:
    return _QUESTION_LABEL.sub("", without_sources(message.text))


def _latest_sources(messages: Sequence[BaseMessage]) -> list[Source]:
    """Sources of the last message that has any: older ones belong to older questions."""
    for message in reversed(messages):
        if not isinstance(message, AIMessage):
            sources = parse_sources(message.text)
            if sources:
                return sources
    return []


def _refuse_force(tool_choice: Any) -> None:
    is_free = not isinstance(tool_choice, dict) and tool_choice in _FREE_CHOICES
    if not is_free:
        raise NoCapableDeployment(
            f"{MODEL_NAME} never calls tools, but tool_choice={tool_choice!r} demands it; "
            "give the request a deployment that can"
        )


def _chunks(messages: Sequence[BaseMessage], text: str) -> Iterator[ChatGenerationChunk]:
    for piece in _PIECE.findall(text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    last = AIMessageChunk(
        content="",
        usage_metadata=_usage(messages, text),
        response_metadata=_metadata(),
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last)


def _usage(messages: Sequence[BaseMessage], text: str) -> UsageMetadata:
    read = sum(estimate_tokens(message.text) for message in messages)
    written = estimate_tokens(text)
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def _metadata() -> dict[str, Any]:
    return {"model_name": MODEL_NAME, "finish_reason": "stop", "model_provider": "local"}
