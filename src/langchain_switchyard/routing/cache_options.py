"""What one call asks of the response cache: `CallOptions(cache=CacheOptions(max_age=60))`.

It lives here, free of dependencies, so that `routing` need not know the cache that reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        """Refuse what cannot be meant, when it is said and not when it is first used."""
        for name, example in _NAMES.items():
            names = names_of(getattr(self, name), f"CacheOptions.{name}", example)
            object.__setattr__(self, name, names)
        for name in ("namespace", "subject"):
            if not isinstance(value := getattr(self, name), str | None):
                raise ConfigurationError(f"CacheOptions.{name} is text, got {value!r}")
        vary: object = self.vary
        if not isinstance(vary, Mapping):
            raise ConfigurationError(
                f"CacheOptions.vary is a mapping, such as {{'locale': 'zh'}}, got {vary!r}"
            )
        self._check_age()
        if self.no_cache and self.only_if_cached:
            raise ConfigurationError(
                "CacheOptions: no_cache and only_if_cached together can never be answered"
            )

    def _check_age(self) -> None:
        age: object = self.max_age
        is_age = isinstance(age, int | float) and not isinstance(age, bool) and age >= 0
        if age is not None and not is_age:
            raise ConfigurationError(
                f"CacheOptions.max_age is an age in seconds, 0 or more; got {age!r}"
            )


_NAMES = {"tags": "{'faq'}", "read_only_tools": "{'search'}"}
"""Options that are sets of names, and an example of each."""


def names_of(given: object, what: str, example: str) -> frozenset[str]:
    """A set of names, from any collection of texts; YAML and JSON know only lists.

    Args:
        given: The collection.
        what: What to call it in an error.
        example: How to write it.

    Raises:
        ConfigurationError: It is something else; a single text would be read as its letters.
    """
    # A mapping's keys would do by chance only.
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
        names = list(given)
        if all(isinstance(name, str) for name in names):
            return frozenset(names)
    raise ConfigurationError(f"{what} is a set of strings, such as {example}, got {given!r}")
