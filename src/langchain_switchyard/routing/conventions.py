"""What LangChain asks of every chat model beside answering: tools, names, profile, token counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field, InstanceOf
from typing_extensions import override

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.caller import KEYWORD
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.profile import common_profile
from langchain_switchyard.routing.tokens import estimate_messages, estimate_text

_METHODS = ("function_calling", "json_schema", "json_mode")
"""Ways to structured output that LangChain's integrations know."""


class FleetChatModel(BaseChatModel):
    """A chat model that speaks for many deployments. How they are asked is its subclass's business.

    Cached properties and not private attributes: pydantic looks those up at 1 µs apiece.
    """

    deployments: list[InstanceOf[Deployment]] = Field(min_length=1)

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
        return self.bind(tools=[_described(tool) for tool in tools], **kwargs)

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Answers in the shape of a schema, by way of a tool call: the way all providers know.

        Args:
            schema: As for any chat model: a Pydantic class, a `TypedDict`, a JSON schema, a tool.
            include_raw: Whether the message and a parsing error are returned beside the answer.
            **kwargs: `method` and `strict`, taken for compatibility: every deployment is asked
                for a tool call.

        Raises:
            ConfigurationError: There is no such method.
        """
        method = kwargs.get("method")
        if method not in (None, *_METHODS):
            raise ConfigurationError(
                f"with_structured_output: there is no method {method!r}; "
                f"there are {', '.join(_METHODS)}"
            )
        return super().with_structured_output(schema, include_raw=include_raw, **kwargs)

    @cached_property
    def _identity(self) -> dict[str, Any]:
        # Every inner model is named: a cache key without them would mix up two routers' answers.
        inner = {d.id: d.model._dict_for_compat() for d in self.deployments}  # noqa: SLF001
        return {"deployments": inner, "_type": self._llm_type}

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
        kwargs.pop(KEYWORD, None)
        return super()._get_invocation_params(stop, **kwargs)

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        kwargs.pop(KEYWORD, None)
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
        preferred = min(self.deployments, key=lambda deployment: deployment.tier)
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


def _described(tool: dict[str, Any] | type | Callable[..., Any] | BaseTool) -> dict[str, Any]:
    """A tool as a dict; one that is a dict already may be a provider's own and stays as it is."""
    return tool if isinstance(tool, dict) else convert_to_openai_tool(tool)
