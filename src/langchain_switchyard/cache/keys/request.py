"""One request as the cache sees it: everything its answer depends on, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked of whom.

    Two requests with equal content share an answer, whatever objects they are made of.
    """

    messages: Sequence[BaseMessage]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Sampling, tools, response format...; what is known to be inert is left out of the key."""
    model: str = ""
    """Identity of the model or route, as configured for the call."""
    namespace: str = ""
    """A part of the cache of its own; empty: the policy's."""
    tenant: str | None = None
    subject: str | None = None
    """Whom the content is about: nobody else gets it, and `erase` deletes it."""
    vary: Mapping[str, object] = field(default_factory=dict)
    """What else the answer depends on."""
