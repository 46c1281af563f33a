"""What a cache is made of and told, looked at when it is said: a later error would be a riddle."""

from __future__ import annotations

import inspect

from langchain_switchyard.cache.policy import CachePolicy
from langchain_switchyard.errors import ConfigurationError

_METHODS = ("get", "aget", "put", "aput", "delete", "adelete", "erase", "aerase", "usage")


def check_parts(levels: object, policy: object, redact: object) -> None:
    """Refuse parts of a cache that are something else.

    Raises:
        ConfigurationError: With what to write instead.
    """
    if levels is not None:
        _check_levels(levels)
    if policy is not None and not isinstance(policy, CachePolicy):
        raise ConfigurationError(
            "policy= is a CachePolicy, such as CachePolicy(freshness=Freshness(fresh_for=60)); "
            f"got {_kind(policy)}"
        )
    is_async = inspect.iscoroutinefunction(redact)
    if redact is not None and (not callable(redact) or is_async):
        raise ConfigurationError(
            "redact= is an ordinary function that takes an AIMessage and returns what to store, "
            f"or None; got {'an async function' if is_async else _kind(redact)}"
        )


def check_names(**given: object) -> None:
    """Refuse names that are no text; None stands for the default.

    Raises:
        ConfigurationError: With the name of what is wrong.
    """
    for what, name in given.items():
        if not isinstance(name, str | None):
            raise ConfigurationError(f"{what} is text, got {name!r}")


def _check_levels(levels: object) -> None:
    if not isinstance(levels, list | tuple):
        raise ConfigurationError(
            f"levels are a list, the nearest first, such as [MemoryLevel()]; got {_kind(levels)}"
        )
    for level in levels:
        is_level = all(callable(getattr(level, name, None)) for name in _METHODS)
        if isinstance(level, type) or not is_level:
            raise ConfigurationError(
                "a level is an object such as MemoryLevel(), SqliteLevel(path) or RedisLevel(url); "
                f"got {_kind(level)}"
            )


def _kind(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
