"""Recovery: what may be done for this caller when its stream breaks after text was handed out."""

from __future__ import annotations

from typing import Literal

from langchain_switchyard.routing.call import Recovery
from langchain_switchyard.routing.caller import Caller


def resolve(recovery: Recovery, caller: Caller) -> Literal["restart", "continue", "error"]:
    """`auto` made definite for one caller.

    Args:
        recovery: What was asked for.
        caller: Who reads the stream.
    """
    if recovery in ("auto", "restart") and caller.is_protocol:
        # It has no word for "forget that": a restart there would end up as a mixed text.
        return "error"
    if recovery == "auto":
        return "restart" if caller.is_summed else "error"
    return recovery
