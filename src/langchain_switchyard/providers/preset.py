"""What every preset shares: a name, a way to see whether it is configured, and a call."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
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


_OTHER_WORDS = {
    **dict.fromkeys(("endpoint", "azure_endpoint", "api_base", "url", "host"), "base_url"),
    **dict.fromkeys(("key", "token", "secret"), "api_key"),
    **dict.fromkeys(("max_completion_tokens", "num_predict"), "max_tokens"),
    "name": "id",
}
"""What others call our options."""


def require_known(
    provider: str, options: Mapping[str, Any], known: frozenset[str] | None = None
) -> None:
    """Refuse keyword arguments that would do nothing.

    Args:
        provider: Whose preset was called, for the message.
        options: What it was given.
        known: What it takes; `Options`, unless given.

    Raises:
        ConfigurationError: Names what is unknown, what may have been meant, and the way around.
    """
    allowed = known or Options.__optional_keys__
    wrong = [name for name in options if name not in allowed]
    if not wrong:
        return
    told = []
    for name in wrong:
        near = [_OTHER_WORDS.get(name, ""), *get_close_matches(name, allowed, 1, 0.7)]
        meant = next((one for one in near if one in allowed), None)
        told.append(f"{name!r}" + (f" (did you mean {meant!r}?)" if meant else ""))
    example = f"extra={{{wrong[0]!r}: ...}}"
    raise ConfigurationError(
        f"{provider} knows no {', '.join(told)}; it takes {', '.join(sorted(allowed))}. "
        f"Arguments of the model's own class go into {example}"
    )


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
