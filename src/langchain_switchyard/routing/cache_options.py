"""What one call asks of the response cache: `CallOptions(cache=CacheOptions(max_age=60))`.

It lives here, free of dependencies, so that `routing` need not know the cache that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from langchain_switchyard.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """Per-call wishes; every default means "as the cache's policy says"."""

    no_cache: bool = False
    """Do not serve from the cache; the fresh answer may still be stored."""

    no_store: bool = False
    """Do not store the answer; a stored one may still be served."""

    only_if_cached: bool = False
    """Serve from the cache or raise `NotCached`; never ask a model."""

    max_age: float | None = None
    """Seconds; older answers count as missing."""

    namespace: str | None = None
    """A part of the cache of its own, with its own epoch and statistics."""

    tags: AbstractSet[str] = frozenset()
    """Labels by which stored answers can be invalidated together."""

    vary: Mapping[str, object] = field(default_factory=dict)
    """What else the answer depends on: locale, date, version of a knowledge base."""

    subject: str | None = None
    """Whom the content is about: nobody else gets it, and `erase(subject)` deletes it."""

    read_only_tools: AbstractSet[str] = frozenset()
    """Tools that change nothing: answers that call only these may be stored."""

    any_temperature: bool = False
    """Cache although the temperature asks for variety."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.max_age is not None and not self.max_age >= 0:
            raise ConfigurationError(
                f"CacheOptions.max_age is an age in seconds, 0 or more; got {self.max_age!r}"
            )
        tags: object = self.tags
        if isinstance(tags, str):  # Would be read as a set of its letters.
            raise ConfigurationError("CacheOptions.tags is a set of strings, such as {'faq'}")
        if self.no_cache and self.only_if_cached:
            raise ConfigurationError(
                "CacheOptions: no_cache and only_if_cached together can never be answered"
            )
