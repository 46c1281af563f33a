"""Rehearse failures: a clock you move, a model that plays a script, a provider that breaks.

Nothing here reaches beyond this machine, and nothing needs more than `langchain-core`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_switchyard.testing.clock import FakeClock
    from langchain_switchyard.testing.scripted import ScriptedChatModel
    from langchain_switchyard.testing.stage import RecordedCall, ScriptExhausted
    from langchain_switchyard.testing.steps import CallTool, Delay, Fail, Say
    from langchain_switchyard.testing.virtual_loop import Deadlock

__all__ = [
    "CallTool",
    "Deadlock",
    "Delay",
    "Fail",
    "FakeClock",
    "RecordedCall",
    "Say",
    "ScriptExhausted",
    "ScriptedChatModel",
]

_HOMES = {
    "clock": ("FakeClock",),
    "scripted": ("ScriptedChatModel",),
    "stage": ("RecordedCall", "ScriptExhausted"),
    "steps": ("CallTool", "Delay", "Fail", "Say"),
    "virtual_loop": ("Deadlock",),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: a test that needs the clock pays for nothing else."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
