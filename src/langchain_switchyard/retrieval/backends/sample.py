"""Statistics of a sample of an engine's documents, for what the engine itself cannot say.

Fusion by z-scores wants the mean and deviation of a query's score over *all* documents. A sample
of 2,000 tells them well enough: cosines from its mean vector and covariance, BM25 by scoring it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from langchain_switchyard.retrieval.backends.backend import Backend
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer
from langchain_switchyard.retrieval.storage.catalog import Record
from langchain_switchyard.retrieval.storage.entry import entries_of
from langchain_switchyard.retrieval.storage.records import decode

Statistics = tuple[float | None, float | None]


class Sample:
    """Some documents as they are searched.

    Args:
        texts: What is searched of each.
        vectors: Its unit vector, ``None`` where it has none.
        tokenizer: The index's own.
    """

    def __init__(
        self, texts: Sequence[str], vectors: Sequence[Matrix | None], tokenizer: Tokenizer
    ) -> None:
        """Compute nothing yet."""
        self._texts, self._vectors, self._tokenizer = texts, vectors, tokenizer

    def __len__(self) -> int:
        """Documents in the sample."""
        return len(self._texts)

    def embedded(self) -> tuple[list[str], Matrix]:
        """Return texts and ``(n, d)`` vectors of those documents that have one."""
        pairs = [(t, v) for t, v in zip(self._texts, self._vectors, strict=True) if v is not None]
        if not pairs:
            return [], np.zeros((0, 0), np.float32)
        return [text for text, _ in pairs], np.stack([vector for _, vector in pairs])

    def words(self, query: str) -> Statistics:
        """Return mean and deviation of the query's BM25, ``None`` where the sample is too small."""
        match = self._lexical.match(query) if len(self) > 1 else None
        return (None, None) if match is None else (match.mean, match.deviation)

    def cosines(self, vector: Matrix) -> Statistics:
        """Return mean and deviation of the query's cosine."""
        if self._spread is None:
            return None, None
        centre, covariance = self._spread
        variance = float(vector @ (covariance @ vector))
        return float(centre @ vector), float(np.sqrt(max(variance, 0.0)))

    @cached_property
    def _lexical(self) -> LexicalIndex:
        index = LexicalIndex(self._tokenizer, exact=True)
        index.add(range(len(self._texts)), self._texts)
        return index

    @cached_property
    def _spread(self) -> tuple[Matrix, Matrix] | None:
        vectors = self.embedded()[1]
        if len(vectors) < 2:
            return None
        covariance = np.cov(vectors, rowvar=False, bias=True).astype(np.float32)
        return vectors.mean(axis=0), covariance


def take_sample(backend: Backend, tokenizer: Tokenizer, count: int) -> Sample:
    """Fetch a sample of up to ``count`` documents."""
    ids = backend.sample(count)
    stored = backend.fetch(ids) if ids else []
    vectors = backend.vectors(ids) if ids else {}
    entries = entries_of(decode(Record(0, each.id, each.text, each.metadata)) for each in stored)
    return Sample(
        [entry.text for entry in entries], [vectors.get(entry.id) for entry in entries], tokenizer
    )
