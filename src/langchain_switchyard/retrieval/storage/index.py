"""Documents, postings and vectors kept together: add, update, delete, reopen.

The order of every write is the same: note the intent where an outside store is involved, change
the store, commit the catalogue in one transaction, then bring the structures in memory after it.
A process killed anywhere leaves a state that the next opening completes or undoes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg, decode_vector, encode_vector
from langchain_switchyard.retrieval.dense.stores import StoreChoice, open_store
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.fusion.leg_check import (
    FEWEST,
    SAMPLE,
    UNCHECKED_WEIGHT,
    LegCheck,
    check_legs,
)
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.replica import Replica
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer, make_tokenizer
from langchain_switchyard.retrieval.storage.catalog import Catalog, Record
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.storage.filters import Filter, MetadataColumns
from langchain_switchyard.retrieval.storage.records import (
    decode,
    document_id,
    encode_metadata,
    encode_terms,
    indexed_text,
)
from langchain_switchyard.retrieval.storage.repair import complete

_logger = logging.getLogger(__name__)
Progress = Callable[[int, int, str], None]
# Documents per transaction: what a kill can cost, and what embedding holds in memory.
_BATCH, _BATCH_EMBEDDED = 5_000, 500


class Index:
    """A searchable set of documents; one writer at a time, any number of readers.

    Args:
        path: Folder to keep it in; created if missing. ``None`` keeps it in memory.
        embeddings: Embedding model. Without one there is no dense leg, and nothing is downloaded.
        vector_store: ``"numpy"`` (exact, default), ``"chroma"`` (kept under ``path``, extra
            ``chroma``) or any LangChain ``VectorStore``, which embeds by itself.
        tokenizer: ``"mixed"`` (default), ``"jieba"`` or a ``Tokenizer``.

    Raises:
        IndexUnavailable: The folder was written with another tokeniser or format.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        embeddings: Embeddings | None = None,
        vector_store: StoreChoice = "numpy",
        tokenizer: str | Tokenizer | None = None,
    ) -> None:
        """Open or create the index."""
        self.path = Path(path) if path is not None else None
        self._lock = threading.RLock()
        self.catalog = Catalog(self.path)
        self.lexical = LexicalIndex(make_tokenizer(tokenizer))
        self._replica = Replica(self.catalog, self.lexical)
        self.dense: DenseLeg | None = None
        self._columns = MetadataColumns(self.catalog)
        self._check_tokenizer()
        self.refresh()
        self.dense = self._open_dense(embeddings, vector_store)
        self.check = LegCheck.parse(self.catalog.setting("leg_check"))
        if self.dense is not None:
            self._complete(self.dense)
            self._check_legs()

    def __len__(self) -> int:
        """Live documents."""
        return len(self.lexical)

    def close(self) -> None:
        """Close the files; the index must not be used afterwards."""
        if self.dense is not None:
            self.dense.close()
        self.catalog.close()

    def add_documents(
        self,
        documents: Iterable[Document],
        *,
        origin: str | None = None,
        progress: Progress | None = None,
    ) -> list[str]:
        """Add documents; one whose id exists replaces the old. Durable on return.

        Args:
            documents: With their own ids, or with stable ones made of text and metadata.
            origin: The file they came from, for synchronised folders.
            progress: Called with ``(done, total, id)`` after each batch.

        Returns:
            The ids, in the order given.
        """
        given = list(documents)
        ids = [document_id(document) for document in given]
        # Within one call the last of several documents with one id wins, as across calls.
        unique = dict(zip(ids, given, strict=True))
        pairs = list(unique.items())
        size = _BATCH if self.dense is None else _BATCH_EMBEDDED
        for start in range(0, len(pairs), size):
            part = pairs[start : start + size]
            self._replace(part, [], origin)
            if progress is not None:
                progress(start + len(part), len(pairs), part[-1][0])
        self._check_legs()
        return ids

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents; unknown ids are ignored. Durable on return."""
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _BATCH):
            self._replace([], wanted[start : start + _BATCH], None)

    def replace_origin(
        self, origin: str, documents: Sequence[Document], after: Callable[[], None] | None = None
    ) -> None:
        """Replace all documents that came from one file, in one step.

        Args:
            origin: The file.
            documents: Its new documents; none deletes it.
            after: Runs inside the transaction, to record what belongs to it.
        """
        pairs = {document_id(document): document for document in documents}
        old = {record.id: record for record in self.catalog.by_origin(origin)}
        # Unchanged chunks keep their place and their vector.
        fresh = [(i, d) for i, d in pairs.items() if not _same(old.get(i), d)]
        stale = [i for i in old if i not in pairs]
        self._replace(fresh, stale, origin, after)

    def get(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of ``ids`` that exist, in that order."""
        found = self.catalog.by_id(ids)
        return [decode(found[i]) for i in ids if i in found]

    def vectors(self, rows: Ints) -> Matrix:
        """Return the unit vectors of documents, zeros for those without one.

        Raises:
            ConfigurationError: The index keeps no vectors.
        """
        blobs = self.catalog.vectors_of(rows.tolist())
        if not blobs and len(rows):
            raise ConfigurationError(
                "this index keeps no vectors: give it embeddings, or leave diversity off"
            )
        size = len(next(iter(blobs.values()), b"")) // 4
        empty = np.zeros(size, np.float32)
        found = [decode_vector(blobs[row]) if row in blobs else empty for row in rows.tolist()]
        return np.stack(found) if found else np.zeros((0, size), np.float32)

    def mask(self, wanted: Filter | None) -> Bools | None:
        """Return which catalogue rows pass a metadata filter, ``None`` without one."""
        return None if not wanted else self._columns.allowed(wanted, self._replica.last_row + 1)

    def refresh(self) -> None:
        """Take in what another process wrote; costs microseconds when it wrote nothing."""
        if not self._replica.behind():
            return
        with self._lock:
            change = self._replica.refresh()
            if self.dense is None:
                return
            if change.reloaded:
                self.dense.reload()
            self.dense.forget(change.dead)
            self.dense.refresh()

    def optimize(self) -> None:
        """Merge everything into one segment without deleted documents: smallest and fastest."""
        with self._lock, self.catalog.writing():
            self.refresh()
            self._replica.settle(everything=True)

    @property
    def dense_weight(self) -> float:
        """Weight of the dense leg that the leg check found fit."""
        return UNCHECKED_WEIGHT if self.check is None else self.check.weight

    def _check_legs(self) -> None:
        """Check the dense leg once, and again whenever the index has doubled."""
        checked = 0 if self.check is None else self.check.documents
        dense = self.dense
        if dense is None or not dense.embeds or len(self) < max(FEWEST, 2 * checked):
            return
        texts, vectors = dense.sample(SAMPLE)
        found = check_legs(texts, vectors, dense.embed, self.lexical.tokenizer, len(self))
        if found is None:
            return
        with self._lock, self.catalog.writing(), self.catalog.transaction():
            self.catalog.remember("leg_check", found.encode())
        self.check = found
        if found.warning:
            _logger.warning("%s", found.warning)

    def _check_tokenizer(self) -> None:
        name, known = self.lexical.tokenizer.name, self.catalog.setting("tokenizer")
        if known is None:
            with self.catalog.transaction():
                self.catalog.remember("tokenizer", name)
        elif known != name:
            raise IndexUnavailable(
                f"{self.path} was indexed with tokenizer {known!r}, opened with {name!r}: "
                "open it with the same one, or index anew in another folder"
            )

    def _open_dense(self, embeddings: Embeddings | None, choice: StoreChoice) -> DenseLeg | None:
        if embeddings is None and not isinstance(choice, VectorStore):
            return None
        return DenseLeg(self.catalog, embeddings, open_store(choice, self.path))

    def _complete(self, dense: DenseLeg) -> None:
        with self._lock:
            generation = complete(self.catalog, dense)
            if generation is not None:
                self._replica.wrote(generation, [])

    def _replace(
        self,
        pairs: Sequence[tuple[str, Document]],
        stale: Sequence[str],
        origin: str | None,
        after: Callable[[], None] | None = None,
    ) -> None:
        ids = [i for i, _ in pairs]
        documents = [document for _, document in pairs]
        texts = [_searched(document) for document in documents]
        encoded = [encode_metadata(document) for document in documents]
        # Embedding takes longest and changes nothing yet: before the writer's turn, not in it.
        vectors = self._embed(self.dense, ids, texts) if self.dense is not None else None
        touched = [*ids, *stale]
        with self._lock, self.catalog.writing():
            self.refresh()
            self._change_store(ids, documents, vectors, touched)
            old = self.catalog.by_id(touched)
            dead = {
                record.row: self.lexical.terms(_searched(decode(record))) for record in old.values()
            }
            with self.catalog.transaction():
                self.catalog.remove((row, encode_terms(terms)) for row, terms in dead.items())
                bodies = [document.page_content for document in documents]
                rows = self.catalog.insert(
                    zip(ids, [origin] * len(ids), bodies, encoded, strict=True)
                )
                self._store_vectors(rows, vectors)
                if after is not None:
                    after()
                generation = self.catalog.next_generation()
            try:
                for row, terms in dead.items():
                    self.lexical.delete(row, terms)
                self.lexical.add(rows, texts)
                self._replica.wrote(generation, rows)
            except BaseException:
                # Interrupted halfway: memory is built anew from what was committed.
                self._replica.generation = -1
                raise
            self._after_write(list(dead), stale)
            self._replica.settle()

    def _embed(self, dense: DenseLeg, ids: Sequence[str], texts: Sequence[str]) -> Matrix | None:
        """Embed what is new; a document whose metadata alone changed keeps its vector."""
        if not dense.embeds or not texts:
            return None
        known = self.catalog.by_id(ids)
        same = {
            i: known[i].row
            for i, text in zip(ids, texts, strict=True)
            if i in known and _searched(decode(known[i])) == text
        }
        blobs = self.catalog.vectors_of(list(same.values()))
        kept = {i: decode_vector(blobs[row]) for i, row in same.items() if row in blobs}
        fresh = {i: text for i, text in zip(ids, texts, strict=True) if i not in kept}
        made = dense.embed(list(fresh.values())) if fresh else None
        if made is not None:
            kept.update(zip(fresh, made, strict=True))
        return np.stack([kept[i] for i in ids])

    def _change_store(
        self, ids: list[str], documents: list[Document], vectors: Matrix | None, touched: list[str]
    ) -> None:
        outside = self.dense is not None and self.dense.store is not None
        if not outside and not self.catalog.setting("store"):
            return
        with self.catalog.transaction():
            # Also when the store is not attached now: it is put right when it is next.
            self.catalog.remember("store", "outside")
            self.catalog.intend(touched)
        if self.dense is not None and ids:
            self.dense.upsert(ids, documents, vectors)

    def _after_write(self, dead: Sequence[int], stale: Sequence[str]) -> None:
        if self.dense is None:
            return
        self.dense.forget(dead)
        self.dense.refresh()
        if self.dense.store is not None:
            self.dense.remove(stale)
            with self.catalog.transaction():
                self.catalog.settle_intents(self.catalog.intents())

    def _store_vectors(self, rows: Sequence[int], vectors: Matrix | None) -> None:
        if vectors is not None:
            pairs = zip(rows, vectors, strict=True)
            self.catalog.insert_vectors((row, encode_vector(vector)) for row, vector in pairs)


def _searched(document: Document) -> str:
    return indexed_text(document.page_content, document.metadata)


def _same(old: Record | None, new: Document) -> bool:
    return old is not None and old.text == new.page_content and old.metadata == encode_metadata(new)
