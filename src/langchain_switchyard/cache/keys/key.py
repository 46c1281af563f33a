"""The key: one digest that stands for everything an answer depends on.

In: namespace and tenant, model identity, parameters (deny-list), tools and response format as
schemas, roles, contents, names, tool calls, `vary`. Out: ids, run metadata, API keys, usage, and
everything that says how a message came about rather than what it says. Tool-call ids are numbered
by their order of appearance, so that two threads which did the same share a key.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.canonical import (
    canonical,
    parameters,
    refuse_unknown_numbers,
)
from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.keys.texts import TextDigests

_VERSION = "switchyard-key-1"
"""Changes whenever the same request would get another key."""

_PLAIN = {
    HumanMessage: "human",
    SystemMessage: "system",
    AIMessage: "ai",
    # A summed stream is the same turn as a whole answer.
    AIMessageChunk: "ai",
}
_INERT_IN_BLOCKS = frozenset({"index", "cache_control"})
_CALL_IDS = frozenset({"tool_call_id", "tool_use_id", "call_id"})
_BLOCKS_OF_CALLS = frozenset({"tool_use", "tool_call", "tool_call_chunk", "server_tool_call"})


@dataclass(frozen=True, slots=True)
class Key:
    """The address of an answer."""

    digest: bytes
    """32 bytes over everything; also unique across tenants and namespaces."""
    scope: str
    """16 hexadecimal digits of namespace and tenant: names no tenant, keeps them apart."""


class KeyMaker:
    """Computes keys, remembering digests of texts it has seen."""

    def __init__(self, texts: TextDigests | None = None) -> None:
        """Start with nothing remembered."""
        self._texts = texts or TextDigests()

    def key(self, request: Request) -> Key:
        """The key of a request.

        Raises:
            Uncacheable: A part of the request has no JSON form.
        """
        messages = self._project(request.messages)
        return Key(self._digest(request, messages), scope_of(request.namespace, request.tenant))

    def partition(self, request: Request) -> bytes:
        """The digest of everything but the last message's text."""
        messages = self._project(request.messages)
        messages[-1] = [messages[-1][0], None]
        return self._digest(request, messages)

    def _digest(self, request: Request, messages: list[list[Any]]) -> bytes:
        for name, value in request.vary.items():
            refuse_unknown_numbers(f"vary[{name!r}]", value)
        form = [
            _VERSION,
            request.namespace,
            request.tenant,
            request.subject,
            request.model,
            dict(request.vary),
            parameters(request.parameters),
            messages,
        ]
        return hashlib.sha256(canonical(form)).digest()

    def _project(self, messages: Sequence[BaseMessage]) -> list[list[Any]]:
        calls: dict[str, int] = {}
        # This loop is most of what a hit costs: known texts are looked up without a call of ours.
        known, digest = self._texts.recent.get, self._texts.digest
        projected: list[list[Any]] = []
        try:
            for message in messages:
                role = _PLAIN.get(type(message))
                content = message.content
                is_plain = role is not None and type(content) is str and message.name is None
                if is_plain and (role != "ai" or _says_only_text(message)):
                    projected.append([role, known(content) or digest(content)])  # type: ignore[arg-type]  # is a str
                else:
                    projected.append(self._whole(message, calls))
        except UnicodeEncodeError as error:
            raise Uncacheable(f"a message's text is not valid Unicode: {error}") from error
        return projected

    def _whole(self, message: BaseMessage, calls: dict[str, int]) -> list[Any]:
        """A message with everything it can have."""
        facts: dict[str, Any] = {}
        if message.name is not None:
            facts["name"] = message.name
        if isinstance(message, AIMessage):
            asked = [*message.tool_calls, *message.invalid_tool_calls]
            if asked:
                facts["calls"] = [[c["name"], c["args"], _numbered(c["id"], calls)] for c in asked]
            if function := message.additional_kwargs.get("function_call"):
                facts["function"] = function
        if isinstance(message, ToolMessage):
            facts["call"] = _numbered(message.tool_call_id, calls)
            facts["status"] = message.status
        content = message.content
        said: Any
        if isinstance(content, str):
            said = self._texts.digest(content)
        else:
            said = [self._block(block, calls) for block in content]
        return [_role(message), said, facts] if facts else [_role(message), said]

    def _block(self, block: Any, calls: dict[str, int]) -> Any:
        if isinstance(block, str):
            return self._texts.digest(block)
        projected: dict[str, Any] = {}
        for name, value in block.items():
            if name in _INERT_IN_BLOCKS:
                continue
            if name in _CALL_IDS:
                projected[name] = _numbered(value, calls)
            elif name == "id":
                # A block's own id says nothing, a tool call's id ties it to its result.
                if block.get("type") in _BLOCKS_OF_CALLS:
                    projected[name] = _numbered(value, calls)
            elif type(value) is str and len(value) > 64:
                projected[name] = {"#": self._texts.digest(value)}
            else:
                projected[name] = value
        return projected


@functools.lru_cache(maxsize=4096)
def scope_of(namespace: str, tenant: str | None) -> str:
    """Namespace and tenant as 16 hexadecimal digits, for addresses that others may read."""
    form = canonical([namespace, tenant])
    return hashlib.blake2b(form, digest_size=8, person=b"swyd-scope").hexdigest()


def _says_only_text(message: Any) -> bool:
    return not (
        message.tool_calls
        or message.invalid_tool_calls
        or "function_call" in message.additional_kwargs
    )


def _role(message: BaseMessage) -> str:
    role = getattr(message, "role", None)
    if role is not None:
        return f"as {role}"
    # A summed stream is the same turn as a whole answer.
    return (
        "ai"
        if isinstance(message, AIMessage)
        else message.type.removesuffix("MessageChunk").lower()
    )


def _numbered(call_id: Any, calls: dict[str, int]) -> int | None:
    """Ids are random; their order of appearance is not."""
    return None if call_id is None else calls.setdefault(str(call_id), len(calls))
