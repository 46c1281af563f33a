"""Errors of the cache. A sick level is never one of them: it is logged and counts as a miss."""

from __future__ import annotations

from langchain_switchyard.errors import SwitchyardError


class Uncacheable(SwitchyardError, ValueError):
    """A request has a part without a JSON form, so that no key can stand for it.

    The cache lets such a request pass by; only code that computes keys by itself sees this.
    """


class NotCached(SwitchyardError, LookupError):
    """`only_if_cached` was asked for, and there is no answer that may be served."""
