"""Recovery: what may be done for this caller when its stream breaks after text was handed out."""

from __future__ import annotations

from typing import Literal

from langchain_switchyard.routing.call import Recovery


def resolve(
    recovery: Recovery, *, opted_in: bool, is_summed: bool, is_protocol: bool
) -> Literal["restart", "continue", "error"]:
    """`auto` made definite for one caller.

    Args:
        recovery: What was asked for.
        opted_in: Whether this very call asked for it.
        is_summed: Whether LangChain itself sums the chunks for the caller; a reset chunk replaces
            what was summed before it.
        is_protocol: Whether the chunks become events of the content-block protocol, which has no
            word for "forget that": a restart there would end up as a mixed text.
    """
    if recovery in ("auto", "restart") and is_protocol:
        return "error"
    if recovery == "auto":
        return "restart" if is_summed or opted_in else "error"
    return recovery
