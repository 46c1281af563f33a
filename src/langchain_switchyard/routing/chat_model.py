"""ChatSwitchyard: LangChain's face of the pipeline. Thin: it translates, and decides nothing."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cached_property
from typing import Any, NamedTuple, Self
from uuid import uuid4

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, InstanceOf, model_validator
from typing_extensions import override

from langchain_switchyard._version import __version__
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.balance import Strategy, StrategyName, strategy_named
from langchain_switchyard.routing.breaker import Breaker, BreakerPolicy
from langchain_switchyard.routing.call import Call, CallOptions, Recovery, Reply
from langchain_switchyard.routing.clock import Clock, World
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.drive_async import AsyncDriver
from langchain_switchyard.routing.drive_sync import SyncDriver
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.events import Audience, Observer
from langchain_switchyard.routing.explain import Explanation, explain
from langchain_switchyard.routing.layer import Handler, LayerSource
from langchain_switchyard.routing.pipeline import pipeline
from langchain_switchyard.routing.profile import common_profile
from langchain_switchyard.routing.recovery import resolve
from langchain_switchyard.routing.retry import RetryPolicy
from langchain_switchyard.routing.spans import LLMRun, Spans, spans_of_config, spans_of_run
from langchain_switchyard.routing.standard import absorb
from langchain_switchyard.routing.state import DeploymentState
from langchain_switchyard.routing.stats import FleetStats, fleet_stats
from langchain_switchyard.routing.timeouts import Timeouts
from langchain_switchyard.routing.tokens import estimate_messages, estimate_text

_CALLER = "switchyard_caller"
"""Keyword under which `stream` tells `_stream` who is asking; it never leaves this file."""

_gathering: ContextVar[LLMRun | None] = ContextVar("switchyard_gathering", default=None)
"""The run inside which LangChain sums our chunks itself; set around that code only."""


class ChatSwitchyard(BaseChatModel):
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

    deployments: list[InstanceOf[Deployment]] = Field(min_length=1)
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
        ids = [deployment.id for deployment in self.deployments]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ConfigurationError(
                f"deployment ids must be unique, {', '.join(twice)} appears twice: give each an id"
            )
        _ = self._yard, self._identity  # What cannot work is refused now, not at the first call.
        self._add_version("langchain-switchyard", __version__)
        return self

    # Cached properties and not private attributes: pydantic looks those up at 1 µs apiece.

    @cached_property
    def _yard(self) -> Yard:
        states = [
            DeploymentState(
                deployment, Breaker(self.breaker, self.world.random), self.timeouts.connect
            )
            for deployment in sorted(self.deployments, key=lambda deployment: deployment.tier)
        ]
        handler = pipeline(
            strategy=strategy_named(self.balance),
            retries=self.retry,
            timeouts=self.timeouts,
            audience=Audience(self.observers),
            world=self.world,
            cache=self.response_cache,
        )
        return Yard(states, handler, self.world.clock)

    @cached_property
    def _identity(self) -> dict[str, Any]:
        # Every inner model is named: a cache key without them would mix up two routers' answers.
        inner = {d.id: d.model._dict_for_compat() for d in self.deployments}  # noqa: SLF001
        return {"deployments": inner, "_type": self._llm_type}

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
        self._state(deployment).breaker.isolate()

    def restore(self, deployment: str) -> None:
        """Let an isolated (or open) deployment be asked again at once."""
        self._state(deployment).breaker.restore()

    def _state(self, deployment: str) -> DeploymentState:
        for state in self._yard.states:
            if state.deployment.id == deployment:
                return state
        known = ", ".join(state.deployment.id for state in self._yard.states)
        raise ConfigurationError(f"no deployment {deployment!r}; there are: {known}")

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
        options = _options(kwargs.pop("switchyard", None))
        kwargs.pop(_CALLER, None)
        kwargs.pop("stream", None)  # Which way in was taken says it already.
        return Call(messages, stop, kwargs, options, spans=spans)

    def _streamed_call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: dict[str, Any],
        run_manager: LLMRun | None,
    ) -> Call:
        caller: _Caller | None = kwargs.get(_CALLER)
        gathering = _gathering.get() if caller is None else None
        spans = caller.spans if caller is not None else spans_of_run(run_manager or gathering)
        call = self._call(messages, stop, kwargs, spans)
        call.streamed = True
        call.recovery = resolve(
            call.options.recovery or self.recovery,
            opted_in=call.options.recovery is not None,
            is_summed=gathering is not None,
            # Only the event protocol (v3) hands its run manager down; it knows no reset.
            is_protocol=run_manager is not None,
        )
        return call

    # --- Who is asking: LangChain hides it from `_stream`, so it is told on the way ---

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        config, caller = _announce(config)
        if self._should_stream(async_api=False, **{**kwargs, "stream": True}):
            kwargs[_CALLER] = caller
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
        config, caller = _announce(config)
        if self._should_stream(async_api=True, **{**kwargs, "stream": True}):
            kwargs[_CALLER] = caller
        return super().astream(input, config, stop=stop, **kwargs)

    @override
    def _generate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        token = _gathering.set(run_manager)
        try:
            return super()._generate_with_cache(messages, stop, run_manager, **kwargs)
        finally:
            _gathering.reset(token)

    @override
    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        token = _gathering.set(run_manager)
        try:
            return await super()._agenerate_with_cache(messages, stop, run_manager, **kwargs)
        finally:
            _gathering.reset(token)

    # --- What LangChain asks of every chat model ---

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Keep the tools in the common format; each attempt asks its own model for its own.

        Args:
            tools: Anything LangChain can read as a tool.
            tool_choice: `"auto"`, `"any"`, `"none"`, a tool's name, or a provider's own dict.
            **kwargs: For the inner model's `bind_tools` (`strict`, `parallel_tool_calls`...).
        """
        if tool_choice is not None:
            # "required" is one provider's word; "any" is the one that all integrations know.
            any_tool = tool_choice is True or tool_choice == "required"
            kwargs["tool_choice"] = "any" if any_tool else tool_choice
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    @property
    @override
    def _llm_type(self) -> str:
        return "switchyard"

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        return self._identity

    @override
    def _dict_for_compat(self) -> dict[str, Any]:
        return dict(self._identity)

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        kwargs.pop(_CALLER, None)
        return super()._get_invocation_params(stop, **kwargs)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        kwargs.pop(_CALLER, None)
        if not stop and not kwargs:
            return self._usual_ls_params.copy()
        return self._preferred_ls_params(stop, kwargs)

    @cached_property
    def _usual_ls_params(self) -> LangSmithParams:
        return self._preferred_ls_params(None, {})

    def _preferred_ls_params(
        self, stop: list[str] | None, kwargs: dict[str, Any]
    ) -> LangSmithParams:
        """As the deployment that is asked first says; who answers is known only afterwards."""
        preferred = self._yard.states[0].deployment
        asked = {**preferred.bound, "stop": stop, **kwargs}
        return preferred.model._get_ls_params(**asked)  # noqa: SLF001

    @override
    def _resolve_model_profile(self) -> ModelProfile | None:
        return common_profile(self.deployments)

    @override
    def get_num_tokens(self, text: str) -> int:
        """About how many tokens a text has; nothing is downloaded."""
        return estimate_text(text)

    @override
    def get_num_tokens_from_messages(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] | None = None,
        **_kwargs: Any,
    ) -> int:
        """About how many input tokens messages and tools have; nothing is downloaded."""
        schemas = None if tools is None else [convert_to_openai_tool(tool) for tool in tools]
        return estimate_messages(messages, schemas)


