"""Azure OpenAI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.openai import ERRORS
from langchain_switchyard.providers.openai_like import model_arguments, sdk_arguments
from langchain_switchyard.providers.preset import Options, need, placed, require_known, secret
from langchain_switchyard.providers.settings import read_settings, read_text
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

API_VERSION = "2024-10-21"
"""The latest generally available version of the data plane; `AZURE_OPENAI_API_VERSION` wins."""

AZURE_ERRORS = ERRORS | ErrorTable(
    codes={
        "DeploymentNotFound": Kind.AUTH,
        "content_filter": Kind.CONTENT_FILTERED,
        "NoCapacity": Kind.OVERLOADED,
        "InternalServerError": Kind.SERVER_ERROR,
    },
    phrases=(("content management policy", Kind.CONTENT_FILTERED),),
)


@dataclass(frozen=True, kw_only=True)
class Azure:
    """Azure OpenAI; its "model" is the name of a deployment in the resource."""

    name: str = "azure"

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Whether key, endpoint and deployment are known."""
        found = read_settings("AZURE_OPENAI", env)
        return bool(found.api_key and _endpoint(env) and _deployment(env))

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make a deployment; what is left out comes from `AZURE_OPENAI_...`.

        Raises:
            ConfigurationError: An argument is unknown, or
                a key, endpoint or deployment name is missing; names the variable.
            MissingExtra: `langchain-openai` is not installed.
        """
        require_known(self.name, options)
        try:
            from langchain_openai import AzureChatOpenAI  # noqa: PLC0415 - an extra.
        except ImportError as error:
            raise MissingExtra("The azure provider", "openai") from error
        env = options.get("env", os.environ)
        found = read_settings("AZURE_OPENAI", env)
        key = secret(options.get("api_key")) or found.api_key
        endpoint = options.get("base_url") or _endpoint(env)
        name = model or _deployment(env)
        endpoint = need(endpoint, self.name, "a base URL", "AZURE_OPENAI_ENDPOINT")
        arguments = {
            **sdk_arguments(endpoint, options.get("clients")),
            "azure_endpoint": endpoint,
            "azure_deployment": need(name, self.name, "a model", "AZURE_OPENAI_DEPLOYMENT"),
            "api_key": need(key, self.name, "an API key", "AZURE_OPENAI_API_KEY"),
            "api_version": read_text(env, "AZURE_OPENAI_API_VERSION") or API_VERSION,
            **model_arguments(found, options),
            **options.get("extra", {}),
        }
        return placed(self.name, AzureChatOpenAI(**arguments), options, AZURE_ERRORS)


def _endpoint(env: Mapping[str, str]) -> str | None:
    return read_text(env, "AZURE_OPENAI_ENDPOINT") or read_text(env, "AZURE_OPENAI_BASE_URL")


def _deployment(env: Mapping[str, str]) -> str | None:
    return read_text(env, "AZURE_OPENAI_DEPLOYMENT") or read_text(env, "AZURE_OPENAI_MODEL")


azure = Azure()
"""`azure("my-deployment")`: reads `AZURE_OPENAI_API_KEY`, `_ENDPOINT`, `_DEPLOYMENT`..."""
