"""Vectors of texts seen before."""

from __future__ import annotations

from pathlib import Path

from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.embeddings import CachedEmbeddings
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.sqlite_level import SqliteLevel
from langchain_switchyard.testing import FakeClock


class Counting(Embeddings):
    """A model that tells what it was asked."""

    def __init__(self, scale: float = 1.0) -> None:
        """Nothing asked yet."""
        self.asked: list[str] = []
        self._scale = scale

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector of no meaning."""
        self.asked += texts
        return [[len(text) / 3 * self._scale, self._scale] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Another one."""
        self.asked.append(f"query: {text}")
        return [0.5, len(text) / 7]


def test_each_text_is_embedded_once() -> None:
    """In any order, repeats included, equal to the last bit."""
    inner = Counting()
    cached = CachedEmbeddings(inner, "m")
    first = cached.embed_documents(["a", "bb", "a"])
    again = cached.embed_documents(["bb", "ccc", "a"])
    assert inner.asked == ["a", "bb", "ccc"]
    assert first == [[1 / 3, 1.0], [2 / 3, 1.0], [1 / 3, 1.0]]
    assert again == [first[1], [1.0, 1.0], first[0]]


def test_questions_are_not_documents() -> None:
    """Some models embed them otherwise."""
    inner = Counting()
    cached = CachedEmbeddings(inner, "m")
    assert cached.embed_query("a") == cached.embed_query("a") == [0.5, 1 / 7]
    cached.embed_documents(["a"])
    assert inner.asked == ["query: a", "a"]


def test_two_models_never_mix() -> None:
    """On one and the same level."""
    level = MemoryLevel()
    one = CachedEmbeddings(Counting(), "one", levels=[level])
    two = CachedEmbeddings(Counting(2.0), "two", levels=[level])
    assert one.embed_documents(["a"]) != two.embed_documents(["a"])


def test_vectors_handed_out_can_be_changed() -> None:
    """The cache keeps its own."""
    cached = CachedEmbeddings(Counting(), "m")
    cached.embed_documents(["a"])[0][0] = 99.0
    assert cached.embed_documents(["a"])[0][0] != 99.0


def test_vectors_expire() -> None:
    """After `keep_for`."""
    clock, inner = FakeClock(), Counting()
    cached = CachedEmbeddings(inner, "m", keep_for=10, clock=clock)
    cached.embed_query("a")
    clock.advance(11)
    cached.embed_query("a")
    assert len(inner.asked) == 2


async def test_vectors_survive_in_a_file_and_awaiting(tmp_path: Path) -> None:
    """The same levels as answers."""
    inner = Counting()
    for _ in range(2):
        level = SqliteLevel(tmp_path / "vectors.db")
        cached = CachedEmbeddings(inner, "m", levels=[level])
        assert await cached.aembed_documents(["茶"]) == [[1 / 3, 1.0]]
        assert await cached.aembed_query("茶") == [0.5, 1 / 7]
        level.close()
    assert inner.asked == ["茶", "query: 茶"]
