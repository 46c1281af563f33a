"""Documents, postings and vectors kept together: add, update, delete, reopen.

``writer`` decides the order of every write. A process killed anywhere leaves a state that the
next opening completes or undoes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.forks import guarded_rlock
from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg
from langchain_switchyard.retrieval.dense.same_model import SameModel
from langchain_switchyard.retrieval.dense.stores import StoreChoice, check_name, open_store
from langchain_switchyard.retrieval.dense.vector_home import VectorHome
from langchain_switchyard.retrieval.dense.vectors import Matrix, decode_vector
from langchain_switchyard.retrieval.fusion.leg_check import (
    FEWEST,
    SAMPLE,
    UNCHECKED_FEW,
    UNCHECKED_STORE,
    LegCheck,
    check_legs,
)
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.replica import Replica
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer, make_tokenizer
from langchain_switchyard.retrieval.storage.catalog import Catalog
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.storage.entry import Entry, entries_of
from langchain_switchyard.retrieval.storage.filters import Filter, MetadataColumns
from langchain_switchyard.retrieval.storage.records import (
    decode,
    document_id,
    given_documents,
    given_ids,
)
from langchain_switchyard.retrieval.storage.repair import complete
from langchain_switchyard.retrieval.storage.writer import Writer
from langchain_switchyard.retrieval.views import IndexView

_logger = logging.getLogger(__name__)
Progress = Callable[[int, int, str], None]
# Documents per transaction: what a kill can cost, and what embedding holds in memory.
_BATCH, _BATCH_EMBEDDED = 5_000, 500
# Stored documents, of which the shortest is embedded again when an index is opened by a model.
_COMPARED = 8


class Index:
    """A searchable set of documents; one writer at a time, any number of readers.

    Args:
        path: Folder to keep it in; created if missing. ``None`` keeps it in memory.
        embeddings: Embedding model. Without one there is no dense leg, and nothing is downloaded.
        vector_store: ``"numpy"`` (exact), ``"usearch"`` (approximate, for many vectors; extra
            ``usearch``), ``"chroma"`` (kept under ``path``, extra ``chroma``), or any LangChain
            ``VectorStore``, which embeds by itself. ``"auto"`` (default) begins as ``"numpy"``,
            and becomes one of the next two by ``optimize`` when it has become large.
        tokenizer: ``"mixed"`` (default), ``"jieba"`` or a ``Tokenizer``.

    Raises:
        IndexUnavailable: The folder was written with another tokeniser or format.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        embeddings: Embeddings | None = None,
        vector_store: StoreChoice = "auto",
        tokenizer: str | Tokenizer | None = None,
    ) -> None:
        """Open or create the index."""
        if isinstance(vector_store, str) and vector_store != "auto":
            # Also where no model uses it yet: a typo must not wait for that.
            check_name(vector_store)
        self.path = Path(path) if path is not None else None
        self._lock = guarded_rlock()
        self.catalog = Catalog(self.path)
        self.lexical = LexicalIndex(make_tokenizer(tokenizer))
        self._replica = Replica(self.catalog, self.lexical)
        self._writer = Writer(self.catalog, self.lexical, self._replica, self._lock, self.refresh)
        self.dense: DenseLeg | None = None
        self._columns = MetadataColumns(self.catalog)
        self._check_tokenizer()
        self.refresh()
        self._home = VectorHome(self.catalog, vector_store)
        self.dense = self._open_dense(embeddings)
        self.check = LegCheck.parse(self.catalog.setting("leg_check"))
        if self.dense is not None:
            self._complete(self.dense)
            self.check_legs()

    @property
    def server_fusions(self) -> frozenset[str]:
        """None: an index of our own leaves fusion to the retriever."""
        return frozenset()

    def __len__(self) -> int:
        """Live documents, those that other processes wrote among them."""
        self.refresh()
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
        given = list(given_documents(documents))
        ids = [document_id(document) for document in given]
        # Within one call the last of several documents with one id wins, as across calls.
        entries = entries_of(given, origin)
        size = _BATCH if self.dense is None else _BATCH_EMBEDDED
        for start in range(0, len(entries), size):
            part = entries[start : start + size]
            self._writer.write(part, [], self.dense)
            if progress is not None:
                progress(start + len(part), len(entries), part[-1].id)
        self.check_legs()
        return ids

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents; unknown ids are ignored. Durable on return."""
        wanted = list(dict.fromkeys(given_ids(ids)))
        for start in range(0, len(wanted), _BATCH):
            self._writer.write([], wanted[start : start + _BATCH], self.dense)

    def replace_origins(
        self, changes: Mapping[str, Sequence[Entry]], after: Callable[[], None] | None = None
    ) -> None:
        """Replace everything that came from some files or sources, in one step.

        Whoever calls this many times calls ``check_legs`` at the end.

        Args:
            changes: The new entries of each origin; none deletes it.
            after: Runs inside the transaction, to record what belongs to it.
        """
        old = {r.id: r for origin in changes for r in self.catalog.by_origin(origin)}
        new = {entry.id: entry for entries in changes.values() for entry in entries}
        # Unchanged chunks keep their place and their vector.
        fresh = [entry for entry in new.values() if not entry.same_as(old.get(entry.id))]
        self._writer.write(fresh, [i for i in old if i not in new], self.dense, after)

    def get(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of ``ids`` that exist, in that order."""
        wanted = given_ids(ids)
        found = self.catalog.by_id(wanted)
        return [decode(found[i]) for i in wanted if i in found]

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

    def view(self, wanted: Filter | None) -> IndexView:
        """Return what one search sees, with what other processes wrote until now."""
        self.refresh()
        return IndexView(self, self.mask(wanted))

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
        """Merge everything into one segment without deleted documents: smallest and fastest.

        With ``vector_store="auto"`` a large number of vectors becomes a graph (extra ``usearch``)
        or moves to Chroma (extra ``chroma``), which takes a minute or more.
        """
        with self._lock, self.catalog.writing():
            self.refresh()
            self._replica.settle(everything=True)
            if self.dense is not None and self._home.outgrown(self.dense):
                moved = self._open_dense(self.dense.embeddings)
                if moved is not None:
                    self._complete(moved)
                    self.dense = moved
            if self.dense is not None:
                self.dense.settle(everything=True)

    @property
    def dense_weight(self) -> float:
        """Weight of the dense leg that the leg check found fit."""
        if self.check is not None:
            return self.check.weight
        by_itself = self.dense is not None and not self.dense.embeds
        return UNCHECKED_STORE if by_itself else UNCHECKED_FEW

    def check_legs(self) -> None:
        """Check the dense leg once, and again whenever the index has doubled."""
        checked = 0 if self.check is None else self.check.documents
        dense = self.dense
        if dense is None or not dense.embeds or len(self) < max(FEWEST, 2 * checked):
            return
        texts, vectors = dense.sample(SAMPLE)
        found = check_legs(texts, vectors, dense.embed, self.lexical.tokenizer, len(self))
        if found is None:
            return
        if not self.catalog.is_read_only:
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

    def _open_dense(self, embeddings: Embeddings | None) -> DenseLeg | None:
        choice = self._home.settled()
        if embeddings is None and not isinstance(choice, VectorStore):
            return None
        store = open_store(choice, self.path)
        self._home.arrive()
        if embeddings is not None:
            embeddings = SameModel.of(embeddings, self._some_vectors)
        return DenseLeg(self.catalog, embeddings, store, self._home.vectors)

    def _some_vectors(self) -> tuple[list[str], Matrix]:
        """Return some documents and their vectors, for a comparison of models."""
        if self.dense is None:
            return [], np.zeros((0, 0), np.float32)
        return self.dense.sample(_COMPARED)

    def _complete(self, dense: DenseLeg) -> None:
        if self.catalog.is_read_only:
            return
        with self._lock:
            generation = complete(self.catalog, dense)
            if generation is not None:
                self._replica.wrote(generation, [])
