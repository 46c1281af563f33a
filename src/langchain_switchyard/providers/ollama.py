"""Ollama, on this machine or near it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from pydantic import SecretStr

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.http import READ_TIMEOUT, HttpClients, library_of
from langchain_switchyard.providers.openai_like import model_arguments
from langchain_switchyard.providers.preset import Options, need, placed, require_known, secret
from langchain_switchyard.providers.settings import read_settings, read_text
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

BASE_URL = "http://localhost:11434"

ERRORS = ErrorTable(
    phrases=(
        ("server busy", Kind.OVERLOADED),
        ("maximum pending requests exceeded", Kind.OVERLOADED),
        ("exceeds the available context size", Kind.CONTEXT_LENGTH),
        ("not found", Kind.AUTH),
        ("runner process", Kind.SERVER_ERROR),
        ("requires more system memory", Kind.SERVER_ERROR),
    ),
)
"""Ollama speaks by status and words: 404 model not pulled, 503 queue full, 500 runner gone."""


@dataclass(frozen=True, kw_only=True)
class Ollama:
    """A local model server. Mind `num_ctx`: longer prompts are cut without a word."""

    name: str = "ollama"

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Whether a model is named; there is no key, and no model that everybody has."""
        return read_settings("OLLAMA", env).model is not None

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make a deployment; what is left out comes from `OLLAMA_...`.

        Raises:
            ConfigurationError: An argument is unknown, or
                no model is named; names the variable to set.
            MissingExtra: `langchain-ollama` is not installed.
        """
        require_known(self.name, options)
        try:
            from langchain_ollama import ChatOllama  # noqa: PLC0415 - an extra.
        except ImportError as error:
            raise MissingExtra("The ollama provider", "ollama") from error
        env = options.get("env", os.environ)
        found = read_settings("OLLAMA", env)
        url = options.get("base_url") or found.base_url or read_text(env, "OLLAMA_HOST") or BASE_URL
        key = secret(options.get("api_key")) or found.api_key
        sizes = model_arguments(found, options)
        if "max_tokens" in sizes:
            sizes["num_predict"] = sizes.pop("max_tokens")
        arguments = {
            "model": need(model or found.model, self.name, "a model", "OLLAMA_MODEL"),
            "base_url": url,
            **_client_arguments(url, key, options.get("clients") or HttpClients()),
            **sizes,
            **options.get("extra", {}),
        }
        return placed(self.name, ChatOllama(**arguments), options, ERRORS)


def _client_arguments(url: str, key: SecretStr | None, clients: HttpClients) -> dict[str, Any]:
    library = library_of("ollama")
    return {
        "client_kwargs": {"timeout": READ_TIMEOUT, "auth": None if key is None else _Bearer(key)},
        "sync_client_kwargs": {"transport": clients.sync_transport(library, url)},
        "async_client_kwargs": {"transport": clients.async_transport(library, url)},
    }


@dataclass(frozen=True)
class _Bearer:
    """Adds the key to a request; as a plain header it would show in the model's repr."""

    key: SecretStr

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self.key.get_secret_value()}"
        return request


ollama = Ollama()
"""`ollama("qwen3:8b")`: reads `OLLAMA_BASE_URL` (or `OLLAMA_HOST`), `OLLAMA_MODEL`..."""
