"""The cache's figures for Prometheus: `register(cache)` once, and every scrape reads `stats()`.

Labels are bounded: levels and results, never namespaces, tenants or texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol

from langchain_switchyard.cache.tally import CacheStats
from langchain_switchyard.errors import MissingExtra


class HasStats(Protocol):
    """A `ResponseCache` or a `SwitchyardCache`."""

    def stats(self) -> CacheStats:
        """What it did so far."""
        ...


def register(cache: HasStats, registry: Any = None) -> None:
    """Let a Prometheus registry read a cache's figures at every scrape.

    Exports `llm_cache_requests_total{level,result}`, `llm_cache_saved_tokens_total{type}`,
    `llm_cache_saved_cost_total{currency}`, `llm_cache_saved_seconds_total`,
    `llm_cache_provider_read_tokens_total` (prompt tokens that providers had in their own caches),
    `llm_cache_entries{level}`, `llm_cache_bytes{level}`, `llm_cache_failures_total{level}`.

    Args:
        cache: Whose figures.
        registry: Prometheus' default registry if None.

    Raises:
        MissingExtra: `prometheus-client` is not installed (extra `metrics`).
    """
    try:
        import prometheus_client  # noqa: PLC0415 - an extra.
    except ImportError as error:
        raise MissingExtra("cache metrics", "metrics") from error
    (registry or prometheus_client.REGISTRY).register(_Collector(cache))


class _Collector:
    """Builds metric families from one snapshot, so that a scrape is consistent in itself."""

    def __init__(self, cache: HasStats) -> None:
        self._cache = cache

    def describe(self) -> list[Any]:
        """Nothing ahead: registering must not read the levels."""
        return []

    def collect(self) -> Iterator[Any]:
        """All families."""
        from prometheus_client.core import CounterMetricFamily as Count  # noqa: PLC0415 - an extra.
        from prometheus_client.core import GaugeMetricFamily as Gauge  # noqa: PLC0415

        stats = self._cache.stats()
        requests: Counter[tuple[str, str]] = Counter()
        for (_, level, result), count in stats.results.items():
            requests[level, result] += count
        family = Count("llm_cache_requests", "Lookups by level and result.", labels=_labels(2))
        for labels, count in sorted(requests.items()):
            family.add_metric(list(labels), count)
        yield family
        for name, text, label, figures in (
            ("saved_tokens", "Tokens not spent.", "type", stats.saved_tokens),
            ("saved_cost", "Money not spent.", "currency", stats.saved_money),
            ("saved_seconds", "Seconds of models not waited for.", "", {"": stats.saved_seconds}),
            (
                "provider_read_tokens",
                "Prompt tokens that providers had in their own caches.",
                "",
                {"": stats.provider_cached_tokens},
            ),
        ):
            family = Count(f"llm_cache_{name}", text, labels=[label] if label else [])
            for value, amount in figures.items():
                family.add_metric([value] if label else [], amount)
            yield family
        failures = Count("llm_cache_failures", "Operations given up.", labels=_labels(1))
        entries = Gauge("llm_cache_entries", "Entries held.", labels=_labels(1))
        size = Gauge("llm_cache_bytes", "Bytes held.", labels=_labels(1))
        for level, usage in stats.levels.items():
            failures.add_metric([level], usage.failures)
            if usage.entries is not None:
                entries.add_metric([level], usage.entries)
            if usage.size is not None:
                size.add_metric([level], usage.size)
        yield from (failures, entries, size)


def _labels(count: int) -> list[str]:
    return ["level", "result"][:count]
