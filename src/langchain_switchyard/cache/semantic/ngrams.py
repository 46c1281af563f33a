"""Vectors without an encoder: counted character n-grams, hashed.

They know letters and no meaning. Measured on Chinese question pairs they are better than an
English-only encoder and still serve 3 to 28 % wrong answers at a cosine of 0.9; so they only
propose candidates here, and `strict_veto` decides. They are taken of what the veto compares, the
text without politeness: of a short question and its polite form they would have little in common.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter

from langchain_core.embeddings import Embeddings

from langchain_switchyard.cache.semantic.words import content
from langchain_switchyard.errors import ConfigurationError


class NgramEmbeddings(Embeddings):
    """Character 1- to 3-grams as LangChain embeddings: no model, no download, any language.

    Politeness, articles and particles do not count.

    Args:
        dimensions: Length of a vector; n-grams that fall on the same place add up.
    """

    model = "ngrams-2"
    """Changes with the vectors: those of two kinds must not meet."""

    def __init__(self, dimensions: int = 1024) -> None:
        """Keep the length."""
        if dimensions < 16:
            raise ConfigurationError(f"NgramEmbeddings needs 16 dimensions, got {dimensions}")
        self._dimensions = dimensions

    def embed_query(self, text: str) -> list[float]:
        """Return the unit vector of a text."""
        counts = Counter(self._grams(_spoken(text)))
        vector = [0.0] * self._dimensions
        for gram, count in counts.items():
            digest = zlib.crc32(gram.encode())
            # The sign keeps chance meetings from adding up to similarity.
            sign = 1.0 if digest >> 31 else -1.0
            vector[digest % self._dimensions] += sign * (1 + math.log(count)) * len(gram)
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the unit vectors of texts."""
        return [self.embed_query(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        """Return the unit vector of a text; too quick for a thread."""
        return self.embed_query(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the unit vectors of texts."""
        return self.embed_documents(texts)

    @staticmethod
    def _grams(text: str) -> list[str]:
        return [text[at : at + n] for n in (1, 2, 3) for at in range(len(text) - n + 1)]


def _spoken(text: str) -> str:
    """The words that count, between spaces, and Chinese characters next to each other."""
    said = "".join(word if _is_character(word) else f" {word} " for word in content(text))
    return " ".join(["", *said.split(), ""])


def _is_character(word: str) -> bool:
    return len(word) == 1 and word >= "\u3040"
