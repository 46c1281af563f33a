"""What every preset shares: a name, a way to see whether it is configured, and a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, TypeVar, Unpack, runtime_checkable

from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers.http import HttpClients
from langchain_switchyard.routing.deployment import Deployment, Price, Traits
from langchain_switchyard.routing.failures.classify import ErrorTable

Value = TypeVar("Value")


class CommonOptions(TypedDict, total=False):
    """Keyword arguments that every preset takes, beside the address."""

    api_key: SecretStr | str
    temperature: float
    max_tokens: int
    clients: HttpClients
    """Shared HTTP clients; left out: the deployment's own."""
    env: Mapping[str, str]
    """Where to read settings; left out: the process's environment."""
    id: str
    tier: int
    weight: float
    price: Price
    traits: Traits
    """Replaces what the preset knows of the provider."""
    extra: Mapping[str, Any]
    """Further arguments for the chat model's own class."""


class Options(CommonOptions, total=False):
    """Keyword arguments that every preset takes.

    What is left out is read from the environment, then takes the preset's default.
    """

    base_url: str


@runtime_checkable
class Preset(Protocol):
    """Makes deployments of one provider."""

    @property
    def name(self) -> str:
        """Name in labels and traces."""
        ...

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Whether the environment holds what a deployment needs."""
        ...

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make one deployment."""
        ...


def secret(value: SecretStr | str | None) -> SecretStr | None:
    """The value, wrapped so that it cannot be printed by accident."""
    return SecretStr(value) if isinstance(value, str) else value


def placed(
    provider: str, chat_model: Any, options: Options, errors: ErrorTable | None = None
) -> Deployment:
    """The deployment of a model, placed as the options say."""
    traits = options.get("traits")
    if traits is None:
        traits = (
            Traits(provider=provider)
            if errors is None
            else Traits(provider=provider, errors=errors)
        )
    return Deployment(
        chat_model,
        options.get("id", ""),
        tier=options.get("tier", 0),
        weight=options.get("weight", 1.0),
        price=options.get("price"),
        traits=traits,
    )


def need(value: Value | None, provider: str, what: str, variable: str) -> Value:
    """The value, or an error that says which variable would have given it."""
    if value is None:
        raise ConfigurationError(
            f"{provider} needs {what}: set the environment variable {variable} or pass "
            f"{what.removeprefix('a ').removeprefix('an ').replace(' ', '_').lower()}=..."
        )
    return value
