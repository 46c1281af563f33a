"""One preset shape for all providers that speak OpenAI's protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from pydantic import SecretStr

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.http import READ_TIMEOUT, HttpClients
from langchain_switchyard.providers.preset import Options, need, placed, require_known, secret
from langchain_switchyard.providers.settings import Settings, read_settings
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.failures.classify import GENERAL, ErrorTable


@dataclass(frozen=True, kw_only=True)
class OpenAILike:
    """A provider, described by what tells it from the others; called, it makes a deployment.

    Attributes:
        name: Name in labels and traces.
        prefix: Prefix of its environment variables; None: it reads none.
        base_url: Its public address; None: must be given.
        model: The model used when none is named. A provider may retire it: better name one.
        other_keys: Further variables that may hold the key.
        errors: How its error codes and messages read.
        needs_key: Whether calls without a key make no sense.
    """

    name: str
    prefix: str | None = None
    base_url: str | None = None
    model: str | None = None
    other_keys: tuple[str, ...] = ()
    errors: ErrorTable = GENERAL
    needs_key: bool = True

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Whether the environment holds a key, and a model where there is no default."""
        if self.prefix is None:
            return False
        found = read_settings(self.prefix, env, self.other_keys)
        has_address = bool(found.base_url or self.base_url)
        return found.api_key is not None and bool(found.model or self.model) and has_address

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make a deployment; what is left out comes from the environment.

        Raises:
            ConfigurationError: An argument is unknown, or
                a key, model or address is missing; names the variable to set.
            MissingExtra: `langchain-openai` is not installed.
        """
        require_known(self.name, options)
        env = options.get("env", os.environ)
        found = Settings()
        if self.prefix is not None:
            found = read_settings(self.prefix, env, self.other_keys)
        name = model or found.model or self.model
        url = options.get("base_url") or found.base_url or self.base_url
        key = secret(options.get("api_key")) or found.api_key
        # Servers without keys still get a header from the SDK, which refuses to start without one.
        key = key or (None if self.needs_key else SecretStr("none"))
        prefix = self.prefix or self.name.upper()
        arguments = {
            "model": need(name, self.name, "a model", f"{prefix}_MODEL"),
            "base_url": need(url, self.name, "a base URL", f"{prefix}_BASE_URL"),
            "api_key": need(key, self.name, "an API key", f"{prefix}_API_KEY"),
            **model_arguments(found, options),
        }
        return placed(self.name, self._chat_model(arguments, options), options, self.errors)

    def _chat_model(self, arguments: dict[str, Any], options: Options) -> Any:
        try:
            from langchain_switchyard.providers.compatible_chat import (  # noqa: PLC0415 - extra
                CompatibleChatModel,
            )
        except ImportError as error:
            raise MissingExtra(f"The {self.name} provider", "openai") from error
        shared = sdk_arguments(arguments["base_url"], options.get("clients"))
        return CompatibleChatModel(
            **{"provider": self.name, **shared, **arguments, **options.get("extra", {})}
        )


def model_arguments(found: Settings, options: Options) -> dict[str, Any]:
    """Temperature and length limit, where somebody asked for them."""
    temperature = options.get("temperature", found.temperature)
    max_tokens = options.get("max_tokens", found.max_tokens)
    chosen = {"temperature": temperature, "max_tokens": max_tokens}
    return {name: value for name, value in chosen.items() if value is not None}


def sdk_arguments(base_url: str, clients: HttpClients | None) -> dict[str, Any]:
    """What every model on the OpenAI SDK is given: our HTTP clients, no retries, usage always."""
    clients = clients or HttpClients()
    return {
        "http_client": clients.sync("openai", base_url),
        "http_async_client": clients.asynchronous("openai", base_url),
        "timeout": READ_TIMEOUT,
        "max_retries": 0,
        # Off by default as soon as an own address or client is given.
        "stream_usage": True,
        # Read from OPENAI_PROXY otherwise, and refused beside an own client.
        "openai_proxy": None,
    }
