"""Which clients a URL stands for; nobody is connected to."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from langchain_switchyard.cache.levels.redis_clients import clients_of, made_by
from langchain_switchyard.cache.levels.redis_level import RedisLevel
from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.cache.builders import address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://cache:6379", "redis+cluster"),
        ("redis+ring://cache:6379", "redis+sentinel"),
        ("cache:6379", "begins with"),
        ("redis+cluster://", "names its hosts"),
        ("redis+cluster://a,,b", "names its hosts"),
        ("redis+cluster://a:x", "port"),
        ("redis+cluster://a:99999", "port"),
        ("redis+cluster://a/3", "no databases"),
        ("redis+cluster://a?ssl_cert_reqs=none", "clients="),
        ("redis://a:x", "port"),
        ("redis://a:99999", "port"),
        ("redis://a,b:1", "several hosts"),
        ("redis://a/abc", "number of a database"),
        ("redis://a?db=x", "none: "),
        ("redis://a?no_such_setting=1", "no_such_setting"),
        ("redis://a?decode_responses=True", "decode_responses=False"),
        ("redis+sentinel://a:26379", "names its master"),
        ("redis+sentinel://a:26379/mymaster/x", "names its master"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(url: str, says: str) -> None:
    """When the level is made, with what to write instead."""
    pytest.importorskip("redis")
    with pytest.raises(ConfigurationError, match=says.replace("+", r"\+")):
        RedisLevel(url)


def test_no_error_tells_a_password() -> None:
    """Errors end up in logs."""
    pytest.importorskip("redis")
    urls = ["redis+cluster://u:secret@a:x", "redis+sentinel://u:secret@a", "x://u:secret@a"]
    for url in [*urls, "redis://u:secret@a:x", "redis://u:secret@a/x", "redis://u:half/secret@a"]:
        with pytest.raises(ConfigurationError) as raised:
            RedisLevel(url)
        assert "secret" not in str(raised.value)


def test_sentinels_and_their_master_are_given_the_budget() -> None:
    """Every wait has an end: asking who is master, and asking the master."""
    pytest.importorskip("redis")
    for make in clients_of("rediss+sentinel://u:p%40ss@a,b:1/mymaster/2", 0.05):
        client = make()
        facts = client.connection_pool.connection_kwargs
        assert facts["socket_timeout"] == facts["socket_connect_timeout"] == 0.05
        assert (facts["username"], facts["password"], facts["db"]) == ("u", "p@ss", 2)
        sentinels = client.connection_pool.sentinel_manager.sentinels
        watchers = [sentinel.connection_pool.connection_kwargs for sentinel in sentinels]
        assert [(w["host"], w["port"]) for w in watchers] == [("a", 26379), ("b", 1)]
        assert all(watcher["socket_timeout"] == 0.05 for watcher in watchers)
        assert not any(watcher.get("password") for watcher in watchers)
        classes = [sentinel.connection_pool.connection_class for sentinel in sentinels]
        assert all("SSL" in made.__name__ for made in classes)


def test_a_missing_package_is_named() -> None:
    """And how to install it."""
    hidden: Any = {"redis": None, "redis.asyncio": None}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in hidden.items():
            patch.setitem(sys.modules, name, module)
        with pytest.raises(MissingExtra, match=r"langchain-switchyard\[redis\]"):
            RedisLevel("redis://cache")


def test_clients_of_ones_own_need_no_package_of_ours() -> None:
    """Valkey's will do, or any that speaks the same."""
    mine = object()
    assert made_by(mine)() is mine
    assert made_by(lambda: mine)() is mine
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "redis", None)
        RedisLevel(clients=(mine, mine))


class Deaf:
    """A client whose server never says anything."""

    async def get(self, _name: str) -> None:
        await asyncio.sleep(1e6)


def test_only_the_very_first_operation_may_take_longer() -> None:
    """A server that never was there costs one long wait, then a budget at a time."""
    clock, client = FakeClock(), Deaf()
    level = RedisLevel(clients=(client, client), budget=0.05)
    waited: list[float] = []

    async def look() -> None:
        for _ in range(3):
            begun = clock.now()
            assert await level.aget(address(), 0.0) is None
            waited.append(clock.now() - begun)
            level._fuse._rests_until = 0.0

    clock.run(look())
    assert waited == pytest.approx([0.5, 0.05, 0.05])
    assert level.usage().failures == 3


def test_urls_that_can_be_meant_are_taken() -> None:
    """One server, with and without what may be left out."""
    pytest.importorskip("redis")
    for url in ("redis://", "rediss://u:p%2F@h:1/2?ssl_cert_reqs=none", "unix:///run/redis?db=1"):
        RedisLevel(url)
    RedisLevel("redis://[::1]:6379/0?protocol=3")
