"""Lists the models that a deployment's key may use. Free at every provider."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.deployment import Deployment


class NoModelList(ConfigurationError):
    """This kind of model has no list that could be asked for."""


def list_models(deployment: Deployment) -> list[str]:
    """Names of the models, sorted. One free request; the provider's own errors pass through.

    Raises:
        NoModelList: This kind of model has no list.
    """
    client = _client(deployment, "sync")
    if client is None:
        return [deployment.model_name]
    answer = client.list() if hasattr(client, "list") else client.models.list()
    return _names(answer)


async def alist_models(deployment: Deployment) -> list[str]:
    """Names of the models, sorted. One free request; the provider's own errors pass through.

    Raises:
        NoModelList: This kind of model has no list.
    """
    client = _client(deployment, "async")
    if client is None:
        return [deployment.model_name]
    answer = client.list() if hasattr(client, "list") else client.models.list()
    if isinstance(answer, Awaitable):
        answer = await answer
    return _names(answer)


def _client(deployment: Deployment, mode: str) -> Any:
    """The SDK's client, or None for a model that runs in this process."""
    model = deployment.model
    if getattr(type(model), "keeps_timeout", False) is True:
        return None
    names = {
        "sync": ("root_client", "_client"),
        "async": ("root_async_client", "_async_client"),
    }[mode]
    for name in names:
        client = getattr(model, name, None)
        if hasattr(client, "models") or hasattr(client, "list"):
            return client
    raise NoModelList(
        f"{deployment.id}: {type(model).__name__} gives no list of models; "
        "ask the provider's console"
    )


def _names(answer: Any) -> list[str]:
    """Names out of a page (`data`, `id`) or of Ollama's list (`models`, `model`)."""
    entries: Iterable[Any] = getattr(answer, "data", None) or getattr(answer, "models", None) or ()
    names = (getattr(entry, "id", None) or getattr(entry, "model", None) for entry in entries)
    return sorted(str(name) for name in names if name)
