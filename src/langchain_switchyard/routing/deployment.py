"""A deployment: one callable endpoint with its credentials, its place in line and its price."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableBinding

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.failures.error_table import GENERAL, ErrorTable
from langchain_switchyard.routing.inner.own_clients import with_own_clients
from langchain_switchyard.routing.needs import JSON_MODE
from langchain_switchyard.routing.plain_values import number, whole

Capability = Literal["tools", "structured_output", "vision", "audio", "pdf", "reasoning", "prefill"]
"""What a request may require of a deployment."""

_PROFILE_KEYS: Mapping[str, str] = {
    "tools": "tool_calling",
    "structured_output": "structured_output",
    "vision": "image_inputs",
    "audio": "audio_inputs",
    "pdf": "pdf_inputs",
    "reasoning": "reasoning_output",
}
"""Capability -> key of LangChain's model profile."""

_FINISHING_PACKAGES = frozenset({"langchain_openai", "langchain_anthropic", "langchain_ollama"})
"""Integrations whose protocol ends every whole answer with a reason; without one it was cut."""


def cache_read(usage: UsageMetadata | None) -> int | None:
    """Input tokens that a provider read from its own prompt cache; None if it did not tell."""
    details = None if usage is None else usage.get("input_token_details")
    read = None if details is None else details.get("cache_read")
    return read if isinstance(read, int) else None


@dataclass(frozen=True, kw_only=True)
class Price:
    """What tokens cost.

    Example:
        `Price(input=2.5, output=10, cached_input=1.25)` reads "USD per million tokens".
    """

    input: float
    output: float
    cached_input: float | None = None
    """Price of input tokens read from the provider's prompt cache; None: as `input`."""
    currency: str = "USD"
    per: int = 1_000_000
    """How many tokens the figures are for."""

    def __post_init__(self) -> None:
        """Take any kind of number, and refuse what is none: a paid answer is too late for that."""
        for name in ("input", "output", "cached_input"):
            value = getattr(self, name)
            if name != "cached_input" or value is not None:
                plain = float(value) if isinstance(value, Decimal) else value
                number(f"Price.{name}", plain, at_least=0)
                if plain == math.inf:
                    raise ConfigurationError(f"Price.{name} must be finite, got {value!r}")
                object.__setattr__(self, name, float(plain))
        whole("Price.per", self.per, at_least=1)

    def cost(self, usage: UsageMetadata) -> float:
        """Money for one answer, in `currency`. Cached tokens are never billed twice."""
        cached = cache_read(usage) or 0
        fresh = usage["input_tokens"] - cached
        cached_price = self.input if self.cached_input is None else self.cached_input
        total = fresh * self.input + cached * cached_price + usage["output_tokens"] * self.output
        return total / self.per


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What is known of a deployment beyond what its model says of itself.

    Everything is optional: providers' presets fill it in, and unknown means "find out or allow".
    """

    provider: str | None = None
    """Name for labels and traces, such as `qwen`; None: what the model reports."""

    context_window: int | None = None
    """Tokens of input and output together; None: from the model's profile, else undeclared."""

    capabilities: frozenset[Capability] | None = None
    """What it can do; None: from the model's profile, and what that does not say is allowed."""

    sends_finish_reason: bool | None = None
    """Whether its streams always end with a finish reason; None: learned from its own streams."""

    errors: ErrorTable = GENERAL
    """How its error codes and messages read."""


