"""What a search was called with: checked at once, because silence would answer wrongly."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from langchain_switchyard.errors import ConfigurationError

_KNOWN = ("k", "filter")
# Passed on by LangChain itself, to whom it may concern.
_LANGCHAINS = {"verbose"}
# What other retrievers call the same.
_ELSEWHERE = {
    "top_k": "k",
    "n_results": "k",
    "limit": "k",
    "where": "filter",
    "search_kwargs": "k and filter, each by its name",
}


def refuse_unknown(given: Mapping[str, Any]) -> None:
    """Refuse names that no search knows: a misspelt filter would let everything through.

    Raises:
        ConfigurationError: There are some; the message names what was meant, as far as one can see.
    """
    for name in given:
        if name in _LANGCHAINS:
            continue
        near = _ELSEWHERE.get(name) or next(iter(get_close_matches(name, _KNOWN, 1, 0.5)), "")
        hint = f"did you mean {near}? " if near else ""
        raise ConfigurationError(
            f"a search takes no {name!r}: {hint}It takes k and filter; everything else belongs "
            "into config=SearchConfig(...)"
        )


def checked_query(query: Any) -> str:
    """Return the query.

    Raises:
        ConfigurationError: It is no text.
    """
    if not isinstance(query, str):
        raise ConfigurationError(f"a query is a text, got {type(query).__name__}")
    # Half a character (a lone surrogate) is in no document.
    return query.encode("utf-8", "replace").decode()


def checked_count(k: Any) -> int:
    """Return how many hits are wanted.

    Raises:
        ConfigurationError: No whole number, or a negative one.
    """
    try:
        count = -1 if isinstance(k, bool) else operator.index(k)
    except TypeError:
        count = -1
    if count < 0:
        raise ConfigurationError(f"k is how many hits are wanted, a whole number, got {k!r}")
    return count
