"""SwitchyardCache: the same levels for any LangChain model, as its `BaseCache`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.outputs import ChatGeneration
from typing_extensions import override

from langchain_switchyard.cache.admission import answer_rule
from langchain_switchyard.cache.checks import check_parts
from langchain_switchyard.cache.codec import decode_generations, encode_generations
from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.key import Key, scope_of
from langchain_switchyard.cache.levels.level import Level
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.cache.plan import NO_WISHES
from langchain_switchyard.cache.policy import CachePolicy
from langchain_switchyard.cache.replay import free_of_charge
from langchain_switchyard.cache.storing import timed
from langchain_switchyard.cache.tally import CacheStats, Tally
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.routing.effects import Steps

_log = logging.getLogger(__name__)

R = TypeVar("R")

_INERT_IN_MESSAGES = frozenset({"id", "response_metadata", "usage_metadata"})


class SwitchyardCache(BaseCache):
    """Exact cache for `set_llm_cache(...)` and `ChatOpenAI(cache=...)`.

    LangChain shows a `BaseCache` only serialised prompts: no tenants, no streams, no errors. Those
    need `ChatSwitchyard(cache=ResponseCache())`. What this one adds over LangChain's own: bounds,
    lifetimes, several levels, hits that share nothing and bill nothing, and keys without ids.

    Args:
        levels: Where answers are kept, the nearest first; default: this process's memory.
        policy: What may be stored, and how long.
        tenant: On whose behalf; caches with other tenants on the same levels see nothing of it.
        world: Time and chance; tests give their own.
    """

    def __init__(
        self,
        levels: Sequence[Level] | None = None,
        policy: CachePolicy | None = None,
        *,
        tenant: str | None = None,
        world: World | None = None,
    ) -> None:
        """Put the levels together."""
        check_parts(levels, policy, None)
        self._shelf = Shelf([MemoryLevel()] if levels is None else levels)
        self._policy = policy or CachePolicy()
        self._tenant = tenant
        self._scope = scope_of(self._policy.namespace, tenant)
        self._world = world or World()
        self._tally = Tally()

    @override
    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """The stored generations, as new, or None."""
        return self._run(self._lookup(prompt, llm_string))

    @override
    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """As `lookup`."""
        return await self._arun(self._lookup(prompt, llm_string))

    @override
    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Store generations, unless a rule is against it."""
        self._run(self._update(prompt, llm_string, return_val))

    @override
    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """As `update`."""
        await self._arun(self._update(prompt, llm_string, return_val))

    @override
    def clear(self, **kwargs: Any) -> None:
        """Forget the namespace; the level's other contents are not touched."""
        self._run(self._clear())

    @override
    async def aclear(self, **kwargs: Any) -> None:
        """As `clear`."""
        await self._arun(self._clear())

    def stats(self) -> CacheStats:
        """What it did so far; a table in notebooks."""
        return self._tally.stats({level.name: level.usage() for level in self._shelf.levels}, {})

    def _key(self, prompt: str, llm_string: str) -> Key:
        form = b"\0".join(
            part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
            for part in ("switchyard-lc-1", self._scope, _without_ids(prompt), llm_string)
        )
        return Key(hashlib.sha256(form).digest(), self._scope)

    def _lookup(self, prompt: str, llm_string: str) -> Steps[RETURN_VAL_TYPE | None]:
        found = yield from self._shelf.find(self._key(prompt, llm_string), self._world.clock)
        namespace = self._policy.namespace
        if found is None or found[0].freshness(self._world.clock.wall()) != "fresh":
            self._tally.result(namespace, "none", "miss")
            return None
        entry, level = found
        generations = decode_generations(entry.body)
        saved = None
        for generation in generations:
            if isinstance(generation, ChatGeneration):
                message: Any = generation.message
                # Core leaves the id of a hit as it is; an old one would overwrite an older turn.
                message.id = f"lc_run--{self._fresh_id()}"
                saved = free_of_charge(message)
                told = {"cache": "exact", "saved_usage": saved}
                message.response_metadata["switchyard"] = told
        self._tally.hit(namespace, level, "exact", entry, saved)
        return generations

    def _update(self, prompt: str, llm_string: str, generations: RETURN_VAL_TYPE) -> Steps[None]:
        rules, namespace = self._policy.admission, self._policy.namespace
        for generation in generations:
            if isinstance(generation, ChatGeneration):
                message: Any = generation.message
                if reason := answer_rule(message, {}, NO_WISHES, rules):
                    self._tally.reason(namespace, f"not stored: {reason}")
                    return
        try:
            body = encode_generations(list(generations))
        except Uncacheable as reason:
            self._tally.reason(namespace, f"not stored: {reason}"[:80])
            return
        if len(body) > rules.max_bytes:
            self._tally.reason(namespace, "not stored: too large")
            return
        clock, epochs = self._world.clock, self._shelf.epochs.stamp(namespace, ())
        entry = timed(body, self._policy, self._world, about={"epochs": epochs})
        key = self._key(prompt, llm_string)
        yield from self._shelf.keep(key, entry, clock, waiting=False)
        yield from self._shelf.keep(key, entry, clock, waiting=True)

    def _clear(self) -> Steps[None]:
        return self._shelf.invalidate(self._policy.namespace, None, None, self._world.clock)

    def _fresh_id(self) -> str:
        return f"{self._world.random.getrandbits(128):032x}"

    def _run(self, steps: Steps[R]) -> R:
        return SyncDriver(self._world.clock).run(steps)

    async def _arun(self, steps: Steps[R]) -> R:
        return await AsyncDriver(self._world.clock).run(steps)


def _without_ids(prompt: str) -> bytes | str:
    """The prompt without what says how its messages came about, if it is LangChain's JSON."""
    if not prompt.startswith("[{"):
        return prompt
    try:
        messages = orjson.loads(prompt)
    except orjson.JSONDecodeError:
        return prompt
    for message in messages:
        facts = message.get("kwargs") if isinstance(message, dict) else None
        if not isinstance(facts, dict):
            return prompt
        for name in _INERT_IN_MESSAGES:
            facts.pop(name, None)
    return orjson.dumps(messages, option=orjson.OPT_SORT_KEYS)
