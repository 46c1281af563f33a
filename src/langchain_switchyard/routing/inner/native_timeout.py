"""Timeouts that a model's own client keeps, given per call.

A client that knows its timeout closes the socket itself, in the thread that reads it; a synchronous
call can be cut in no other way. Which keyword a model understands is decided by the package its
class comes from; a model of ours or of the user's declares `keeps_timeout = True`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel

TimeoutKwargs = Callable[[float | None, float | None], dict[str, Any]]
"""`(connect seconds, read seconds) -> keyword arguments for one call`; None: no limit."""

_SDK_OF_PACKAGE: Mapping[str, str] = {
    "langchain_openai": "openai",
    "langchain_anthropic": "anthropic",
}
"""Integration package -> SDK whose `Timeout(default, connect=...)` its calls accept."""


def native_timeout(model: BaseChatModel) -> TimeoutKwargs | None:
    """How to tell `model` its timeouts for one call, or None if its client cannot be told.

    Subclasses count as their parents: a class derived from `ChatOpenAI` passes `timeout` on.
    """
    if getattr(type(model), "keeps_timeout", False) is True:
        return _seconds
    for cls in type(model).__mro__:
        sdk = _SDK_OF_PACKAGE.get(cls.__module__.partition(".")[0])
        if sdk is not None:
            # Loaded already: the integration package imported it to define the class.
            return partial(_sdk_timeout, importlib.import_module(sdk).Timeout)
    return None


def _seconds(connect: float | None, read: float | None) -> dict[str, Any]:
    del connect  # Nothing to connect to: such models run in this process.
    return {} if read is None else {"timeout": read}


def _sdk_timeout(
    timeout: Callable[..., Any], connect: float | None, read: float | None
) -> dict[str, Any]:
    # Nothing asked: leave the client its own default instead of lifting it.
    if connect is None and read is None:
        return {}
    return {"timeout": timeout(read, connect=connect)}
