"""The figures that Prometheus scrapes."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.metrics import register
from langchain_switchyard.cache.response_cache import ResponseCache
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
    tokens = figure("llm_cache_saved_tokens_total", type="input")
    assert tokens == 2 * saved["input_tokens"]
    assert figure("llm_cache_saved_seconds_total") == 0
    assert figure("llm_cache_provider_read_tokens_total") == 0
    assert figure("llm_cache_entries", level="memory") == 1
    assert (figure("llm_cache_bytes", level="memory") or 0) > 100
    assert figure("llm_cache_failures_total", level="memory") == 0
    assert "secret" not in prometheus.generate_latest(registry).decode()
