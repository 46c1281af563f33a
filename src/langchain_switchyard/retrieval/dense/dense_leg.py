"""The dense leg: an embedding model, and vectors in our matrix or in a vector store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.spread import SAMPLE, Spread
from langchain_switchyard.retrieval.dense.stores import DenseStore, Ranked
from langchain_switchyard.retrieval.dense.vectors import (
    ExactVectors,
    Matrix,
    Vectors,
    decode_vector,
    decoded,
    dots,
)
from langchain_switchyard.retrieval.fusion.legs import LegResult
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.storage.catalog import Catalog
from langchain_switchyard.retrieval.storage.records import decode, indexed_text, unit_vectors

# Beyond this many filtered documents comparing all of them costs more than over-fetching.
_EXACT_SURVIVORS = 20_000


class DenseLeg:
    """Embeds, stores and compares.

    Args:
        catalog: Where vectors are kept beside their documents.
        embeddings: The model; may be ``None`` only when the store embeds by itself.
        store: An outside vector store; ``None`` compares with vectors of our own.
        vectors: Makes what holds them, empty; what the catalogue has is then put in.
    """

    def __init__(
        self,
        catalog: Catalog,
        embeddings: Embeddings | None,
        store: DenseStore | None = None,
        vectors: Callable[[], Vectors] = ExactVectors,
    ) -> None:
        """Load our own vectors, if they are ours to hold."""
        self.store = store
        self.embeddings = embeddings
        self._catalog = catalog
        self._fresh = vectors
        self._own = vectors()
        # Of a sample of vectors, until enough is written to take another.
        self._spread: Spread | None = None
        self._written = 0
        self.refresh()

    @property
    def embeds(self) -> bool:
        """Whether we embed (and so keep vectors), rather than the store by itself."""
        return self.store is None or self.store.wants_vectors

    @property
    def numbers(self) -> int:
        """Numbers in all vectors of our own, 0 with an outside store."""
        return self._own.numbers

    def _model(self) -> Embeddings:
        if self.embeddings is None:
            raise ConfigurationError("this index needs an embedding model: pass embeddings=")
        return self.embeddings

    def embed(self, texts: Sequence[str]) -> Matrix | None:
        """Return unit vectors of documents, ``None`` where the store embeds by itself."""
        if not self.embeds:
            return None
        vectors = unit_vectors(self._model().embed_documents(list(texts)))
        if len(vectors) != len(texts):
            raise ConfigurationError(
                f"the embedding model returned {len(vectors)} vectors for {len(texts)} texts"
            )
        return vectors

    def query_vector(self, query: str) -> Matrix | None:
        """Return the query as a unit vector, ``None`` where the store embeds by itself."""
        return unit_vectors([self._model().embed_query(query)])[0] if self.embeds else None

    async def aquery_vector(self, query: str) -> Matrix | None:
        """Return the query as a unit vector, without blocking where the model can do so."""
        return unit_vectors([await self._model().aembed_query(query)])[0] if self.embeds else None

    def upsert(
        self, ids: Sequence[str], documents: Sequence[Document], vectors: Matrix | None
    ) -> None:
        """Write to the outside store, if there is one."""
        if self.store is not None:
            self.store.upsert(ids, documents, vectors)
            self._written += len(ids)
            if self._written > SAMPLE / 4:
                self._spread, self._written = None, 0

    def remove(self, ids: Sequence[str]) -> None:
        """Delete from the outside store, if there is one."""
        if self.store is not None:
            self.store.delete(ids)

    def close(self) -> None:
        """Release the outside store, if there is one."""
        if self.store is not None:
            self.store.close()

    def refresh(self) -> None:
        """Take in vectors that were added to the catalogue."""
        if self.store is None:
            self._own.add(*decoded(self._catalog.vectors(self._own.last_row)))

    def sample(self, size: int) -> tuple[list[str], Matrix]:
        """Return texts and unit vectors of documents spread over the index."""
        records = self._catalog.sample(size)
        blobs = self._catalog.vectors_of([record.row for record in records])
        kept = [record for record in records if record.row in blobs]
        texts = [indexed_text(record.text, decode(record).metadata) for record in kept]
        if not kept:
            return [], np.zeros((0, 0), np.float32)
        return texts, np.stack([decode_vector(blobs[record.row]) for record in kept])

    def reload(self) -> None:
        """Load our own vectors anew."""
        self._own = self._fresh()
        self.refresh()

    def forget(self, rows: Iterable[int]) -> None:
        """Take deleted documents out of our own vectors."""
        if self.store is None:
            self._own.delete(rows)

    def settle(self, *, everything: bool = False) -> None:
        """Put our own vectors in order, if that is due; the caller is the only writer."""
        if self.store is None:
            self._own.settle(everything=everything)

    def search(
        self, query: str, vector: Matrix | None, depth: int, allowed: Bools | None
    ) -> LegResult | None:
        """Return the nearest documents; ``None`` when there are none."""
        if self.store is None:
            return self._search_own(vector, depth, allowed)
        if allowed is not None and vector is not None and allowed.sum() <= _EXACT_SURVIVORS:
            rows = np.flatnonzero(allowed)
            scores = self._cosines(vector, rows)
            kept = ~np.isnan(scores)
            order = np.argsort(-scores[kept], kind="stable")[:depth]
            return self._listed(rows[kept][order], scores[kept][order], vector)
        found = self._fetch(self.store, query, vector, depth, allowed)
        rows = np.array([row for row, _ in found], np.int64)
        return self._listed(rows, np.array([score for _, score in found]), vector)

    def _search_own(
        self, vector: Matrix | None, depth: int, allowed: Bools | None
    ) -> LegResult | None:
        if vector is None:
            return None
        match = self._own.match(vector)
        rows, scores = match.top(depth, allowed)
        if not len(rows):
            return None
        return LegResult("dense", rows, scores, -1.0, match.mean, match.deviation, match.scores_of)

    def _listed(self, rows: Ints, scores: Floats, vector: Matrix | None) -> LegResult | None:
        if not len(rows):
            return None

        def fill(wanted: Ints) -> Floats:
            return self._cosines(vector, wanted)

        floor = -1.0 if vector is not None else float(scores.min())
        mean, deviation = self._statistics(vector)
        return LegResult("dense", rows, scores, floor, mean, deviation, fill)

    def _statistics(self, vector: Matrix | None) -> tuple[float | None, float | None]:
        """Mean and deviation of the query's cosine, from a sample: the store cannot say."""
        if vector is None:
            return None, None
        if self._spread is None:
            self._spread = Spread.of(self.sample(SAMPLE)[1])
        return (None, None) if self._spread is None else self._spread.cosines(vector)

    def _fetch(
        self,
        store: DenseStore,
        query: str,
        vector: Matrix | None,
        depth: int,
        allowed: Bools | None,
    ) -> list[tuple[int, float]]:
        """Ask for more until enough hits pass the filter or the store has no more."""
        count = depth
        while True:
            ranked = store.search(query, vector, count, None)
            found = self._known(ranked, allowed)
            if len(found) >= depth or len(ranked) < count or allowed is None:
                return found[:depth]
            count *= 4

    def _known(self, ranked: Ranked, allowed: Bools | None) -> list[tuple[int, float]]:
        # An id the catalogue does not know is a write in progress, or one that was undone.
        rows = self._catalog.rows_of([i for i, _ in ranked])
        pairs = [(rows[i], score) for i, score in ranked if i in rows]
        if allowed is None:
            return pairs
        return [(row, score) for row, score in pairs if row < len(allowed) and allowed[row]]

    def _cosines(self, vector: Matrix | None, rows: Ints) -> Floats:
        scores = np.full(len(rows), np.nan)
        if vector is None or not len(rows):
            return scores
        blobs = self._catalog.vectors_of([int(row) for row in rows])
        places = [place for place, row in enumerate(rows.tolist()) if row in blobs]
        if places:
            matrix = decode_vector(b"".join(blobs[int(rows[place])] for place in places))
            scores[places] = dots(matrix.reshape(len(places), -1), vector)
        return scores
