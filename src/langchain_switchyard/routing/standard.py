"""The parameters that LangChain users give any chat model, and what they mean for a fleet."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.layer import LayerSource
from langchain_switchyard.routing.retry import RetryPolicy
from langchain_switchyard.routing.timeouts import Timeouts

_log = logging.getLogger(__name__)

_FOR_EVERY_MODEL = ("temperature", "max_tokens", "top_p", "stop", "seed")
"""Given to each deployment's model with every call."""


def absorb(values: dict[str, Any]) -> dict[str, Any]:
    """Constructor arguments with the standard ones translated into our own.

    `temperature`, `max_tokens`, `top_p`, `stop` and `seed` go to every model, `timeout` limits an
    attempt, `max_retries` counts attempts beyond the first. A key is a deployment's own business:
    `api_key` here is dropped with a warning.
    """
    values = dict(values)
    common = {
        name: values.pop(name) for name in _FOR_EVERY_MODEL if values.get(name) not in (None, [])
    }
    for name in _FOR_EVERY_MODEL:
        values.pop(name, None)
    if common:
        values["deployments"] = [
            deployment.binding(common) if isinstance(deployment, Deployment) else deployment
            for deployment in values.get("deployments") or []
        ]
    timeout = values.pop("timeout", None)
    if timeout is not None:
        _only_once("timeout", "timeouts", values)
        values["timeouts"] = Timeouts(total=float(timeout))
    retries = values.pop("max_retries", None)
    if retries is not None:
        _only_once("max_retries", "retry", values)
        values["retry"] = dataclasses.replace(RetryPolicy(), max_attempts=retries + 1)
    if values.pop("api_key", None) is not None:
        _log.warning("api_key is ignored: every deployment's model has its own")
    if isinstance(given := values.get("cache"), type):
        raise ConfigurationError(f"cache= is an object, not a class: cache={given.__name__}()")
    if isinstance(given, LayerSource):
        # LangChain's own cache knows nothing of streams, tenants or outages: ours replaces it.
        values["response_cache"], values["cache"] = values["cache"], False
    values.pop("streaming", None)  # It always streams when asked to.
    return values


def _only_once(standard: str, own: str, values: dict[str, Any]) -> None:
    if own in values:
        raise ConfigurationError(f"give either {standard}= or {own}=, not both")
