"""One chat model in front of many, and the graph nodes a serious assistant needs around it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from langchain_switchyard._version import __version__

if TYPE_CHECKING:
    from langchain_switchyard.config.switchyard import Switchyard
    from langchain_switchyard.errors import (
        AllDeploymentsFailed,
        ConfigurationError,
        ContextWindowExceeded,
        DeadlineExceeded,
        MissingExtra,
        NoCapableDeployment,
        NoDeploymentReady,
        StreamInterrupted,
        SwitchyardError,
    )
    from langchain_switchyard.routing.call import CallOptions
    from langchain_switchyard.routing.chat_model import ChatSwitchyard
    from langchain_switchyard.routing.circuit import BreakerPolicy
    from langchain_switchyard.routing.clock import World
    from langchain_switchyard.routing.deployment import Deployment, Price, Traits
    from langchain_switchyard.routing.retry import RetryPolicy
    from langchain_switchyard.routing.timeouts import Timeouts

__all__ = [
    "AllDeploymentsFailed",
    "BreakerPolicy",
    "CallOptions",
    "ChatSwitchyard",
    "ConfigurationError",
    "ContextWindowExceeded",
    "DeadlineExceeded",
    "Deployment",
    "MissingExtra",
    "NoCapableDeployment",
    "NoDeploymentReady",
    "Price",
    "RetryPolicy",
    "StreamInterrupted",
    "Switchyard",
    "SwitchyardError",
    "Timeouts",
    "Traits",
    "World",
    "__version__",
]

_HOMES = {
    "config.switchyard": ("Switchyard",),
    "routing.call": ("CallOptions",),
    "routing.chat_model": ("ChatSwitchyard",),
    "routing.circuit": ("BreakerPolicy",),
    "routing.clock": ("World",),
    "routing.deployment": ("Deployment", "Price", "Traits"),
    "routing.retry": ("RetryPolicy",),
    "routing.timeouts": ("Timeouts",),
}
_ERRORS = "errors"  # Everything else.


def __getattr__(name: str) -> Any:
    """Import a public name on first use: pytest loads our plugin in every run of every user."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), _ERRORS)
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
