"""Tools are bound late: each attempt asks its own model for its own format."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding

from langchain_switchyard.errors import ConfigurationError


class BoundTools:
    """Tools in one model's format, remembered for as long as the same tools are asked for."""

    def __init__(self) -> None:
        """Nothing translated yet."""
        self._latest: tuple[dict[str, Any], dict[str, Any]] | None = None

    def translated(self, model: BaseChatModel, kwargs: dict[str, Any]) -> dict[str, Any]:
        """`kwargs` with the tools as `model` wants them.

        An agent sends the same list of tools with every call, so the last translation is kept. It
        is one tuple, read and replaced whole: threads may race to write it, never to mix it.
        """
        latest = self._latest
        if latest is not None and _same(latest[0], kwargs):
            return dict(latest[1])
        rest = dict(kwargs)
        tools = rest.pop("tools")
        bound = model.bind_tools(tools, **rest)
        if not isinstance(bound, RunnableBinding):
            raise ConfigurationError(
                f"{type(model).__name__}.bind_tools() must return a binding of the model, "
                f"got {type(bound).__name__}"
            )
        own_format = dict(bound.kwargs)
        self._latest = ({**kwargs, "tools": tuple(tools)}, own_format)
        return dict(own_format)


def _same(known: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether the arguments are the very same; tools are compared by identity, one by one."""
    if known.keys() != asked.keys() or len(known["tools"]) != len(asked["tools"]):
        return False
    if any(one is not other for one, other in zip(known["tools"], asked["tools"], strict=True)):
        return False
    return all(known[key] == asked[key] for key in known if key != "tools")
