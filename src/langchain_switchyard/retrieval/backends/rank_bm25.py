"""The reference lexical engine: the ``rank-bm25`` package, in memory.

For comparisons, and for those who want exactly its scores. It is rebuilt whenever a document was
added or removed and takes time in proportion to all documents at every query; its Okapi idf is
negative for words that more than half of the documents contain, where it takes a quarter of the
mean idf instead. Vectors, if there are any, are compared one by one, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from importlib import import_module
from typing import Any

import numpy as np

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.forks import guarded_lock
from langchain_switchyard.retrieval.backends.backend import Found, NewDocument, StoredDocument
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.conditions import Condition, holds


class RankBM25Backend:
    """Documents in memory, words by ``rank_bm25.BM25Okapi`` with its own defaults.

    Raises:
        MissingExtra: rank-bm25 is not installed (extra ``rank-bm25``).
    """

    server_fusions: frozenset[str] = frozenset()

    def __init__(self) -> None:
        """Start empty."""
        try:
            self._package: Any = import_module("rank_bm25")
        except ImportError as error:
            raise MissingExtra("backend='rank_bm25'", "rank-bm25") from error
        self._lock = guarded_lock()
        self._documents: dict[str, NewDocument] = {}
        self._built: tuple[list[str], Any] | None = None
        self._settings: dict[str, str] = {}

    def write(self, documents: Sequence[NewDocument]) -> None:
        """Add or replace; the next query builds everything anew."""
        with self._lock:
            changed = {document.id: document for document in documents}
            self._documents, self._built = {**self._documents, **changed}, None

    def remove(self, ids: Sequence[str]) -> None:
        """Delete; the next query builds everything anew."""
        gone = set(ids)
        with self._lock:
            kept = {name: each for name, each in self._documents.items() if name not in gone}
            self._documents, self._built = kept, None

    def fetch(self, ids: Sequence[str]) -> list[StoredDocument]:
        """Look up."""
        documents = self._documents
        return [documents[name] for name in ids if name in documents]

    def vectors(self, ids: Sequence[str]) -> dict[str, Matrix]:
        """Look up."""
        documents = self._documents
        found = ((name, documents[name].vector) for name in ids if name in documents)
        return {name: vector for name, vector in found if vector is not None}

    def sample(self, count: int) -> list[str]:
        """Return the documents whose ids have the lowest digests."""
        return sorted(self._documents, key=lambda name: blake2b(name.encode()).digest())[:count]

    def count(self) -> int:
        """Count."""
        return len(self._documents)

    def match(self, terms: Mapping[str, int], count: int, where: Condition | None) -> Found:
        """Score everything, as the package does."""
        documents, ids, scorer = self._scorer()
        if scorer is None:
            return Found()
        query = [term for term, number in terms.items() for _ in range(number)]
        scores = np.asarray(scorer.get_scores(query), np.float64)
        ranked = [
            (name, float(score))
            for name, score in zip(ids, scores, strict=True)
            # The package gives every document a score; one without a shared term is no hit.
            if not terms.keys().isdisjoint(documents[name].terms)
            and _passes(documents[name], where)
        ]
        return Found(_best(ranked, count), float(scores.mean()), float(scores.std()))

    def nearest(self, vector: Matrix, count: int, where: Condition | None) -> Found:
        """Compare with everything."""
        embedded = [each for each in self._documents.values() if each.vector is not None]
        if not embedded:
            return Found()
        scores = np.stack([np.asarray(each.vector) for each in embedded]) @ vector
        ranked = [
            (document.id, float(score))
            for document, score in zip(embedded, scores, strict=True)
            if _passes(document, where)
        ]
        return Found(_best(ranked, count), float(scores.mean()), float(scores.std()))

    def settings(self) -> dict[str, str]:
        """Return what was remembered."""
        return dict(self._settings)

    def remember(self, key: str, value: str) -> None:
        """Remember, as long as the process lives."""
        self._settings[key] = value

    def close(self) -> None:
        """Nothing is held open."""

    def _scorer(self) -> tuple[Mapping[str, NewDocument], list[str], Any]:
        with self._lock:
            if self._built is None:
                # Empty texts divide by zero there when there is nothing else.
                texts = {
                    name: [term for term, number in each.terms.items() for _ in range(number)]
                    for name, each in self._documents.items()
                    if each.terms
                }
                scorer = self._package.BM25Okapi(list(texts.values())) if texts else None
                self._built = list(texts), scorer
            return self._documents, *self._built


def _passes(document: NewDocument, where: Condition | None) -> bool:
    return where is None or holds(where, document.id, document.facets)


def _best(ranked: Iterable[tuple[str, float]], count: int) -> list[tuple[str, float]]:
    return sorted(ranked, key=lambda hit: (-hit[1], hit[0]))[:count]
