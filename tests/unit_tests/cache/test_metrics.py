"""The figures that Prometheus scrapes."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.metrics import register
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.semantic import (
    SemanticCache,
    SemanticPolicy,
    ShadowPolicy,
    threshold,
)
from langchain_switchyard.routing.cache_options import CacheOptions
from tests.unit_tests.cache.builders import wishes, yard

prometheus = pytest.importorskip("prometheus_client")


def test_every_scrape_tells_what_the_cache_did() -> None:
    """By level and result; nothing of tenants or texts."""
    registry = prometheus.CollectorRegistry()
    cache = ResponseCache()
    register(cache, registry)
    router, _ = yard(cache, "an answer")
    for _ in range(3):
        spent = router.invoke("secret question", **wishes(tenant="secret-tenant"))
    router.invoke("tea?", temperature=1)

    def figure(name: str, **labels: str) -> float | None:
        value: float | None = registry.get_sample_value(name, labels)
        return value

    requests = "llm_cache_requests_total"
    assert figure(requests, level="memory", result="exact") == 2
    assert figure(requests, level="none", result="miss") == 1
    assert figure(requests, level="none", result="bypass") == 1
    saved = spent.response_metadata["switchyard"]["saved_usage"]
    tokens = figure("llm_cache_saved_tokens_total", level="memory", type="input")
    assert tokens == 2 * saved["input_tokens"]
    assert figure("llm_cache_saved_seconds_total", level="memory") == 0
    assert figure("llm_cache_provider_read_tokens_total") == 0
    assert figure("llm_cache_entries", level="memory") == 1
    assert (figure("llm_cache_bytes", level="memory") or 0) > 100
    assert figure("llm_cache_failures_total", level="memory") == 0
    assert figure("llm_cache_reasons_total", reason="temperature") == 1
    assert "secret" not in prometheus.generate_latest(registry).decode()


def test_vetoes_and_checks_of_the_semantic_level_are_told() -> None:
    """By difference; how many checked hits were wrong, with the interval."""
    registry = prometheus.CollectorRegistry()
    policy = SemanticPolicy(shadow=ShadowPolicy(share=1.0))
    cache = ResponseCache(semantic=SemanticCache(mode=threshold(0.5), policy=policy))
    register(cache, registry)
    router, _ = yard(cache, "an answer")
    for text in ("wait 3 days", "wait 5 days", "please wait 3 days"):
        router.invoke(text)
        cache.settle()

    def figure(name: str, **labels: str) -> float | None:
        value: float | None = registry.get_sample_value(f"llm_cache_{name}", labels)
        return value

    assert figure("vetoed_total", difference="number") == 1
    assert figure("reasons_total", reason="vetoed") == 1
    assert figure("semantic_checked") == 1
    assert figure("semantic_wrong") == 0
    assert figure("semantic_entries") == 3
    lower = figure("semantic_wrong_per_hit", bound="lower")
    upper = figure("semantic_wrong_per_hit", bound="upper")
    assert lower == 0
    assert upper is not None
    assert 0 < upper < 1


def test_only_namespaces_that_are_named_are_labels() -> None:
    """Others are counted together: there may be one for each user."""
    registry = prometheus.CollectorRegistry()
    cache = ResponseCache()
    register(cache, registry, namespaces={"faq"})
    router, _ = yard(cache, "an answer")
    for namespace in ("faq", "faq", "user-1", "user-2"):
        router.invoke("tea?", **wishes(cache=CacheOptions(namespace=namespace)))

    def requests(**labels: str) -> float | None:
        value: float | None = registry.get_sample_value("llm_cache_requests_total", labels)
        return value

    assert requests(namespace="faq", level="memory", result="exact") == 1
    assert requests(namespace="faq", level="none", result="miss") == 1
    assert requests(namespace="other", level="none", result="miss") == 2
    assert "user-" not in prometheus.generate_latest(registry).decode()


def test_a_reason_is_a_bounded_label() -> None:
    """Whatever class a caller's object has."""
    registry = prometheus.CollectorRegistry()
    cache = ResponseCache()
    register(cache, registry)
    router, _ = yard(cache, "an answer")
    router.invoke("tea?", strange=object())
    assert registry.get_sample_value("llm_cache_reasons_total", {"reason": "no key"}) == 1
    assert "builtins" not in prometheus.generate_latest(registry).decode()
