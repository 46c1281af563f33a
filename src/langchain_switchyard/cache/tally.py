"""Counts what the cache did; told as figures, as tables, and as HTML in notebooks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.levels.level import Usage
from langchain_switchyard.cache.tables import as_html, as_text, tables_of

HITS = ("exact", "semantic", "stale", "coalesced")
"""Results that spared a call of the model."""

_VETOED = "vetoed: "


@dataclass(frozen=True, slots=True)
class Saved:
    """What hits did not cost."""

    tokens: Mapping[str, int] = field(default_factory=dict)
    """`input`, `output` -> tokens that were not spent."""
    money: Mapping[str, float] = field(default_factory=dict)
    """Currency -> money."""
    seconds: float = 0.0
    """What the models had needed."""

    def __add__(self, other: Saved) -> Saved:
        """Both together."""
        currencies = {**self.money, **other.money}
        return Saved(
            dict(Counter(self.tokens) + Counter(other.tokens)),
            {name: self.money.get(name, 0) + other.money.get(name, 0) for name in currencies},
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class CacheStats:
    """How the cache has done since it was made."""

    results: Mapping[tuple[str, str, str], int]
    """(namespace, level, result) -> requests."""
    reasons: Mapping[tuple[str, str], int]
    """(namespace, why not served or not stored) -> requests."""
    stale: Mapping[tuple[str, str, str], int]
    """(namespace, level, why an old answer was served) -> requests: `revalidating`,
    `outage: stale`, `outage: stand-in`, `outage: similar`, or `by hand`."""
    saved: Mapping[tuple[str, str], Saved]
    """(namespace, level) -> what its hits did not cost."""
    provider_cached_tokens: int
    """Input tokens of misses that the provider read from its own prompt cache."""
    levels: Mapping[str, Usage]
    semantic: Mapping[str, Any]
    """The semantic level's own figures; empty without one."""

    @property
    def requests(self) -> int:
        """How many were looked up."""
        return sum(self.results.values())

    @property
    def hits(self) -> int:
        """How many were served without a call of their own."""
        return sum(count for (_, _, result), count in self.results.items() if result in HITS)

    @property
    def hit_ratio(self) -> float:
        """Hits per request, 0 to 1; 0 before the first one."""
        return self.hits / self.requests if self.requests else 0.0

    @property
    def saved_tokens(self) -> Mapping[str, int]:
        """`input`, `output` -> tokens that were not spent, over all namespaces and levels."""
        return self._saved.tokens

    @property
    def saved_money(self) -> Mapping[str, float]:
        """Currency -> money, over all namespaces and levels."""
        return self._saved.money

    @property
    def saved_seconds(self) -> float:
        """What the models had needed, over all namespaces and levels."""
        return self._saved.seconds

    @property
    def vetoed(self) -> Mapping[str, int]:
        """Difference that kept a similar answer from being served -> requests."""
        found: Counter[str] = Counter()
        for (_, reason), count in self.reasons.items():
            if reason.startswith(_VETOED):
                found[reason.removeprefix(_VETOED)] += count
        return dict(found)

    def count(self, result: str) -> int:
        """Requests with this result, over all namespaces and levels."""
        return sum(count for (_, _, found), count in self.results.items() if found == result)

    @property
    def _saved(self) -> Saved:
        return sum(self.saved.values(), Saved())

    def __str__(self) -> str:
        """Results, savings and reasons by namespace and level, and their sums."""
        return as_text(tables_of(self), self._sums())

    def _repr_html_(self) -> str:
        return as_html(tables_of(self), self._sums())

    def _sums(self) -> list[str]:
        saved = self._saved
        money = ", ".join(f"{amount:.4f} {name}" for name, amount in saved.money.items())
        tokens = sum(saved.tokens.values())
        lines = [
            f"{self.hits} of {self.requests} requests served ({self.hit_ratio:.1%})",
            f"saved {tokens} tokens, {money or 'no priced calls'}, {saved.seconds:.1f} s",
        ]
        for name, usage in self.levels.items():
            size = "" if usage.size is None else f", {usage.size} bytes"
            lines.append(f"{name}: {usage.entries} entries{size}, {usage.failures} failures")
        if self.semantic.get("checked"):
            low, high = self.semantic["wrong_per_hit"]
            checked = f"{self.semantic['wrong']} of {self.semantic['checked']} checked hits wrong"
            lines.append(f"semantic: {checked} ({low:.1%} to {high:.1%})")
        return lines


class Tally:
    """The counters behind `CacheStats`, under one lock."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._results: Counter[tuple[str, str, str]] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._stale: Counter[tuple[str, str, str]] = Counter()
        self._saved: dict[tuple[str, str], _Savings] = {}
        self._provider_cached = 0
        self._lock = threading.Lock()

    def hit(
        self,
        namespace: str,
        level: str,
        result: str,
        entry: Entry,
        usage: UsageMetadata | None,
        *,
        cause: str = "by hand",
    ) -> None:
        """A request was served by an entry that had cost this usage.

        Args:
            namespace: Where it was asked.
            level: Where the entry was found.
            result: One of `HITS`.
            entry: What was served.
            usage: What the entry's answer had cost.
            cause: Why it was served although it is stale, if it is.
        """
        with self._lock:
            self._results[namespace, level, result] += 1
            if result == "stale":
                self._stale[namespace, level, cause] += 1
            self._saved.setdefault((namespace, level), _Savings()).add(entry, usage)

    def result(self, namespace: str, level: str, result: str, reason: str | None = None) -> None:
        """A request was not served, and perhaps why."""
        with self._lock:
            self._results[namespace, level, result] += 1
            if reason:
                self._reasons[namespace, reason] += 1

    def reason(self, namespace: str, reason: str) -> None:
        """An answer was not stored, or a level not used, and why."""
        with self._lock:
            self._reasons[namespace, reason] += 1

    def spent(self, usage: UsageMetadata | None) -> None:
        """A model was asked; its provider may have had the prompt in a cache of its own."""
        details: Any = usage.get("input_token_details") if usage is not None else None
        with self._lock:
            self._provider_cached += (details or {}).get("cache_read") or 0

    def stats(self, levels: Mapping[str, Usage], semantic: Mapping[str, Any]) -> CacheStats:
        """Everything counted so far."""
        with self._lock:
            return CacheStats(
                dict(self._results),
                dict(self._reasons),
                dict(self._stale),
                {place: savings.saved() for place, savings in self._saved.items()},
                self._provider_cached,
                dict(levels),
                dict(semantic),
            )


class _Savings:
    """`Saved`, while it grows."""

    def __init__(self) -> None:
        self._tokens = [0, 0]
        self._money: dict[str, float] = {}
        self._seconds = 0.0

    def add(self, entry: Entry, usage: UsageMetadata | None) -> None:
        self._seconds += entry.took
        if usage is not None:
            self._tokens[0] += usage["input_tokens"]
            self._tokens[1] += usage["output_tokens"]
        for currency, amount in entry.cost.items():
            self._money[currency] = self._money.get(currency, 0.0) + amount

    def saved(self) -> Saved:
        tokens = dict(zip(("input", "output"), self._tokens, strict=True))
        return Saved(
            {kind: count for kind, count in tokens.items() if count},
            dict(self._money),
            self._seconds,
        )