class Yard(NamedTuple):
    """The pipeline, and what is remembered of the deployments it chooses from."""

    states: Sequence[DeploymentState]
    handler: Handler
    clock: Clock

    def handle(self, call: Call) -> Steps[Reply]:
        """The flow of one call."""
        return self.handler(call, self.states)


class _Caller:
    """Who called `stream` or `astream`: its spans, made before the run itself is open."""

    def __init__(self, spans: Spans | None) -> None:
        self.spans = spans


def _announce(config: RunnableConfig | None) -> tuple[RunnableConfig, _Caller]:
    """The config with a run id chosen by us, so that attempts can be traced under that run."""
    config = ensure_config(config)
    run_id = config.get("run_id") or uuid4()
    return {**config, "run_id": run_id}, _Caller(spans_of_config(config, run_id))


def _options(given: CallOptions | Mapping[str, Any] | None) -> CallOptions:
    if given is None:
        return _NO_OPTIONS
    return given if isinstance(given, CallOptions) else CallOptions(**given)


_NO_OPTIONS = CallOptions()

# LangChain inspects these two on every call; a signature made once saves a tenth of it.
for _method in (ChatSwitchyard._generate, ChatSwitchyard._agenerate):  # noqa: SLF001
    setattr(_method, "__signature__", inspect.signature(_method))  # noqa: B010 - unknown to types.
