"""The streams of `semantic_cache.py`: questions in order, with stored vectors and intents."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.semantic import Comparison

FILES = {"banking77": "banking77_minilm_l6_f16.npz", "clinc150": "clinc150_10k_minilm_l6_f16.npz"}
PAWS = ("pawsx_zh_dev_2k.tsv", "pawsx_zh_test_2k.tsv")


@dataclass(frozen=True)
class Stream:
    """Questions in order, with vectors `(n, 384)` and the intents that stand for answers."""

    name: str
    texts: list[str]
    intents: list[str]
    vectors: np.ndarray

    def part(self, rows: Sequence[int], name: str) -> Stream:
        """Return some of the questions, in the given order."""
        return Stream(
            f"{self.name} {name}",
            [self.texts[row] for row in rows],
            [self.intents[row] for row in rows],
            self.vectors[list(rows)],
        )

    def half(self, which: int) -> Stream:
        """Return the questions of every other intent, in their order."""
        rows = [
            row
            for row, intent in enumerate(self.intents)
            if zlib.crc32(intent.encode()) % 2 == which
        ]
        return self.part(rows, f"half {which}")

    def shuffled(self, seed: int) -> Stream:
        """Return the questions in another order."""
        rows = list(range(len(self.texts)))
        random.Random(seed).shuffle(rows)
        return self.part(rows, f"order {seed}")


class StoredVectors(Embeddings):
    """Embeddings that know a fixed set of texts."""

    def __init__(self, *streams: Stream) -> None:
        """Index the vectors by text."""
        self._vectors = {
            text: vector
            for stream in streams
            for text, vector in zip(stream.texts, stream.vectors, strict=True)
        }

    def embed_query(self, text: str) -> list[float]:
        """Return the stored vector."""
        return self._vectors[text]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the stored vectors."""
        return [self._vectors[text] for text in texts]


class Oracle:
    """Perfect comparison of answers, or one that errs at a given rate."""

    def __init__(self, noise: float = 0.0) -> None:
        """Count the comparisons."""
        self._noise, self._chance, self.asked = noise, random.Random(11), 0

    def same(self, comparison: Comparison) -> bool:
        """Compare the intents, which stand for the answers."""
        self.asked += 1
        right = comparison.answer == comparison.known_answer
        return right != (self._noise > 0 and self._chance.random() < self._noise)


def made_up(intents: int = 30, each: int = 20) -> Stream:
    """Make a stream for a smoke test: a direction for each intent, and questions around it."""
    chance = np.random.default_rng(1)
    middles = chance.normal(size=(intents, 48))
    rows = chance.permutation(np.repeat(np.arange(intents), each))
    vectors = middles[rows] + 0.4 * chance.normal(size=(len(rows), 48))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"question {chr(97 + row % 26)}{'x' * (row // 26)}" for row in range(len(rows))]
    names = [f"intent {number}" for number in rows]
    return Stream("made up", texts, names, vectors.astype(np.float32))


def load(folder: Path, name: str, limit: int | None) -> Stream:
    """Read a stream in its stored order."""
    with np.load(folder / FILES[name], allow_pickle=False) as stored:
        vectors = stored["emb"][:limit].astype(np.float32)
        texts, intents = stored["text"][:limit].tolist(), stored["label"][:limit].tolist()
    return Stream(name, texts, intents, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def pairs(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Read labelled sentence pairs; placeholders are dropped."""
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) >= 3 and parts[-1] in {"0", "1"} and "NS" not in parts:
            yield parts[-3], parts[-2], parts[-1] == "1"
