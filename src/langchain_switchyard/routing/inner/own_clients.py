"""Switches off the retries a model's own client makes.

Retries multiply: an SDK that asks three times inside a router that asks four times asks twelve
times, and hides every failure but the last from breakers and limiters. So each deployment works on
a copy of the caller's model whose client asks once; the caller's own object is never changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from langchain_core.language_models import BaseChatModel

from langchain_switchyard.routing.inner.event_stream import tolerate_noise

_COUNTS_ATTEMPTS: Mapping[str, int] = {"ChatTongyi": 1}
"""Classes that read their `max_retries` at every call and mean attempts, the first included."""


def without_own_retries(model: BaseChatModel) -> BaseChatModel:
    """A copy of `model` that makes one request per call, or `model` itself if it has no client.

    Clients of the OpenAI and Anthropic kind are replaced by `with_options(max_retries=0)`, which
    shares the HTTP client (and its sockets) with the original. Where the effect cannot be verified,
    one warning says how the counts multiply.
    """
    attempts = next((_COUNTS_ATTEMPTS[n] for n in _class_names(model) if n in _COUNTS_ATTEMPTS), 0)
    if attempts:
        return _with_field(model, {}, attempts)
    clients = _clients(model)
    if clients or _builds_clients_late(model):
        return _with_field(model, _single_shot(clients), 0)
    if "max_retries" in type(model).model_fields:
        return _unverified(model)
    return model


def with_fresh_connections(model: BaseChatModel) -> BaseChatModel:
    """A copy whose async clients open connections of their own, in the running event loop.

    For clients that kept sockets of a loop that is gone. A client of the caller's own making is
    left as it is: only its owner knows how it was set up.
    """
    if getattr(model, "http_async_client", None) is not None:
        return model
    renewed: dict[int, Any] = {}
    replaced: dict[str, Any] = {}
    for name, value in _clients(model).items():
        client = value if _is_client(value) else value._client  # noqa: SLF001 - the only road.
        if not type(client).__name__.startswith("Async"):
            continue
        if id(client) not in renewed:
            sdk = import_module(type(client).__module__.partition(".")[0])
            fresh = sdk.DefaultAsyncHttpxClient(base_url=client.base_url)
            renewed[id(client)] = client.with_options(http_client=fresh)
            tolerate_noise(renewed[id(client)])
        single = renewed[id(client)]
        replaced[name] = single if client is value else type(value)(single)
    return model.model_copy(update=replaced) if replaced else model


def _class_names(model: BaseChatModel) -> list[str]:
    return [cls.__name__ for cls in type(model).__mro__]


def _clients(model: BaseChatModel) -> dict[str, Any]:
    """Attribute -> SDK client, or part of one, for all that the model holds.

    Both SDKs share one shape: a client has `with_options`, and its parts (`chat.completions`) are
    built from the client alone and keep it as `_client`.
    """
    return {
        name: value
        for name, value in vars(model).items()
        if _is_client(value) or _is_client(getattr(value, "_client", None))
    }


def _single_shot(clients: Mapping[str, Any]) -> dict[str, Any]:
    """Attribute -> our own copy: it asks once, and passes over noise in its streams."""
    once: dict[int, Any] = {}
    replaced: dict[str, Any] = {}
    for name, value in clients.items():
        client = value if _is_client(value) else value._client  # noqa: SLF001 - the only road.
        # The same client under two names stays one client.
        if id(client) not in once:
            once[id(client)] = client.with_options(max_retries=0)
            tolerate_noise(once[id(client)])
        single = once[id(client)]
        replaced[name] = single if client is value else type(value)(single)
    return replaced


def _is_client(value: Any) -> bool:
    return isinstance(getattr(value, "max_retries", None), int) and callable(
        getattr(value, "with_options", None)
    )


def _builds_clients_late(model: BaseChatModel) -> bool:
    """Whether the model (ChatAnthropic) makes its client from its own fields when first asked."""
    return isinstance(getattr(type(model), "_client_params", None), cached_property)


def _with_field(model: BaseChatModel, clients: Mapping[str, Any], value: int) -> BaseChatModel:
    if not clients and getattr(model, "max_retries", value) == value:
        return model
    copy = model.model_copy(update=dict(clients))
    if "max_retries" in type(model).model_fields:
        copy.__dict__["max_retries"] = value
    # What was derived from the old number is derived again.
    copy.__dict__.pop("_client_params", None)
    return copy


def _unverified(model: BaseChatModel) -> BaseChatModel:
    own = getattr(model, "max_retries", None)
    if own == 0:
        return model
    count = f"{own + 1}" if isinstance(own, int) else "N"
    warnings.warn(
        f"{type(model).__name__} retries by itself (max_retries={own}). It was set to 0 on a copy, "
        "but whether its client heeds that is not known: if not, one request may make up to "
        f"{count} x M calls, M being the router's max_attempts. Build it with max_retries=0.",
        UserWarning,
        stacklevel=4,
    )
    return model.model_copy(update={"max_retries": 0})
