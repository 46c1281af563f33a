"""The response cache: exact, tiered, semantic on request, and useful in an outage.

`ResponseCache` is the cache itself, given to `ChatSwitchyard(cache=ResponseCache())`;
`SwitchyardCache` offers it to any other LangChain model as a `BaseCache`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_switchyard.cache.embeddings import CachedEmbeddings
    from langchain_switchyard.cache.errors import LevelUnreachable, NotCached
    from langchain_switchyard.cache.keys.langgraph_key import node_key
    from langchain_switchyard.cache.keys.request import Request
    from langchain_switchyard.cache.langchain_cache import SwitchyardCache
    from langchain_switchyard.cache.levels.keyring import KeyRing
    from langchain_switchyard.cache.levels.memory import MemoryLevel
    from langchain_switchyard.cache.levels.redis_level import RedisLevel
    from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
    from langchain_switchyard.cache.policy import (
        Admission,
        CachePolicy,
        Degradation,
        Freshness,
        SingleFlight,
    )
    from langchain_switchyard.cache.response_cache import ResponseCache
    from langchain_switchyard.routing.cache_options import CacheOptions

_HOMES = {
    "langchain_switchyard.cache.embeddings": ("CachedEmbeddings",),
    "langchain_switchyard.cache.errors": ("LevelUnreachable", "NotCached"),
    "langchain_switchyard.cache.levels.keyring": ("KeyRing",),
    "langchain_switchyard.cache.langchain_cache": ("SwitchyardCache",),
    "langchain_switchyard.cache.levels.memory": ("MemoryLevel",),
    "langchain_switchyard.cache.keys.langgraph_key": ("node_key",),
    "langchain_switchyard.cache.policy": (
        "Admission",
        "CachePolicy",
        "Degradation",
        "Freshness",
        "SingleFlight",
    ),
    "langchain_switchyard.cache.levels.redis_level": ("RedisLevel",),
    "langchain_switchyard.cache.keys.request": ("Request",),
    "langchain_switchyard.cache.response_cache": ("ResponseCache",),
    "langchain_switchyard.cache.levels.sqlite_level": ("SqliteLevel",),
    "langchain_switchyard.routing.cache_options": ("CacheOptions",),
}

__all__ = [
    "Admission",
    "CacheOptions",
    "CachePolicy",
    "CachedEmbeddings",
    "Degradation",
    "Freshness",
    "KeyRing",
    "LevelUnreachable",
    "MemoryLevel",
    "NotCached",
    "RedisLevel",
    "Request",
    "ResponseCache",
    "SingleFlight",
    "SqliteLevel",
    "SwitchyardCache",
    "node_key",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use: the memory level pays for no other."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
