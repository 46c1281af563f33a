"""The dense leg over somebody else's vector store: Chroma, or any LangChain ``VectorStore``."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.filters import Filter

Ranked = list[tuple[str, float]]


class DenseStore(Protocol):
    """Where vectors live when not in our own matrix.

    Attributes:
        wants_vectors: We embed, and hand vectors in and get cosines out. Otherwise the store
            embeds by itself.
    """

    wants_vectors: bool

    def upsert(
        self, ids: Sequence[str], documents: Sequence[Document], vectors: Matrix | None
    ) -> None:
        """Write documents; an id that exists is replaced."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove documents; unknown ids are ignored."""

    def search(self, query: str, vector: Matrix | None, count: int, where: Filter | None) -> Ranked:
        """Return ``(id, similarity)``, most similar first."""

    def close(self) -> None:
        """Release files and memory."""


class ChromaStore:
    """An embedded Chroma collection, driven directly: ids and distances only, cosine space.

    Args:
        folder: Where Chroma keeps its files; ``None`` keeps them in memory.
        name: Collection name, 3 to 512 characters.

    Raises:
        MissingExtra: chromadb is not installed (extra ``chroma``).
    """

    wants_vectors = True

    def __init__(self, folder: Path | None = None, name: str = "switchyard") -> None:
        """Open or create the collection."""
        try:
            import chromadb  # noqa: PLC0415 - optional and slow to import.
            from chromadb.config import Settings  # noqa: PLC0415 - as above.
        except ImportError as error:
            raise MissingExtra("vector_store='chroma'", "chroma") from error
        # Telemetry is on by default there; a library must not phone home for its user.
        settings = Settings(anonymized_telemetry=False)
        if folder is None:
            self._client: Any = chromadb.EphemeralClient(settings)
        else:
            self._client = chromadb.PersistentClient(str(folder), settings)
        self._collection: Any = self._client.get_or_create_collection(
            name, embedding_function=None, metadata={"hnsw:space": "cosine"}
        )
        self._batch = int(self._client.get_max_batch_size())

    def upsert(
        self, ids: Sequence[str], documents: Sequence[Document], vectors: Matrix | None
    ) -> None:
        """Write vectors; text and metadata stay in our own catalogue, filters included."""
        del documents
        if vectors is None:
            raise ConfigurationError("ChromaStore needs vectors")
        for start in range(0, len(ids), self._batch):
            part = slice(start, start + self._batch)
            given = list(ids[part])
            # A vector changed in place can leave its neighbours out of reach of any query: seen
            # with chromadb 1.5, in one of three runs. One that is deleted and added anew does not.
            if known := self._collection.get(ids=given, include=[])["ids"]:
                self._collection.delete(ids=known)
            self._collection.upsert(ids=given, embeddings=vectors[part])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors."""
        for start in range(0, len(ids), self._batch):
            self._collection.delete(ids=list(ids[start : start + self._batch]))

    def search(self, query: str, vector: Matrix | None, count: int, where: Filter | None) -> Ranked:
        """Return ids and cosines. Filters are the caller's: Chroma's own take 70 ms and more."""
        del query, where
        if vector is None:
            return []
        found = self._collection.query(
            query_embeddings=[vector], n_results=count, include=["distances"]
        )
        ids, distances = found["ids"][0], found["distances"][0]
        return [(i, 1.0 - float(d)) for i, d in zip(ids, distances, strict=True)]

    def close(self) -> None:
        """Release the client: another process may only then open the folder safely."""
        self._client.close()


class LangChainStore:
    """Any LangChain ``VectorStore``. It embeds by itself and must return documents with their ids.

    Args:
        store: The store, with its own embedding model.
    """

    wants_vectors = False

    def __init__(self, store: VectorStore) -> None:
        """Wrap the store."""
        self._store = store

    def upsert(
        self, ids: Sequence[str], documents: Sequence[Document], vectors: Matrix | None
    ) -> None:
        """Write documents under our ids."""
        del vectors
        self._store.add_documents(list(documents), ids=list(ids))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove documents."""
        if ids:
            self._store.delete(list(ids))

    def search(self, query: str, vector: Matrix | None, count: int, where: Filter | None) -> Ranked:
        """Return ids and similarities, whatever the store calls a score.

        Raises:
            ConfigurationError: The store returns documents without ids.
        """
        del vector, where
        found = self._store.similarity_search_with_score(query, k=count)
        scores = [float(score) for _, score in found]
        # Best first by contract: growing numbers are therefore distances.
        sign = -1.0 if len(scores) > 1 and scores[-1] > scores[0] else 1.0
        ranked: Ranked = []
        for (document, _), score in zip(found, scores, strict=True):
            if document.id is None:
                raise ConfigurationError(
                    f"{type(self._store).__name__} returns documents without ids, so its hits "
                    "cannot be joined with the lexical ones: use another store, or 'numpy'"
                )
            ranked.append((document.id, sign * score))
        return ranked

    def close(self) -> None:
        """Leave the store to its owner."""


StoreChoice = VectorStore | DenseStore | Literal["auto", "numpy", "usearch", "chroma"]


def open_store(choice: StoreChoice, folder: Path | None) -> DenseStore | None:
    """Return the outside store, ``None`` for vectors of our own.

    Args:
        choice: ``"numpy"``, ``"usearch"``, ``"chroma"``, a LangChain store or one of ours.
        folder: The index's folder; Chroma is kept below it.

    Raises:
        ConfigurationError: An unknown name.
    """
    if isinstance(choice, VectorStore):
        return LangChainStore(choice)
    if choice in ("numpy", "usearch"):
        return None
    if choice == "chroma":
        if folder is None:
            # Collections in memory are shared by the process: each index needs its own.
            return ChromaStore(None, f"switchyard-{uuid.uuid4().hex}")
        return ChromaStore(folder / "chroma")
    if isinstance(choice, str):
        check_name(choice)
        return None
    return choice


def check_name(choice: str) -> None:
    """Refuse a name that no store has.

    Raises:
        ConfigurationError: An unknown name.
    """
    if choice not in ("auto", "numpy", "usearch", "chroma"):
        raise ConfigurationError(
            f"unknown vector_store {choice!r}: 'auto', 'numpy', 'usearch', 'chroma' or a store"
        )
