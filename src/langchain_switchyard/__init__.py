"""One chat model in front of many, and the graph nodes a serious assistant needs around it."""

from langchain_switchyard._version import __version__
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
