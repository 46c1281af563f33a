"""One process of several: streams one answer, and tells on its output what it sees."""

from __future__ import annotations

import faulthandler
import json
import sys
import time
from typing import Any

from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.policy import CachePolicy, SingleFlight
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.errors import StreamInterrupted
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import Delay, Say, ScriptedChatModel


def main(place: str, question: str, script: list[Any], recovery: Any, lease: float) -> None:
    """Ask once.

    Args:
        place: Where the processes meet: a file or a URL.
        question: What is asked.
        script: What the model says: text, or seconds of silence.
        recovery: What happens when the stream breaks.
        lease: Of the policy.
    """
    steps = [Say(step) if isinstance(step, str) else Delay(step) for step in script]
    model = ScriptedChatModel(script=[steps])
    policy = CachePolicy(single_flight=SingleFlight(lease=lease))
    cache = ResponseCache([MemoryLevel(), level_at(place)], policy)
    router = ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=cache)
    tell("ready", "")
    total: Any = None
    try:
        for chunk in router.stream(question, switchyard=CallOptions(recovery=recovery)):
            total = chunk if total is None else total + chunk
            tell("shown", total.text)
        tell("whole", total.text)
    except StreamInterrupted as error:
        tell("broken", error.partial)
    cache.settle()
    tell("calls", len(model.calls))


def level_at(place: str) -> Any:
    """The level that a place names."""
    if not place.startswith("redis"):
        return SqliteLevel(place)
    from langchain_switchyard.cache.levels.redis_level import RedisLevel  # noqa: PLC0415

    return RedisLevel(place, budget=1.0)


def tell(word: str, value: Any) -> None:
    """One line."""
    sys.stdout.write(json.dumps([word, value, time.time()]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    faulthandler.dump_traceback_later(60, exit=True)
    main(*json.loads(sys.argv[1]))
