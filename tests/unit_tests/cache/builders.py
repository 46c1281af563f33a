"""Small builders that the cache's tests share."""

from __future__ import annotations

import random
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_switchyard.cache.codec import encode
from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.key import Key, KeyMaker
from langchain_switchyard.cache.keys.request import Request
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.retry import RetryPolicy
from langchain_switchyard.testing import FakeClock, ScriptedChatModel

USAGE = {"input_tokens": 11, "output_tokens": 5, "total_tokens": 16}


def asked(text: str = "hi", **facts: Any) -> Request:
    """A request of one human message."""
    return Request(messages=[HumanMessage(text)], **facts)


def address(text: str = "hi", **facts: Any) -> Key:
    """The key of `asked`."""
    return KeyMaker().key(asked(text, **facts))


def entry(text: str = "hello", *, at: float = 0.0, fresh_for: float = 60.0, **facts: Any) -> Entry:
    """An entry holding a message of that text."""
    until = at + fresh_for
    times = {"created": at, "fresh_until": until, "stale_until": until, "outage_until": until}
    message = AIMessage(text, usage_metadata=USAGE)  # type: ignore[arg-type]  # a plain dict
    return Entry(**{"body": encode(message), **times, **facts})


def yard(
    cache: ResponseCache | None,
    script: Any,
    *more: Any,
    clock: FakeClock | None = None,
    **facts: Any,
) -> tuple[ChatSwitchyard, ScriptedChatModel]:
    """A router in front of one scripted model (further ones are later tiers), and the first."""
    clock = clock or FakeClock()
    models = [ScriptedChatModel(script=lines, clock=clock) for lines in (script, *more)]
    deployments = [
        Deployment(model=model, id=f"d{tier}", tier=tier) for tier, model in enumerate(models)
    ]
    world = World(clock=clock, random=random.Random(7))
    facts.setdefault("retry", RetryPolicy(max_attempts=max(2, len(models))))
    return ChatSwitchyard(deployments=deployments, cache=cache, world=world, **facts), models[0]


def wishes(**options: Any) -> dict[str, Any]:
    """Call options as keyword arguments of `invoke`."""
    return {"switchyard": CallOptions(**options)}


def told(message: BaseMessage) -> dict[str, Any]:
    """What the router says about its answer."""
    story: dict[str, Any] = message.response_metadata["switchyard"]
    return story
