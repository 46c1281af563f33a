"""Rehearse failures: a clock you move, a model that plays a script, a provider that breaks.

Nothing here reaches beyond this machine, and nothing needs more than `langchain-core`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_switchyard.testing.clock import FakeClock
    from langchain_switchyard.testing.faulty import (
        Answer,
        FaultyProvider,
        Question,
        RecordedRequest,
        Tool,
        ToolUse,
        think,
    )
    from langchain_switchyard.testing.faulty.faults import (
        Arrearage,
        ContentFilterFinish,
        ContentPolicyViolation,
        ContextLengthExceeded,
        CutAfter,
        Drip,
        ErrorEventInStream,
        EveryNth,
        Fault,
        Flapping,
        Healthy,
        HtmlWith200,
        InsufficientQuota,
        InvalidApiKey,
        LateFirstToken,
        MalformedEvent,
        ModelNotFound,
        NeverAnswers,
        NoDone,
        NoFinishReason,
        Overloaded,
        RateLimited,
        RejectsPrefill,
        ResetBeforeHeaders,
        ServerError,
        SlowHeaders,
        Sometimes,
        Stall,
        Together,
        TruncatedJson,
        ZhipuError,
    )
    from langchain_switchyard.testing.improvisation import improvise
    from langchain_switchyard.testing.scripted import ScriptedChatModel
    from langchain_switchyard.testing.stage import RecordedCall, ScriptExhausted
    from langchain_switchyard.testing.steps import CallTool, Delay, Fail, Say
    from langchain_switchyard.testing.virtual_loop import Deadlock

__all__ = [
    "Answer",
    "Arrearage",
    "CallTool",
    "ContentFilterFinish",
    "ContentPolicyViolation",
    "ContextLengthExceeded",
    "CutAfter",
    "Deadlock",
    "Delay",
    "Drip",
    "ErrorEventInStream",
    "EveryNth",
    "Fail",
    "FakeClock",
    "Fault",
    "FaultyProvider",
    "Flapping",
    "Healthy",
    "HtmlWith200",
    "InsufficientQuota",
    "InvalidApiKey",
    "LateFirstToken",
    "MalformedEvent",
    "ModelNotFound",
    "NeverAnswers",
    "NoDone",
    "NoFinishReason",
    "Overloaded",
    "Question",
    "RateLimited",
    "RecordedCall",
    "RecordedRequest",
    "RejectsPrefill",
    "ResetBeforeHeaders",
    "Say",
    "ScriptExhausted",
    "ScriptedChatModel",
    "ServerError",
    "SlowHeaders",
    "Sometimes",
    "Stall",
    "Together",
    "Tool",
    "ToolUse",
    "TruncatedJson",
    "ZhipuError",
    "improvise",
    "think",
]

_HOMES = {
    "clock": ("FakeClock",),
    "improvisation": ("improvise",),
    "scripted": ("ScriptedChatModel",),
    "stage": ("RecordedCall", "ScriptExhausted"),
    "steps": ("CallTool", "Delay", "Fail", "Say"),
    "virtual_loop": ("Deadlock",),
    "faulty": (
        "Answer",
        "FaultyProvider",
        "Question",
        "RecordedRequest",
        "Tool",
        "ToolUse",
        "think",
    ),
}
_FAULTS = "faulty.faults"  # Everything else.


def __getattr__(name: str) -> Any:
    """Import a public name on first use: a test that needs the clock pays for nothing else."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), _FAULTS)
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
