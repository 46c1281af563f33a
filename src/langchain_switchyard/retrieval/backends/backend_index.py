"""An index whose documents, words and vectors all live in an engine."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.forks import guarded_lock
from langchain_switchyard.retrieval.backends.backend import Backend, NewDocument
from langchain_switchyard.retrieval.backends.backend_view import BackendView, record
from langchain_switchyard.retrieval.backends.rank_bm25 import RankBM25Backend
from langchain_switchyard.retrieval.backends.sample import Sample, take_sample
from langchain_switchyard.retrieval.dense.same_model import SameModel
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.fusion.leg_check import (
    FEWEST,
    SAMPLE,
    UNCHECKED_FEW,
    LegCheck,
    check_legs,
)
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer, make_tokenizer
from langchain_switchyard.retrieval.storage.conditions import condition, facets
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.storage.entry import Entry, entries_of
from langchain_switchyard.retrieval.storage.filters import Filter
from langchain_switchyard.retrieval.storage.records import (
    decode,
    document_id,
    given_documents,
    given_ids,
    unit_vectors,
)
from langchain_switchyard.retrieval.sync.preparation import DocumentTask, Preparation, Prepared
from langchain_switchyard.retrieval.sync.workers import Workers, executor_of, prepared

_logger = logging.getLogger(__name__)
# Documents per request: what is embedded and sent at once.
_BATCH = 500
# Stored documents, of which the shortest is embedded again when they are opened by a model.
_COMPARED = 8


class Encoder:
    """An embedding model whose vectors have length 1."""

    def __init__(self, model: Embeddings) -> None:
        """Wrap the model."""
        self.model = model

    def query_vector(self, query: str) -> Matrix:
        """Embed a query."""
        found: Matrix = unit_vectors([self.model.embed_query(query)])[0]
        return found

    async def aquery_vector(self, query: str) -> Matrix:
        """Embed a query without blocking where the model can do so."""
        found: Matrix = unit_vectors([await self.model.aembed_query(query)])[0]
        return found

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed documents.

        Raises:
            ConfigurationError: The model returned another number of vectors.
        """
        vectors = unit_vectors(self.model.embed_documents(list(texts)))
        if len(vectors) != len(texts):
            raise ConfigurationError(
                f"the embedding model returned {len(vectors)} vectors for {len(texts)} texts"
            )
        return vectors