@dataclass(frozen=True)
class Deployment:
    """One callable endpoint: a model with credentials, and its place among the others.

    Attributes:
        model: Any LangChain chat model, or one with arguments bound to it (`model.bind(...)`).
        id: Unique name in logs, metrics and `explain()`; default: the model's own name.
        tier: Order of preference; 0 is asked first, others only when all better ones failed.
        weight: Share of the traffic within its tier.
        price: What its tokens cost; None: costs are not computed for it.
        traits: What is known of it beyond its model's own profile.
    """

    model: BaseChatModel
    id: str = ""
    tier: int = 0
    weight: float = 1.0
    price: Price | None = None
    traits: Traits = field(default_factory=Traits)
    bound: Mapping[str, Any] = field(init=False, repr=False, default_factory=dict)
    """Keyword arguments that were bound to the model, given to every call."""

    def __init__(
        self,
        model: BaseChatModel | RunnableBinding[Any, Any],
        id: str = "",  # noqa: A002 - the public name of the field.
        *,
        tier: int = 0,
        weight: float = 1.0,
        price: Price | None = None,
        traits: Traits | None = None,
    ) -> None:
        """Unwrap bound arguments, switch the client's own retries off, name the deployment."""
        chat_model, bound = _unwrap(model)
        number("Deployment.weight", weight, above=0)
        if weight == math.inf:
            raise ConfigurationError("Deployment.weight must be finite: others have a share, too")
        whole("Deployment.tier", tier, at_least=0)
        values = {
            "model": with_own_clients(chat_model),
            "id": id or model_name(chat_model) or type(chat_model).__name__,
            "tier": tier,
            "weight": weight,
            "price": price,
            "traits": traits or Traits(),
            "bound": bound,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def binding(self, kwargs: Mapping[str, Any]) -> Deployment:
        """The same deployment with more arguments bound; those it has already stay."""
        twin = copy.copy(self)
        object.__setattr__(twin, "bound", {**kwargs, **self.bound})
        return twin

    @property
    def model_name(self) -> str:
        """The provider's name of the model, or the deployment's id."""
        return model_name(self.model) or self.id

    @property
    def provider(self) -> str:
        """Who runs it, for labels and traces."""
        if self.traits.provider:
            return self.traits.provider
        params = self.model._get_ls_params()  # noqa: SLF001 - LangChain's own way to ask.
        return params.get("ls_provider") or "unknown"

    @property
    def sends_finish_reason(self) -> bool | None:
        """Whether its streams always end with a finish reason; None: its streams will tell."""
        if self.traits.sends_finish_reason is not None:
            return self.traits.sends_finish_reason
        packages = {cls.__module__.partition(".")[0] for cls in type(self.model).__mro__}
        return True if packages & _FINISHING_PACKAGES else None

    @property
    def context_window(self) -> int | None:
        """Tokens it can read, or None if it does not say."""
        if self.traits.context_window is not None:
            return self.traits.context_window
        window = (self.model.profile or {}).get("max_input_tokens")
        return window if isinstance(window, int) else None

    def can(self, capability: str) -> bool:
        """Whether it has an ability; what nobody declared is allowed, except prefill."""
        if capability == JSON_MODE:
            return self.can("structured_output") or self.can("tools")
        declared = self.traits.capabilities
        if declared is not None:
            return capability in declared
        if capability == "prefill":
            # Most providers now refuse it or answer it wrongly: only on the owner's word.
            return False
        if capability == "tools" and type(self.model).bind_tools is BaseChatModel.bind_tools:
            return False
        key = _PROFILE_KEYS.get(capability, capability)
        return bool((self.model.profile or {}).get(key, True))


def _unwrap(
    model: BaseChatModel | RunnableBinding[Any, Any],
) -> tuple[BaseChatModel, dict[str, Any]]:
    bound: dict[str, Any] = {}
    inner: Any = model
    while isinstance(inner, RunnableBinding):
        if inner.config:
            warnings.warn(
                f"the config bound to {type(inner.bound).__name__} ({', '.join(inner.config)}) is "
                "not used: bind it to the router, whose run is the only one",
                UserWarning,
                stacklevel=4,
            )
        bound = {**inner.kwargs, **bound}
        inner = inner.bound
    if not isinstance(inner, BaseChatModel):
        raise ConfigurationError(
            f"a deployment needs a chat model, got {type(inner).__name__}; "
            "with_fallbacks(), with_retry() and chains are not chat models: "
            "give each model as its own deployment"
        )
    return inner, bound


def model_name(model: BaseChatModel) -> str | None:
    """The provider's name of a model, however its class calls the field."""
    for attribute in ("model_name", "model", "model_id", "deployment_name"):
        value = getattr(model, attribute, None)
        if isinstance(value, str) and value:
            return value
    return None
