"""Each deployment works on a copy of the caller's model, with clients of its own.

The copy's clients share the caller's connections, and differ in three ways. They ask once: an SDK
that asks three times inside a router that asks four times asks twelve times, and hides every
failure but the last from breakers and limiters. They pass over one event of noise per stream
(`event_stream.py`). And what they read in synchronous code ends with the request (`leash.py`).
The caller's own objects are never changed.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from langchain_core.language_models import BaseChatModel

from langchain_switchyard.routing.inner.event_stream import is_tolerant, tolerate_noise
from langchain_switchyard.routing.inner.http_client import dressed

_COUNTS_ATTEMPTS: Mapping[str, int] = {"ChatTongyi": 1}
"""Classes that read their `max_retries` at every call and mean attempts, the first included."""


def with_own_clients(model: BaseChatModel) -> BaseChatModel:
    """A copy of `model` with clients of its own, or `model` itself if it has none.

    Clients of the OpenAI and Anthropic kind are replaced by `with_options(max_retries=0)`, which
    shares the HTTP client (and its sockets) with the original. Where the effect cannot be verified,
    one warning says how the counts multiply.
    """
    attempts = next((_COUNTS_ATTEMPTS[n] for n in _class_names(model) if n in _COUNTS_ATTEMPTS), 0)
    if attempts:
        return _with_field(model, {}, attempts)
    clients = _clients(model) or _built_late(model)
    if clients:
        replaced = {} if all(map(_is_ours, clients.values())) else _single_shot(clients)
        return _with_field(model, replaced, 0)
    if holders := _holders(model):
        return _with_private(model, holders)
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
        client = _client_of(value)
        if not type(client).__name__.startswith("Async"):
            continue
        if id(client) not in renewed:
            sdk = import_module(type(client).__module__.partition(".")[0])
            fresh = sdk.DefaultAsyncHttpxClient(base_url=client.base_url)
            renewed[id(client)] = _ours(client.with_options(http_client=fresh))
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
        client = _client_of(value)
        # The same client under two names stays one client.
        if id(client) not in once:
            once[id(client)] = _ours(client.with_options(max_retries=0))
        single = once[id(client)]
        replaced[name] = single if client is value else type(value)(single)
    return replaced


def _is_client(value: Any) -> bool:
    return isinstance(getattr(value, "max_retries", None), int) and callable(
        getattr(value, "with_options", None)
    )


def _client_of(value: Any) -> Any:
    """The client itself, of a client or a part of one."""
    return value if _is_client(value) else value._client  # noqa: SLF001 - the only road.


def _ours(client: Any) -> Any:
    """Give our own copy of an SDK client the abilities that ours have."""
    tolerate_noise(client)
    client._client = dressed(client._client)  # noqa: SLF001 - our copy, and the only road.
    return client


def _is_ours(value: Any) -> bool:
    client = _client_of(value)
    return client.max_retries == 0 and is_tolerant(client)


def _built_late(model: BaseChatModel) -> dict[str, Any]:
    """Clients that a model (ChatAnthropic) would make from its own fields when first asked."""
    if not isinstance(getattr(type(model), "_client_params", None), cached_property):
        return {}
    builder = model.model_copy()
    return {name: getattr(builder, name) for name in ("_client", "_async_client")}


def _holders(model: BaseChatModel) -> dict[str, Any]:
    """Private attribute -> our own copy of an object (ChatOllama's) that holds an HTTP client."""
    found = {}
    for name, value in (model.__pydantic_private__ or {}).items():
        http_client = getattr(value, "_client", None)
        ours = dressed(http_client)
        if ours is not http_client:
            found[name] = copy.copy(value)
            found[name]._client = ours  # noqa: SLF001 - our copy, and the only road.
    return found


def _with_private(model: BaseChatModel, holders: Mapping[str, Any]) -> BaseChatModel:
    twin = model.model_copy()
    for name, value in holders.items():
        setattr(twin, name, value)
    return twin


def _with_field(model: BaseChatModel, clients: Mapping[str, Any], value: int) -> BaseChatModel:
    if not clients and getattr(model, "max_retries", value) == value:
        return model
    twin = model.model_copy(update=dict(clients))
    if "max_retries" in type(model).model_fields:
        twin.__dict__["max_retries"] = value
    # What was derived from the old number is derived again.
    twin.__dict__.pop("_client_params", None)
    return twin


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
