"""A chat model that plays a script: no network, no waiting, every call recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, SkipValidation, model_validator

from langchain_switchyard.testing.messages import (
    last_chunk,
    plain_result,
    text_chunk,
    tool_chunk,
    usage_of,
)
from langchain_switchyard.testing.stage import RecordedCall, Stage
from langchain_switchyard.testing.steps import (
    Cue,
    Finish,
    Happening,
    ToolPiece,
    heed_stop,
    perform,
)


class Sleeper(Protocol):
    """The part of a clock that a scripted model needs."""

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Suspend the calling task."""
        ...


class RealTime:
    """Sleeps for real: what a scripted model does unless it is given a clock."""

    sleep = staticmethod(time.sleep)
    asleep = staticmethod(asyncio.sleep)


class ScriptedChatModel(BaseChatModel):
    """Plays one line of its script per call, for tests and rehearsals.

    ```python
    model = ScriptedChatModel(
        script=[
            "hello",
            ConnectionError("down"),
            [Delay(2), Say("slow"), CallTool("search", {"q": "天气"})],
            Say("cut in the middle", cut_after=2),
            lambda messages, kwargs: f"you said {messages[-1].text}",
        ],
        clock=FakeClock(),
    )
    ```

    Works as any chat model: sync, async, streamed, with tools and structured output. Text streams
    by words, Chinese by characters. Usage is estimated, and the same streamed or not.
    """

    keeps_timeout: ClassVar[bool] = True
    """A `timeout` given to a call is honoured on the model's own clock."""

    script: SkipValidation[Cue | list[Cue]]
    """A line, or the list of lines: one per call. See `Cue` for what a line may be."""
    then: Literal["repeat", "fail"] = "repeat"
    """After the last line: play it again, or raise `ScriptExhausted`."""
    clock: SkipValidation[Sleeper] = Field(default_factory=RealTime, exclude=True, repr=False)
    """Where `Delay` sleeps (`Sleeper`); real time by default."""
    model_name: str = "scripted"
    """Reported in metadata and traces."""

    model_config = ConfigDict(protected_namespaces=())

    @cached_property
    def _stage(self) -> Stage:
        # Not a private attribute of pydantic: reading one costs as much as building the answer.
        return Stage(self.script, repeat=self.then == "repeat")

    @model_validator(mode="after")
    def _read_script(self) -> Self:
        """Read the script now, so that a bad one fails here and not in the middle of a test."""
        _ = self._stage
        return self

    @property
    def calls(self) -> list[RecordedCall]:
        """Every call so far, in order of arrival (a copy)."""
        return self._stage.calls

    def rewind(self) -> None:
        """Forget the calls and start again at the first line."""
        self._stage.rewind()

    @property
    def _llm_type(self) -> str:
        return "switchyard-scripted"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_model_name"] = str(kwargs.get("model") or self.model_name)
        params["ls_provider"] = "scripted"
        return params

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools in OpenAI's format; `calls` shows them as they were given."""
        if tool_choice is not None:
            kwargs["tool_choice"] = tool_choice
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        wait, result = self._decide(messages, stop, kwargs)
        if wait:
            self.clock.sleep(wait)
        if isinstance(result, BaseException):
            raise result
        return result

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        wait, result = self._decide(messages, stop, kwargs)
        if wait:
            await self.clock.asleep(wait)
        if isinstance(result, BaseException):
            raise result
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for item in self._play(messages, stop, kwargs):
            if isinstance(item, float):
                self.clock.sleep(item)
                continue
            if run_manager is not None:
                run_manager.on_llm_new_token(item.text, chunk=item)
            yield item

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for item in self._play(messages, stop, kwargs):
            if isinstance(item, float):
                await self.clock.asleep(item)
                continue
            if run_manager is not None:
                await run_manager.on_llm_new_token(item.text, chunk=item)
            yield item

    def _enter(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        *,
        streamed: bool,
    ) -> Iterator[Happening]:
        """Record the call and return what will happen in it."""
        if stop:
            kwargs = {**kwargs, "stop": stop}
        number, steps = self._stage.enter(RecordedCall(list(messages), kwargs, streamed))
        return perform(heed_stop(steps, stop) if stop else steps, number)

    def _decide(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> tuple[float, ChatResult | BaseException]:
        """Play a whole call without waiting: how long it takes and how it ends."""
        wait, texts, calls = 0.0, [], []
        finish = None
        result: ChatResult | BaseException
        try:
            for happening in self._enter(messages, stop, kwargs, streamed=False):
                if isinstance(happening, str):
                    texts.append(happening)
                elif isinstance(happening, float):
                    wait += happening
                elif isinstance(happening, ToolPiece):
                    calls.append(happening)
                else:
                    finish = happening
            usage = usage_of(messages, finish) if finish else None
            metadata = self._metadata(finish, kwargs)
            result = plain_result("".join(texts), calls, usage, metadata)
        except Exception as error:  # noqa: BLE001 - the script's own errors, raised after the wait
            result = error
        timeout = kwargs.get("timeout")
        if timeout is not None and wait > timeout:
            return timeout, _timed_out(timeout)
        return wait, result

    def _play(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> Iterator[float | ChatGenerationChunk]:
        """Play a streamed call: waits, in seconds, and chunks. A timeout applies to each wait."""
        timeout = kwargs.get("timeout")
        for happening in self._enter(messages, stop, kwargs, streamed=True):
            if isinstance(happening, str):
                yield text_chunk(happening)
            elif isinstance(happening, ToolPiece):
                yield tool_chunk(happening)
            elif isinstance(happening, Finish):
                metadata = self._metadata(happening, kwargs)
                yield last_chunk(usage_of(messages, happening), metadata)
            elif timeout is not None and happening > timeout:
                yield float(timeout)
                raise _timed_out(timeout)
            else:
                yield happening

    def _metadata(self, finish: Finish | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        metadata = {"model_name": kwargs.get("model") or self.model_name}
        if finish:
            metadata["finish_reason"] = finish.reason
        return metadata


def _timed_out(timeout: float) -> TimeoutError:
    return TimeoutError(f"the scripted model needed longer than its timeout of {timeout:g} s")
