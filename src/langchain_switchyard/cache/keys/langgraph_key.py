"""Keys for LangGraph's node cache by content: `CachePolicy(key_func=node_key)`.

LangGraph's own key pickles the node's input, message ids and all, so that the same text asked twice
never hits. This one sees messages as the response cache does: what they say, not how they came
about.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import convert_to_messages
from pydantic import BaseModel

from langchain_switchyard.cache.keys.canonical import canonical
from langchain_switchyard.cache.keys.key import KeyMaker
from langchain_switchyard.cache.keys.request import Request

_KEYS = KeyMaker()
_LARGEST = 2**63


def node_key(*args: Any, **kwargs: Any) -> str:
    """The key of a node's input.

    Args:
        *args: What LangGraph hands to the node: its input.
        **kwargs: As above.

    Returns:
        64 hexadecimal digits.

    Raises:
        Uncacheable: The input has a part without a JSON form; give the node another `key_func`.
    """
    return hashlib.sha256(canonical([_form(args), _form(kwargs)])).hexdigest()


def _form(value: Any) -> Any:
    if isinstance(value, BaseMessage):
        return _messages([value])
    if isinstance(value, Mapping):
        return {str(name): _field(str(name), held) for name, held in value.items()}
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, BaseMessage) for item in value):
            return _messages(list(value))
        return [_form(item) for item in value]
    if isinstance(value, (int, float)):
        return _number(value)
    held = _fields(value)
    return value if held is None else _form(held)


def _fields(value: Any) -> dict[str, Any] | None:
    """What a state that is no dictionary holds; None if it is no state."""
    if isinstance(value, BaseModel):
        return dict(vars(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return None


def _number(value: float) -> Any:
    """Numbers that JSON does not know are spelled out: as `null` they would be one."""
    is_whole = isinstance(value, int)
    if math.isfinite(value) if not is_whole else abs(value) < _LARGEST:
        return value
    return {"number": repr(value)}


def _field(name: str, held: Any) -> Any:
    if name != "messages" or not isinstance(held, list) or not held:
        return _form(held)
    try:
        # A state may hold messages as plain dicts or pairs.
        return _messages(convert_to_messages(held))
    except (NotImplementedError, TypeError, ValueError):
        # A list of something else, which happens to be called so.
        return _form(held)


def _messages(messages: list[BaseMessage]) -> dict[str, str]:
    return {"messages": _KEYS.key(Request(messages=messages)).digest.hex()}
