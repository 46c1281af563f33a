"""The cache's figures for Prometheus: `register(cache)` once, and every scrape reads `stats()`.

Labels are bounded: levels, results, kinds of reason, never tenants or texts; namespaces only those
that are named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_switchyard.cache.tally import CacheStats
from langchain_switchyard.errors import MissingExtra

_OTHER = "other"


class HasStats(Protocol):
    """A `ResponseCache` or a `SwitchyardCache`."""

    def stats(self) -> CacheStats:
        """What it did so far."""
        ...


def register(cache: HasStats, registry: Any = None, *, namespaces: Collection[str] = ()) -> None:
    """Let a Prometheus registry read a cache's figures at every scrape.

    Exports, each name with `llm_cache_` in front:

    * `requests_total{level,result}`; `stale_total{level,cause}`: old answers served, and why;
    * `reasons_total{reason}`: why not served or stored; `vetoed_total{difference}`: what kept a
      similar answer from being served;
    * `saved_tokens_total{level,type}`, `saved_cost_total{level,currency}`,
      `saved_seconds_total{level}`;
    * `provider_read_tokens_total`: prompt tokens that providers had in their own caches;
    * `entries{level}`, `bytes{level}`, `failures_total{level}`;
    * with a semantic level `semantic_checked` and `semantic_wrong` (hits that were compared with a
      fresh answer), `semantic_wrong_per_hit{bound}` (the interval's ends), `semantic_entries`,
      `semantic_partitions`, `semantic_raised`, `semantic_closed`.

    Args:
        cache: Whose figures.
        registry: Prometheus' default registry if None.
        namespaces: If given, what is counted by namespace has a label `namespace`, too: one of
            these, or `other`. Not all there are: each is a time series of its own.

    Raises:
        MissingExtra: `prometheus-client` is not installed (extra `metrics`).
    """
    try:
        import prometheus_client  # noqa: PLC0415 - an extra.
    except ImportError as error:
        raise MissingExtra("cache metrics", "metrics") from error
    (registry or prometheus_client.REGISTRY).register(_Collector(cache, frozenset(namespaces)))


@dataclass
class _Family:
    """One metric before Prometheus sees it."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    is_gauge: bool = False
    figures: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, labels: tuple[str, ...], amount: float) -> None:
        self.figures[labels] = self.figures.get(labels, 0) + amount


class _Collector:
    """Builds metric families from one snapshot, so that a scrape is consistent in itself."""

    def __init__(self, cache: HasStats, namespaces: frozenset[str]) -> None:
        self._cache = cache
        self._namespaces = namespaces

    def describe(self) -> list[Any]:
        """Nothing ahead: registering must not read the levels."""
        return []

    def collect(self) -> Iterator[Any]:
        """All families."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        stats = self._cache.stats()
        for family in (*self._by_namespace(stats), *_levels(stats), *_semantic(stats.semantic)):
            kind = GaugeMetricFamily if family.is_gauge else CounterMetricFamily
            metric = kind(f"llm_cache_{family.name}", family.text, labels=family.labels)
            for labels, amount in sorted(family.figures.items()):
                metric.add_metric(list(labels), amount)
            yield metric

    def _by_namespace(self, stats: CacheStats) -> Iterator[_Family]:
        requests = self._family("requests", "Lookups by level and result.", "level", "result")
        for (namespace, *place), count in stats.results.items():
            requests.add((*self._name(namespace), *place), count)
        stale = self._family("stale", "Old answers served.", "level", "cause")
        for (namespace, *place), count in stats.stale.items():
            stale.add((*self._name(namespace), *place), count)
        reasons = self._family("reasons", "Why not served or not stored.", "reason")
        vetoed = self._family("vetoed", "What kept similar answers back.", "difference")
        for (namespace, reason), count in stats.reasons.items():
            # What follows may name a caller's class, which is unbounded.
            kind, _, rest = reason.partition(": ")
            if kind == "not stored":
                kind = f"{kind}: {rest.partition(': ')[0]}"
            reasons.add((*self._name(namespace), kind), count)
            if kind == "vetoed":
                vetoed.add((*self._name(namespace), rest), count)
        yield from (requests, stale, reasons, vetoed, *self._savings(stats))

    def _savings(self, stats: CacheStats) -> Iterator[_Family]:
        tokens = self._family("saved_tokens", "Tokens not spent.", "level", "type")
        money = self._family("saved_cost", "Money not spent.", "level", "currency")
        seconds = self._family("saved_seconds", "Seconds of models not waited for.", "level")
        for (namespace, level), saved in stats.saved.items():
            place = (*self._name(namespace), level)
            for kind, count in saved.tokens.items():
                tokens.add((*place, kind), count)
            for currency, amount in saved.money.items():
                money.add((*place, currency), amount)
            seconds.add(place, saved.seconds)
        yield from (tokens, money, seconds)

    def _family(self, name: str, text: str, *labels: str) -> _Family:
        return _Family(name, text, (*(("namespace",) if self._namespaces else ()), *labels))

    def _name(self, namespace: str) -> tuple[str, ...]:
        if not self._namespaces:
            return ()
        return (namespace if namespace in self._namespaces else _OTHER,)


def _levels(stats: CacheStats) -> Iterator[_Family]:
    text = "Prompt tokens that providers had in their own caches."
    read = _Family("provider_read_tokens", text)
    read.add((), stats.provider_cached_tokens)
    failures = _Family("failures", "Operations given up.", ("level",))
    entries = _Family("entries", "Entries held.", ("level",), is_gauge=True)
    size = _Family("bytes", "Bytes held.", ("level",), is_gauge=True)
    for level, usage in stats.levels.items():
        failures.add((level,), usage.failures)
        if usage.entries is not None:
            entries.add((level,), usage.entries)
        if usage.size is not None:
            size.add((level,), usage.size)
    yield from (read, failures, entries, size)


def _semantic(figures: Mapping[str, Any]) -> Iterator[_Family]:
    """A level of somebody else's may tell less."""
    # Gauges: what a partition has counted leaves with it.
    for name, text in (
        ("checked", "Hits compared with a fresh answer, of the partitions held."),
        ("wrong", "Compared hits whose answer was wrong, of the partitions held."),
        ("entries", "Questions held."),
        ("partitions", "Partitions held."),
        ("raised", "Steps that bars were raised."),
        ("closed", "Partitions that are closed."),
    ):
        if name in figures:
            family = _Family(f"semantic_{name}", text, is_gauge=True)
            family.add((), figures[name])
            yield family
    if "wrong_per_hit" in figures:
        text = "Ends of the interval of wrong per checked hit."
        interval = _Family("semantic_wrong_per_hit", text, ("bound",), is_gauge=True)
        for bound, share in zip(("lower", "upper"), figures["wrong_per_hit"], strict=True):
            interval.add((bound,), share)
        yield interval