class BackendIndex:
    """What ``Index`` is for a folder, for an engine; safe for threads and for many processes.

    Args:
        backend: The engine.
        embeddings: Embedding model. Without one there is no dense leg.
        tokenizer: ``"mixed"`` (default), ``"jieba"`` or a ``Tokenizer``.

    Raises:
        IndexUnavailable: The documents there were written with another tokeniser.
        BackendError: The engine does not answer.
    """

    def __init__(
        self,
        backend: Backend,
        embeddings: Embeddings | None = None,
        tokenizer: str | Tokenizer | None = None,
    ) -> None:
        """Ask the engine what it holds."""
        self.backend = backend
        self.tokenizer = make_tokenizer(tokenizer)
        self.dense = (
            None if embeddings is None else Encoder(SameModel.of(embeddings, self._some_vectors))
        )
        self.server_fusions = backend.server_fusions
        self._lock = guarded_lock()
        self._sample: Sample | None = None
        self._written = 0
        settings = backend.settings()
        self.check = LegCheck.parse(settings.get("leg_check"))
        self._new = "tokenizer" not in settings
        known = settings.get("tokenizer", self.tokenizer.name)
        if known != self.tokenizer.name:
            raise IndexUnavailable(
                f"these documents were indexed with tokenizer {known!r}, not with "
                f"{self.tokenizer.name!r}: open them with the same one, or choose another name"
            )

    def __len__(self) -> int:
        """Documents in the engine."""
        return self.backend.count()

    @property
    def dense_weight(self) -> float:
        """Weight of the dense leg that the leg check found fit."""
        return UNCHECKED_FEW if self.check is None else self.check.weight

    def add_documents(self, documents: Iterable[Document], *, workers: Workers = None) -> list[str]:
        """Add documents; one whose id exists replaces the old. Searches find them on return.

        They are read, prepared and written in batches of 500; what was written before an error
        stays, and adding the same again changes nothing.

        Args:
            documents: With their own ids, or with stable ones made of text and metadata.
            workers: Processes (or an ``Executor``, such as a ``RayExecutor``) that tokenise and
                embed; this one writes.

        Returns:
            The ids, in the order given.

        Raises:
            ConfigurationError: Metadata that cannot be stored, or a model that does not fit.
        """
        ids: list[str] = []
        model = None if self.dense is None else self.dense.model
        preparation = Preparation(None, self.tokenizer, model)
        with executor_of(workers) as executor:
            for _, results in prepared(_groups(documents, ids), preparation, executor):
                self._write(results)
        if ids:
            self._check_legs()
        return ids

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents; unknown ids are ignored."""
        wanted = list(dict.fromkeys(given_ids(ids)))
        for start in range(0, len(wanted), _BATCH):
            self.backend.remove(wanted[start : start + _BATCH])
        self._note_written(len(wanted))

    def get(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of ``ids`` that exist, in that order."""
        wanted = given_ids(ids)
        found = {stored.id: stored for stored in self.backend.fetch(list(dict.fromkeys(wanted)))}
        return [decode(record(0, found[name])) for name in wanted if name in found]

    def view(self, wanted: Filter | None) -> BackendView:
        """Return what one search sees.

        Raises:
            ConfigurationError: The filter is malformed.
        """
        return BackendView(
            self.backend, self.tokenizer, self.sampled, condition(wanted) if wanted else None
        )

    def close(self) -> None:
        """Close the connections."""
        self.backend.close()

    def sampled(self) -> Sample:
        """Return statistics of a sample of the documents, taken anew when much was written."""
        with self._lock:
            if self._sample is None or 4 * self._written > len(self._sample):
                self._sample = take_sample(self.backend, self.tokenizer, SAMPLE)
                self._written = 0
            return self._sample

    def _some_vectors(self) -> tuple[list[str], Matrix]:
        """Return some documents and their vectors, for a comparison of models."""
        return take_sample(self.backend, self.tokenizer, _COMPARED).embedded()

    def _note_written(self, count: int) -> None:
        with self._lock:
            self._written += count

    def _write(self, results: Sequence[Prepared]) -> None:
        failures = [each.failure for each in results if each.failure]
        if failures:
            raise ConfigurationError(failures[0])
        if self._new:
            self.backend.remember("tokenizer", self.tokenizer.name)
            self._new = False
        entries = [entry for each in results for entry in each.entries or ()]
        self.backend.write(self._documents(entries))
        self._note_written(len(entries))

    def _documents(self, entries: Sequence[Entry]) -> list[NewDocument]:
        vectors = self._vectors(entries)
        tokens = self.tokenizer.tokens
        return [
            NewDocument(
                id=entry.id,
                text=entry.document.page_content,
                metadata=entry.metadata,
                terms=Counter(tokens(entry.text) if entry.terms is None else entry.terms),
                facets=facets(entry.document.metadata),
                vector=vectors.get(entry.id),
            )
            for entry in entries
        ]

    def _vectors(self, entries: Sequence[Entry]) -> dict[str, Matrix]:
        """Embed what is new; a document whose searched text is unchanged keeps its vector."""
        if self.dense is None:
            return {}
        vectors = {each.id: each.vector for each in entries if each.vector is not None}
        missing = [entry for entry in entries if entry.id not in vectors]
        if missing:
            vectors |= self._kept(missing)
            missing = [entry for entry in missing if entry.id not in vectors]
        if missing:
            made = self.dense.embed([entry.text for entry in missing])
            vectors |= {entry.id: vector for entry, vector in zip(missing, made, strict=True)}
        return vectors

    def _kept(self, entries: Sequence[Entry]) -> Mapping[str, Matrix]:
        stored = self.backend.fetch([entry.id for entry in entries])
        old = {entry.id: entry.text for entry in entries_of(decode(record(0, s)) for s in stored)}
        same = [entry.id for entry in entries if old.get(entry.id) == entry.text]
        return self.backend.vectors(same) if same else {}

    def _check_legs(self) -> None:
        """Check the dense leg once, and again whenever the documents have doubled."""
        checked = 0 if self.check is None else self.check.documents
        dense = self.dense
        if dense is None:
            return
        documents = len(self)
        if documents < max(FEWEST, 2 * checked):
            return
        texts, vectors = self.sampled().embedded()
        found = check_legs(texts, vectors, dense.embed, self.tokenizer, documents)
        if found is None:
            return
        self.backend.remember("leg_check", found.encode())
        self.check = found
        if found.warning:
            _logger.warning("%s", found.warning)


def _groups(documents: Iterable[Document], ids: list[str]) -> Iterator[list[DocumentTask]]:
    """Cut documents into batches, and note their ids as they go by."""
    rest = iter(given_documents(documents))
    while batch := list(islice(rest, _BATCH)):
        names = [document_id(document) for document in batch]
        ids += names
        # Within a batch the last of several documents with one id wins, as across batches.
        unique = dict(zip(names, batch, strict=True))
        yield [DocumentTask(name, "", document, "", "") for name, document in unique.items()]


def open_backend(choice: Backend | str) -> Backend:
    """Return the backend of that name, or the given one.

    Raises:
        ConfigurationError: An unknown name.
    """
    if not isinstance(choice, str):
        return choice
    if choice == "rank_bm25":
        return RankBM25Backend()
    raise ConfigurationError(
        f"unknown backend {choice!r}: 'rank_bm25', PostgresBackend(...), QdrantBackend(...), "
        "ElasticsearchBackend(...) or your own"
    )
