"""Anthropic."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.http import READ_TIMEOUT, HttpClients
from langchain_switchyard.providers.openai_like import model_arguments
from langchain_switchyard.providers.preset import Options, need, placed, require_known, secret
from langchain_switchyard.providers.settings import read_settings
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

BASE_URL = "https://api.anthropic.com"
MODEL = "claude-haiku-4-5"

ERRORS = ErrorTable(
    codes={
        "invalid_request_error": Kind.BAD_REQUEST,
        "authentication_error": Kind.AUTH,
        "billing_error": Kind.QUOTA_EXHAUSTED,
        "permission_error": Kind.AUTH,
        "not_found_error": Kind.AUTH,
        "request_too_large": Kind.CONTEXT_LENGTH,
        "rate_limit_error": Kind.RATE_LIMITED,
        "timeout_error": Kind.TIMEOUT,
        "api_error": Kind.SERVER_ERROR,
        "overloaded_error": Kind.OVERLOADED,
    },
    phrases=(
        ("credit balance is too low", Kind.QUOTA_EXHAUSTED),
        ("reached your specified api usage limits", Kind.QUOTA_EXHAUSTED),
        ("prompt is too long", Kind.CONTEXT_LENGTH),
        ("exceed context limit", Kind.CONTEXT_LENGTH),
        ("output blocked by content filtering policy", Kind.CONTENT_FILTERED),
    ),
)
"""Source: docs.claude.com, API errors."""


@dataclass(frozen=True, kw_only=True)
class Anthropic:
    """Anthropic's own API."""

    name: str = "anthropic"

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Whether the environment holds a key."""
        return read_settings("ANTHROPIC", env).api_key is not None

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make a deployment; what is left out comes from `ANTHROPIC_...`.

        Raises:
            ConfigurationError: An argument is unknown, or
                the key is missing; names the variable to set.
            MissingExtra: `langchain-anthropic` is not installed.
        """
        require_known(self.name, options)
        try:
            from langchain_anthropic import ChatAnthropic  # noqa: PLC0415 - an extra.
        except ImportError as error:
            raise MissingExtra("The anthropic provider", "anthropic") from error
        found = read_settings("ANTHROPIC", options.get("env", os.environ))
        key = secret(options.get("api_key")) or found.api_key
        arguments = {
            "model_name": model or found.model or MODEL,
            "base_url": options.get("base_url") or found.base_url or BASE_URL,
            "api_key": need(key, self.name, "an API key", "ANTHROPIC_API_KEY"),
            "max_retries": 0,
            "timeout": READ_TIMEOUT,
            "stream_usage": True,
            **model_arguments(found, options),
            **options.get("extra", {}),
        }
        chat_model = ChatAnthropic(**arguments)
        _share_clients(chat_model, arguments["base_url"], options.get("clients") or HttpClients())
        return placed(self.name, chat_model, options, ERRORS)


def _share_clients(chat_model: Any, base_url: str, clients: HttpClients) -> None:
    """Put our HTTP clients where the model would cache its own: it has no field for them."""
    sdk = importlib.import_module("anthropic")
    parameters = chat_model._client_params  # noqa: SLF001 - what it would pass by itself.
    held = vars(chat_model)
    held["_client"] = sdk.Client(**parameters, http_client=clients.sync("anthropic", base_url))
    held["_async_client"] = sdk.AsyncClient(
        **parameters, http_client=clients.asynchronous("anthropic", base_url)
    )


anthropic = Anthropic()
"""`anthropic("claude-...")`: reads `ANTHROPIC_API_KEY`, `ANTHROPIC_MODEL`..."""
