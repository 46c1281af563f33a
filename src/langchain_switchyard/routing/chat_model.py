"""ChatSwitchyard: LangChain's face of the pipeline. Thin: it translates, and decides nothing."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from pydantic import ConfigDict, Field, InstanceOf, model_validator
from typing_extensions import override

from langchain_switchyard._version import __version__
from langchain_switchyard.routing.balance import Strategy, StrategyName, strategy_named
from langchain_switchyard.routing.call import Call, CallOptions, Recovery
from langchain_switchyard.routing.caller import KEYWORD, announce, caller_of, gathering
from langchain_switchyard.routing.circuit import BreakerPolicy
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.conventions import FleetChatModel
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.routing.events import Audience, Observer
from langchain_switchyard.routing.layer import LayerSource
from langchain_switchyard.routing.pipeline import pipeline
from langchain_switchyard.routing.recovery import resolve
from langchain_switchyard.routing.report.explain import Explanation, explain
from langchain_switchyard.routing.report.stats import FleetStats, fleet_stats
from langchain_switchyard.routing.retry import RetryPolicy
from langchain_switchyard.routing.spans import LLMRun, Spans, spans_of_run
from langchain_switchyard.routing.standard import absorb
from langchain_switchyard.routing.timeouts import Timeouts
from langchain_switchyard.routing.yard import Yard, states_of


class ChatSwitchyard(FleetChatModel):
    """One chat model in front of many.

    Use it wherever a chat model is wanted: chains, agents, `bind_tools`, structured output, batch,
    streams. Deployments of tier 0 are asked first; others only when those cannot answer.

    Example:
        ```python
        model = ChatSwitchyard(
            deployments=[
                Deployment(ChatOpenAI(model="gpt-5"), id="gpt"),
                Deployment(LocalChatModel(), id="local", tier=1),
            ]
        )
        model.invoke("hi").response_metadata["switchyard"]
        ```

    Attributes:
        deployments: Who can answer.
        balance: How one of several ready deployments of a tier is chosen: a name, or a function
            `(ready, rng) -> chosen`.
        retry: How often one request may try, and how long it waits in between.
        timeouts: How long an attempt may be silent, and a request may last.
        breaker: When a deployment is no longer asked for a while.
        recovery: What happens when a stream breaks after text was handed out. `"auto"` answers anew
            where chunks are summed for the caller (`ainvoke` in a streaming graph, agents) and
            raises `StreamInterrupted` in a bare `stream()`; `"restart"`, `"continue"` and `"error"`
            are always that.
        response_cache: Answers kept from earlier requests; given as `cache=ResponseCache()`.
        observers: Functions that are told every event; see `routing.events`.
        world: Time and chance; tests give their own.
    """

    balance: StrategyName | Strategy = "weighted_random"
    retry: InstanceOf[RetryPolicy] = Field(default_factory=RetryPolicy)
    timeouts: InstanceOf[Timeouts] = Field(default_factory=Timeouts)
    breaker: InstanceOf[BreakerPolicy] = Field(default_factory=BreakerPolicy)
    recovery: Recovery = "auto"
    response_cache: InstanceOf[LayerSource] | None = None
    observers: list[Observer] = Field(default_factory=list)
    world: InstanceOf[World] = Field(default_factory=World, exclude=True, repr=False)

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _absorb_standard_parameters(cls, values: Any) -> Any:
        return absorb(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _lay_the_tracks(self) -> Self:
        _ = self._yard, self._identity  # What cannot work is refused now, not at the first call.
        self._add_version("langchain-switchyard", __version__)
        return self

    @cached_property
    def _yard(self) -> Yard:
        audience = Audience(self.observers)
        handler = pipeline(
            strategy=strategy_named(self.balance),
            retries=self.retry,
            timeouts=self.timeouts,
            audience=audience,
            world=self.world,
            cache=self.response_cache,
        )
        states = states_of(self.deployments, self.breaker, self.timeouts.connect, self.world)
        return Yard(states, handler, audience, self.world)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with an update it is a router of its own, that has seen nothing yet."""
        twin = super().model_copy(update=update, deep=deep)
        if update:
            for derived in ("_yard", "_identity", "_usual_ls_params"):
                twin.__dict__.pop(derived, None)
        return twin

    # --- Looking inside ---

    def explain(self, messages: LanguageModelInput, **kwargs: Any) -> Explanation:
        """Who would serve this request now, and why the others would not. Asks nobody.

        Args:
            messages: As for `invoke`.
            **kwargs: As for `invoke` (`tools=`, `switchyard=CallOptions(...)`...).
        """
        converted = self._convert_input(messages).to_messages()
        call = self._call(converted, None, kwargs)
        return explain(call, self._yard.states, self._yard.clock.now())

    def stats(self) -> FleetStats:
        """How every deployment has done since this object was made."""
        return fleet_stats(self._yard.states, self._yard.clock.now())

    def isolate(self, deployment: str) -> None:
        """Take a deployment out by hand until `restore`; calls under way go on."""
        self._yard.isolate(deployment)

    def restore(self, deployment: str) -> None:
        """Let an isolated, open or throttled deployment be asked again at once."""
        self._yard.restore(deployment)

    # --- The four ways in ---

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._call(messages, stop, kwargs, spans_of_run(run_manager))
        return SyncDriver(self._yard.clock).run(self._yard.handle(call)).whole()

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        call = self._call(messages, stop, kwargs, spans_of_run(run_manager))
        return (await AsyncDriver(self._yard.clock).run(self._yard.handle(call))).whole()

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        call = self._streamed_call(messages, stop, kwargs, run_manager)
        return SyncDriver(self._yard.clock).stream(self._yard.handle(call))

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = self._streamed_call(messages, stop, kwargs, run_manager)
        return AsyncDriver(self._yard.clock).stream(self._yard.handle(call))

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        spans: Spans | None = None,
    ) -> Call:
        options = CallOptions.of(kwargs.pop("switchyard", None))
        kwargs.pop("stream", None)  # Which way in was taken says it already.
        return Call(messages, stop, kwargs, options, spans=spans)

    def _streamed_call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        run_manager: LLMRun | None,
    ) -> Call:
        caller = caller_of(kwargs, run_manager)
        call = self._call(messages, stop, kwargs, caller.spans)
        call.streamed = True
        call.recovery = resolve(call.options.recovery or self.recovery, caller)
        return call

    # --- Who is asking: see `caller.py` ---

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        config, caller = announce(config)
        if self._should_stream(async_api=False, **{**kwargs, "stream": True}):
            kwargs[KEYWORD] = caller
        return super().stream(input, config, stop=stop, **kwargs)

    @override
    def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        config, caller = announce(config)
        if self._should_stream(async_api=True, **{**kwargs, "stream": True}):
            kwargs[KEYWORD] = caller
        return super().astream(input, config, stop=stop, **kwargs)

    @override
    def _generate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with gathering(run_manager):
            return super()._generate_with_cache(messages, stop, run_manager, **kwargs)

    @override
    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with gathering(run_manager):
            return await super()._agenerate_with_cache(messages, stop, run_manager, **kwargs)


# LangChain inspects these two on every call; a signature made once saves a tenth of it.
for _method in (ChatSwitchyard._generate, ChatSwitchyard._agenerate):  # noqa: SLF001
    setattr(_method, "__signature__", inspect.signature(_method))  # noqa: B010 - unknown to types.
