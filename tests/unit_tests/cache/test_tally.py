"""What the cache counts, and how it is shown."""

from __future__ import annotations

import pytest

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.policy import CachePolicy, Degradation
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.tally import Tally
from langchain_switchyard.routing.cache_options import CacheOptions
from tests.unit_tests.cache.builders import wishes, yard


def entry(took: float, **cost: float) -> Entry:
    """An answer that had cost this."""
    return Entry(
        body=b"",
        created=0.0,
        fresh_until=1.0,
        stale_until=1.0,
        outage_until=1.0,
        took=took,
        cost=cost,
    )


def test_savings_are_told_by_namespace_and_level_and_in_sum() -> None:
    """Tokens, money by currency, seconds."""
    tally = Tally()
    usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
    tally.hit("faq", "memory", "exact", entry(1.5, USD=0.25), usage)
    tally.hit("faq", "redis", "exact", entry(1.0, USD=0.5, CNY=2.0), usage)
    tally.hit("docs", "memory", "semantic", entry(2.0), None)
    stats = tally.stats({}, {})
    assert stats.saved["faq", "memory"].tokens == {"input": 3, "output": 5}
    assert stats.saved["faq", "redis"].money == {"USD": 0.5, "CNY": 2.0}
    assert stats.saved["docs", "memory"].seconds == pytest.approx(2.0)
    assert stats.saved_tokens == {"input": 6, "output": 10}
    assert stats.saved_money == {"USD": 0.75, "CNY": 2.0}
    assert stats.saved_seconds == pytest.approx(4.5)


def test_vetoes_are_summed_over_namespaces() -> None:
    """Other reasons are none."""
    tally = Tally()
    for namespace, reason in (("a", "vetoed: number"), ("b", "vetoed: number"), ("a", "too far")):
        tally.result(namespace, "none", "miss", reason)
    assert tally.stats({}, {}).vetoed == {"number": 2}


def test_why_an_old_answer_was_served_is_told() -> None:
    """In an outage, or while a fresh one is fetched."""
    tally = Tally()
    tally.hit("default", "memory", "stale", entry(0), None, cause="outage: similar")
    tally.hit("default", "memory", "exact", entry(0), None)
    assert tally.stats({}, {}).stale == {("default", "memory", "outage: similar"): 1}


def test_reasons_are_shown_as_text_and_in_notebooks() -> None:
    """With namespaces, and never as markup."""
    cache = ResponseCache(policy=CachePolicy(degradation=Degradation(mode="exact")))
    router, _ = yard(cache, "an answer")
    options = wishes(cache=CacheOptions(namespace="<b>faq</b>"))
    router.invoke("tea?", temperature=1, **options)
    router.invoke("tea?", **options)
    router.invoke("tea?", **options)
    stats = cache.stats()
    shown, html = str(stats), stats._repr_html_()
    for told in (shown, html):
        assert "temperature" in told
        assert "tokens saved" in told
        assert "33.3%" in told
    assert "<b>" not in html
    assert html.count("<table>") == html.count("</table>") == 3


def test_nothing_done_is_shown_as_nothing() -> None:
    """Without empty tables."""
    stats = Tally().stats({}, {})
    assert str(stats) == ("0 of 0 requests served (0.0%)\nsaved 0 tokens, no priced calls, 0.0 s")
    assert "<table>" not in stats._repr_html_()
