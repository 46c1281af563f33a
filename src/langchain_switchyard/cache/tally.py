"""Counts what the cache did; told as figures, as a table, and as HTML in notebooks."""

from __future__ import annotations

import html
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.levels.level import Usage

HITS = ("exact", "semantic", "stale", "coalesced")
"""Results that spared a call of the model."""


@dataclass(frozen=True)
class CacheStats:
    """How the cache has done since it was made."""

    results: Mapping[tuple[str, str, str], int]
    """(namespace, level, result) -> requests."""
    reasons: Mapping[tuple[str, str], int]
    """(namespace, why not served or not stored) -> requests."""
    saved_tokens: Mapping[str, int]
    """`input`, `output` -> tokens that were not spent."""
    saved_money: Mapping[str, float]
    """Currency -> money."""
    saved_seconds: float
    """What the models had needed."""
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

    def count(self, result: str) -> int:
        """Requests with this result, over all namespaces and levels."""
        return sum(count for (_, _, found), count in self.results.items() if found == result)

    def __str__(self) -> str:
        """Results by namespace and level, and what they saved."""
        lines = [f"{' '.join(name)}: {count}" for name, count in sorted(self.results.items())]
        return "\n".join([*lines, *self._sums()])

    def _repr_html_(self) -> str:
        rows = "".join(_row([*name, str(count)]) for name, count in sorted(self.results.items()))
        head = _row(["namespace", "level", "result", "requests"], "th")
        sums = "<br>".join(html.escape(line) for line in self._sums())
        return f"<table>{head}{rows}</table><p>{sums}</p>"

    def _sums(self) -> list[str]:
        tokens = sum(self.saved_tokens.values())
        money = ", ".join(f"{amount:.4f} {name}" for name, amount in self.saved_money.items())
        lines = [
            f"{self.hits} of {self.requests} requests served ({self.hit_ratio:.1%})",
            f"saved {tokens} tokens, {money or 'no priced calls'}, {self.saved_seconds:.1f} s",
        ]
        for name, usage in self.levels.items():
            size = "" if usage.size is None else f", {usage.size} bytes"
            lines.append(f"{name}: {usage.entries} entries{size}, {usage.failures} failures")
        return lines


class Tally:
    """The counters behind `CacheStats`, under one lock."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._results: Counter[tuple[str, str, str]] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._tokens: Counter[str] = Counter()
        self._money: dict[str, float] = {}
        self._seconds = 0.0
        self._provider_cached = 0
        self._lock = threading.Lock()

    def hit(
        self, namespace: str, level: str, result: str, entry: Entry, usage: UsageMetadata | None
    ) -> None:
        """A request was served by an entry that had cost this usage."""
        with self._lock:
            self._results[namespace, level, result] += 1
            self._seconds += entry.took
            if usage is not None:
                self._tokens["input"] += usage["input_tokens"]
                self._tokens["output"] += usage["output_tokens"]
            for currency, amount in entry.cost.items():
                self._money[currency] = self._money.get(currency, 0.0) + amount

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
                dict(self._tokens),
                dict(self._money),
                self._seconds,
                self._provider_cached,
                dict(levels),
                dict(semantic),
            )


def _row(cells: Sequence[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
