"""Errors of the cache. A sick level is one only to who takes something back: else it is a miss."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_switchyard.errors import SwitchyardError


class Uncacheable(SwitchyardError, ValueError):
    """A request has a part without a JSON form, so that no key can stand for it.

    The cache lets such a request pass by; only code that computes keys by itself sees this.
    """


class NotCached(SwitchyardError, LookupError):
    """`only_if_cached` was asked for, and there is no answer that may be served."""


class LevelUnreachable(SwitchyardError, ConnectionError):
    """What was to be erased or invalidated is not taken back everywhere: do it again.

    Args:
        levels: Names of the levels that could not be reached.
        what: What is undone there.
    """

    def __init__(self, levels: Iterable[str], what: str) -> None:
        """Say what is left to do."""
        self.levels = tuple(levels)
        super().__init__(f"cache level {', '.join(self.levels)}: {what}")
