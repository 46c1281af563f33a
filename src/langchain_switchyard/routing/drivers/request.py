"""What one attempt says to its model: messages, tools in its own format, its own timeouts."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from langchain_switchyard.routing.call import Attempt


def messages_for(attempt: Attempt) -> list[BaseMessage]:
    """The conversation; with the text to go on from as its last message, if there is one."""
    call = attempt.call
    return [*call.messages, AIMessage(call.prefix)] if call.prefix else call.messages


def stop_for(attempt: Attempt) -> list[str] | None:
    """Where to stop: what the call asks, else what is bound to the model."""
    return attempt.call.stop or attempt.state.deployment.bound.get("stop")


def kwargs_for(attempt: Attempt, read: float | None) -> dict[str, Any]:
    """Keyword arguments of the call, translated for this attempt's model.

    Args:
        attempt: Whom to ask what.
        read: Seconds its client may wait for bytes; None: as it likes.
    """
    call, state = attempt.call, attempt.state
    kwargs = {**state.deployment.bound, **call.kwargs}
    kwargs.pop("stop", None)
    if kwargs.get("tools"):
        kwargs = state.tools.translated(state.deployment.model, kwargs)
    if state.timeout_kwargs is not None:
        own = kwargs.get("timeout", state.own_timeout)
        if own is None:
            kwargs.update(state.timeout_kwargs(state.connect, read))
        elif isinstance(own, int | float):
            # The owner's word or the caller's, where it is the stricter one.
            shorter = own if read is None else min(own, read)
            kwargs.update(state.timeout_kwargs(state.connect, shorter))
    return kwargs
