"""What one search sees of an engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.backend import (
    Backend,
    Found,
    FusingBackend,
    StoredDocument,
)
from langchain_switchyard.retrieval.backends.sample import Sample
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.fusion.legs import LegResult
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Ints
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer
from langchain_switchyard.retrieval.storage.catalog import Record
from langchain_switchyard.retrieval.storage.conditions import Condition, Ids

_Fill = Callable[[Ints], Floats]
_Search = Callable[[int, Condition], Found]


def record(row: int, stored: StoredDocument) -> Record:
    """Return a stored document under a row number."""
    return Record(row, stored.id, stored.text, stored.metadata)


class BackendView:
    """One search in an engine: rows are numbers given to ids as they turn up.

    Args:
        backend: The engine.
        tokenizer: Cuts queries as it cut the documents.
        sampled: Returns statistics of the documents, where the engine has none.
        where: Which documents may be found.
    """

    def __init__(
        self,
        backend: Backend,
        tokenizer: Tokenizer,
        sampled: Callable[[], Sample],
        where: Condition | None,
    ) -> None:
        """Number nothing yet."""
        self._backend, self._tokenizer, self._sampled = backend, tokenizer, sampled
        self._where = where
        self._lock = threading.Lock()
        self._ids: list[str] = []
        self._numbers: dict[str, int] = {}

    def words(self, query: str, depth: int) -> LegResult | None:
        """Let the engine rank by BM25 over our terms."""
        terms = Counter(self._tokenizer.tokens(query))
        if not terms:
            return None
        found = self._backend.match(terms, depth, self._where)
        mean, deviation = found.mean, found.deviation
        if mean is None and found.hits:
            mean, deviation = self._sampled().words(query)
        fill = partial(self._backend.match, terms)
        return self._result("lexical", found, mean, deviation, partial(self._ask, fill, 0.0))

    def nearest(self, query: str, vector: Matrix | None, depth: int) -> LegResult | None:
        """Let the engine rank by cosine."""
        del query
        if vector is None:
            return None
        found = self._backend.nearest(vector, depth, self._where)
        mean, deviation = found.mean, found.deviation
        if mean is None and found.hits:
            mean, deviation = self._sampled().cosines(vector)
        fill = partial(self._backend.nearest, vector)
        return self._result("dense", found, mean, deviation, partial(self._ask, fill, np.nan))

    def fused(
        self, how: str, query: str, vector: Matrix | None, depth: int, dense_share: float
    ) -> LegResult | None:
        """Let the engine do both, and fuse them."""
        backend = self._backend
        terms = Counter(self._tokenizer.tokens(query))
        if not terms and vector is not None:
            found = backend.nearest(vector, depth, self._where)
        elif isinstance(backend, FusingBackend) and vector is not None:
            found = backend.fused(
                how, terms, vector, depth, where=self._where, dense_share=dense_share
            )
        else:
            raise ConfigurationError(f"this engine cannot fuse by itself ({how})")
        return self._result("server", found, None, None, lambda rows: np.full(len(rows), np.nan))

    def records(self, rows: Ints) -> dict[int, Record]:
        """Fetch documents."""
        wanted = {self._ids[row]: row for row in rows.tolist()}
        if not wanted:
            return {}
        found = self._backend.fetch(list(wanted))
        return {wanted[each.id]: record(wanted[each.id], each) for each in found}

    def vectors(self, rows: Ints) -> Matrix:
        """Fetch vectors.

        Raises:
            ConfigurationError: There are none.
        """
        ids = [self._ids[row] for row in rows.tolist()]
        found = self._backend.vectors(ids) if ids else {}
        if ids and not found:
            raise ConfigurationError(
                "this index keeps no vectors: give it embeddings, or leave diversity off"
            )
        size = len(next(iter(found.values()), ()))
        empty = np.zeros(size, np.float32)
        return np.stack([found.get(name, empty) for name in ids]) if ids else np.zeros((0, 0), "f4")

    def _result(
        self,
        name: str,
        found: Found,
        mean: float | None,
        deviation: float | None,
        fill: _Fill,
    ) -> LegResult | None:
        if not found.hits:
            return None
        rows = np.array([self._number(hit) for hit, _ in found.hits], np.int64)
        scores = np.array([score for _, score in found.hits], np.float64)
        floor = -1.0 if name == "dense" else 0.0
        distant = name != "server"
        return LegResult(name, rows, scores, floor, mean, deviation, fill, distant=distant)

    def _ask(self, search: _Search, otherwise: float, rows: Ints) -> Floats:
        ids = tuple(self._ids[row] for row in rows.tolist())
        scores: Mapping[str, float] = dict(search(len(ids), Ids(ids)).hits) if ids else {}
        return np.array([scores.get(name, otherwise) for name in ids], np.float64)

    def _number(self, name: str) -> int:
        with self._lock:  # Both legs number their hits at the same time.
            if name not in self._numbers:
                self._numbers[name] = len(self._ids)
                self._ids.append(name)
            return self._numbers[name]
