"""Qdrant: our terms as sparse vectors with the server's own idf, embeddings as dense vectors.

A document's sparse vector holds ``tf * (k1 + 1) / (tf + k1 * (1 - b + b * dl / avgdl))`` per term,
and the collection's IDF modifier multiplies by ``ln(1 + (N - df + 0.5) / (df + 0.5))`` at query
time: their sum is BM25. One number is fixed when the collection is made, ``avgdl``: a change of
the mean length later shifts the discount of long documents a little. Terms are 32-bit digests.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.backends.backend import (
    BackendError,
    Found,
    FusionUnsupported,
    NewDocument,
    StoredDocument,
    checked_name,
)
from langchain_switchyard.retrieval.backends.qdrant_filter import qdrant_filter
from langchain_switchyard.retrieval.backends.qdrant_points import (
    FIELDS,
    point,
    point_id,
    sparse_vector,
)
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.conditions import Condition

T = TypeVar("T")
# Qdrant counts ranks from 0: this is the 60 of Cormack, Clarke and Buettcher.
_RRF_K = 61


class QdrantBackend:
    """A collection of a Qdrant server, of a folder, or in memory.

    Args:
        url: The server, such as ``https://host:6333``, or ``:memory:``.
        name: The collection; made by the first write. Settings are in ``{name}_settings``.
        api_key: The server's key.
        path: A folder instead of a server: one process at a time, for small sets.
        timeout: Seconds a request may take.
        client: A ``qdrant_client.QdrantClient`` of yours instead of ``url`` and ``path``.

    Raises:
        MissingExtra: qdrant-client is not installed (extra ``qdrant``).
        ConfigurationError: No server, folder or client is given, or more than one.
    """

    server_fusions = frozenset({"rrf", "dbsf"})

    def __init__(
        self,
        url: str | None = None,
        name: str = "switchyard",
        *,
        api_key: SecretStr | str | None = None,
        path: str | None = None,
        timeout: float = 10.0,
        client: Any = None,
    ) -> None:
        """Connect to nothing yet."""
        try:
            self._package: Any = import_module("qdrant_client")
            self._models: Any = import_module("qdrant_client.models")
            self._errors: Any = import_module("qdrant_client.http.exceptions")
        except ImportError as error:
            raise MissingExtra("QdrantBackend", "qdrant") from error
        if sum(each is not None for each in (url, path, client)) != 1:
            raise ConfigurationError("give QdrantBackend one of url=, path= and client=")
        self._name = checked_name(name)
        self._client: Any = client or self._open(url, path, api_key, timeout)
        self._where = (url or path or "the given client").rpartition("@")[2]
        options = getattr(self._client, "init_options", {})
        local = options.get("location") == ":memory:" or options.get("path") is not None
        # The embedded engine is not safe for threads; a server is.
        self._turn: AbstractContextManager[Any] = threading.RLock() if local else nullcontext()
        self._local = local
        self._known: set[str] = set()
        self._mean_length: float | None = None

    def write(self, documents: Sequence[NewDocument]) -> None:
        """Upsert points; the first call makes the collection."""
        if not documents:
            return
        vector = documents[0].vector
        self._create(None if vector is None else len(vector))
        mean = self._mean(documents)
        points = [point(self._models, document, mean) for document in documents]
        self._do(lambda: self._client.upsert(self._name, points, wait=True))

    def remove(self, ids: Sequence[str]) -> None:
        """Delete points."""
        if ids and self._exists(self._name):
            points = self._models.PointIdsList(points=[point_id(each) for each in ids])
            self._do(lambda: self._client.delete(self._name, points, wait=True))

    def fetch(self, ids: Sequence[str]) -> list[StoredDocument]:
        """Retrieve payloads."""
        points = self._retrieve(ids, with_payload=list(FIELDS))
        return [StoredDocument(**{key: p.payload[key] for key in FIELDS}) for p in points]

    def vectors(self, ids: Sequence[str]) -> dict[str, Matrix]:
        """Retrieve vectors."""
        points = self._retrieve(ids, with_payload=["id"], with_vectors=True)
        found = ((p.payload["id"], (p.vector or {}).get("dense")) for p in points)
        return {name: np.array(each, np.float32) for name, each in found if each is not None}

    def sample(self, count: int) -> list[str]:
        """Scroll: points are ordered by their ids, which are digests."""
        if not self._exists(self._name):
            return []
        points, _ = self._do(
            lambda: self._client.scroll(self._name, limit=count, with_payload=["id"])
        )
        return [point.payload["id"] for point in points]

    def count(self) -> int:
        """Count exactly."""
        if not self._exists(self._name):
            return 0
        return int(self._do(lambda: self._client.count(self._name, exact=True)).count)

    def match(self, terms: Mapping[str, int], count: int, where: Condition | None) -> Found:
        """Query the sparse vectors."""
        return self._query(
            count, where, query=sparse_vector(self._models, Counter(terms)), using="words"
        )

    def nearest(self, vector: Matrix, count: int, where: Condition | None) -> Found:
        """Query the dense vectors."""
        if not self._dimensions():
            return Found()
        return self._query(count, where, query=vector.tolist(), using="dense")

    def fused(
        self,
        how: str,
        terms: Mapping[str, int],
        vector: Matrix,
        count: int,
        *,
        where: Condition | None,
        dense_share: float,
    ) -> Found:
        """Query both with Qdrant's own fusion: ``1 / (60 + rank)`` unweighted, or DBSF."""
        del dense_share
        models = self._models
        chosen = None if where is None else qdrant_filter(self._models, where)
        legs = [
            models.Prefetch(query=query, using=using, limit=count, filter=chosen)
            for query, using in (
                (sparse_vector(self._models, Counter(terms)), "words"),
                (vector.tolist(), "dense"),
            )
        ]
        try:
            if how == "rrf":
                query = models.RrfQuery(rrf=models.Rrf(k=_RRF_K))
            else:
                query = models.FusionQuery(fusion=models.Fusion.DBSF)
            return self._query(count, None, query=query, prefetch=legs)
        except AttributeError as error:
            raise FusionUnsupported(f"this qdrant-client has no {how}") from error
        except BackendError as error:
            if getattr(error.__cause__, "status_code", None) in (400, 422):
                raise FusionUnsupported(f"this Qdrant server has no {how}: {error}") from error
            raise

    def settings(self) -> dict[str, str]:
        """Read the points of the second collection."""
        name = f"{self._name}_settings"
        if not self._exists(name):
            return {}
        points, _ = self._do(lambda: self._client.scroll(name, limit=100))
        return {point.payload["key"]: point.payload["value"] for point in points}

    def remember(self, key: str, value: str) -> None:
        """Write a point of the second collection, which has no vectors."""
        name = f"{self._name}_settings"
        self._make(name, vectors_config={})
        payload = {"key": key, "value": value}
        setting = self._models.PointStruct(id=point_id(key), vector={}, payload=payload)
        self._do(lambda: self._client.upsert(name, [setting], wait=True))

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _open(
        self, url: str | None, path: str | None, api_key: SecretStr | str | None, timeout: float
    ) -> Any:
        if path is not None:
            return self._package.QdrantClient(path=path)
        if url == ":memory:":
            return self._package.QdrantClient(":memory:")
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        return self._package.QdrantClient(
            url=url, api_key=key, timeout=max(1, round(timeout)), check_compatibility=False
        )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with self._turn:
                yield
        except self._errors.ApiException as error:
            raise BackendError(f"Qdrant at {self._where}: {error}") from error

    def _do(self, work: Callable[[], T]) -> T:
        with self._asking():
            return work()

    def _exists(self, name: str) -> bool:
        if name not in self._known and self._do(lambda: self._client.collection_exists(name)):
            self._known.add(name)
        return name in self._known

    def _make(self, name: str, **config: Any) -> bool:
        """Return whether the collection is new."""
        if self._exists(name):
            return False
        try:
            self._do(lambda: self._client.create_collection(name, **config))
        except (BackendError, ValueError):
            if not self._exists(name):
                raise
            return False  # Another writer was faster.
        self._known.add(name)
        return True

    def _create(self, dimensions: int | None) -> None:
        models = self._models
        dense = (
            {}
            if dimensions is None
            else {"dense": models.VectorParams(size=dimensions, distance=models.Distance.COSINE)}
        )
        words = models.SparseVectorParams(modifier=models.Modifier.IDF)
        sparse = {"words": words}
        new = self._make(self._name, vectors_config=dense, sparse_vectors_config=sparse)
        if new and not self._local:
            schema = models.PayloadSchemaType.KEYWORD
            self._do(lambda: self._client.create_payload_index(self._name, "exact", schema))
        held = self._dimensions()
        if dimensions is not None and held != dimensions:
            was = f"vectors of {held} numbers" if held else "no vectors"
            raise ConfigurationError(
                f"the collection {self._name!r} was made for {was}, this embedding model gives "
                f"{dimensions}: choose another name, or delete the collection"
            )

    def _dimensions(self) -> int | None:
        if not self._exists(self._name):
            return None
        held = self._do(lambda: self._client.get_collection(self._name)).config.params.vectors
        return held["dense"].size if isinstance(held, dict) and "dense" in held else None

    def _mean(self, documents: Sequence[NewDocument]) -> float:
        if self._mean_length is None:
            known = self.settings().get("mean_length")
            if known is None:
                # Of the first batch; every document is weighed with the same number.
                known = str(max(1.0, sum(each.length for each in documents) / len(documents)))
                self.remember("mean_length", known)
            self._mean_length = float(known)
        return self._mean_length

    def _retrieve(self, ids: Sequence[str], **wanted: Any) -> Any:
        if not ids or not self._exists(self._name):
            return []
        points = [point_id(each) for each in ids]
        return self._do(lambda: self._client.retrieve(self._name, points, **wanted))

    def _query(self, count: int, where: Condition | None, **query: Any) -> Found:
        if not self._exists(self._name):
            return Found()
        chosen = None if where is None else qdrant_filter(self._models, where)
        answer = self._do(
            lambda: self._client.query_points(
                self._name, limit=count, query_filter=chosen, with_payload=["id"], **query
            )
        )
        return Found([(point.payload["id"], float(point.score)) for point in answer.points])
