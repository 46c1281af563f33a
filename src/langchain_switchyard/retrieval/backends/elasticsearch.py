"""Elasticsearch and OpenSearch: our terms in a field that only splits at blanks, and kNN vectors.

Words are ranked by the servers' BM25 (k1 = 1.2, b = 0.75, as ours). Two things differ from exact
BM25: lengths are stored in one byte, so that similar lengths count as equal, and N, df and the
mean length are those of a shard, deleted documents included until segments are merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.backend import (
    Found,
    FusionUnsupported,
    NewDocument,
    StoredDocument,
    checked_name,
)
from langchain_switchyard.retrieval.backends.elasticsearch_query import (
    FIELDS,
    MAPPING,
    document_key,
    numbers,
    query,
    source,
    stored,
    vector,
    words,
)
from langchain_switchyard.retrieval.backends.elasticsearch_wire import (
    Dialect,
    Json,
    RequestRefused,
    Wire,
    open_client,
)
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.conditions import Condition, Ids

# The servers' own limit for results and candidates.
_WINDOW = 10_000


class ElasticsearchBackend:
    """An index of Elasticsearch 8.12 or newer, or of OpenSearch 2.9 or newer.

    Args:
        url: The server, such as ``https://host:9200``.
        name: The index; made by the first write, with the server's defaults for shards.
        api_key: Elasticsearch's key.
        login: User and password.
        dialect: ``elasticsearch`` or ``opensearch``; read off ``client`` if that is given.
        refresh: When writes return: ``wait_for`` the next refresh (up to a second), force one
            (``true``), or at once (``false``), which leaves what was written unseen for a while.
        timeout: Seconds a request may take.
        client: A client of yours (with certificates, several hosts...) instead of ``url``.

    Raises:
        MissingExtra: The client is not installed (extra ``elasticsearch`` or ``opensearch``).
        ConfigurationError: Neither or both of ``url`` and ``client`` are given.
    """

    def __init__(
        self,
        url: str | None = None,
        name: str = "switchyard",
        *,
        api_key: SecretStr | str | None = None,
        login: tuple[str, SecretStr | str] | None = None,
        dialect: Dialect = "elasticsearch",
        refresh: str = "wait_for",
        timeout: float = 10.0,
        client: Any = None,
    ) -> None:
        """Connect to nothing yet."""
        if (url is None) == (client is None):
            raise ConfigurationError("give ElasticsearchBackend one of url= and client=")
        if refresh not in ("wait_for", "true", "false"):
            raise ConfigurationError(f"refresh is wait_for, true or false, got {refresh!r}")
        self._name, self._refresh = checked_name(name), refresh
        if url is not None:
            key = SecretStr(api_key) if isinstance(api_key, str) else api_key
            pair = None if login is None else (login[0], _secret(login[1]))
            client = open_client(dialect, url, key, pair, timeout)
        place = "the given client" if url is None else url.rpartition("@")[2]
        self._wire = Wire(client, f"{dialect} at {place}")
        opensearch = self._wire.dialect == "opensearch"
        self.server_fusions = frozenset() if opensearch else frozenset({"rrf", "linear"})
        self._dimensions: int | None = None

    def write(self, documents: Sequence[NewDocument]) -> None:
        """Index documents, replacing those whose id exists."""
        if not documents:
            return
        held = documents[0].vector
        self._create(None if held is None else len(held))
        lines: list[Json] = []
        for each in documents:
            lines += [{"index": self._target(each.id)}, source(each)]
        self._wire.bulk(lines, refresh=self._refresh)

    def remove(self, ids: Sequence[str]) -> None:
        """Delete documents."""
        if ids and self._mapping() is not None:
            lines = [{"delete": self._target(each)} for each in ids]
            self._wire.bulk(lines, refresh=self._refresh)

    def fetch(self, ids: Sequence[str]) -> list[StoredDocument]:
        """Search by id."""
        return [stored(body) for body in self._by_id(ids, FIELDS)]

    def vectors(self, ids: Sequence[str]) -> dict[str, Matrix]:
        """Search by id."""
        found = self._by_id(ids, ["id", "bytes"])
        return {body["id"]: vector(body) for body in found if "bytes" in body}

    def sample(self, count: int) -> list[str]:
        """Sort by a digest of the id."""
        body = {"query": {"match_all": {}}, "sort": ["place"]}
        return [hit["_source"]["id"] for hit in self._hits(body, count, ["id"])]

    def count(self) -> int:
        """Count."""
        found = self._wire.request("GET", f"/{self._name}/_count", ignore_unavailable="true")
        return int(found["count"])

    def match(self, terms: Mapping[str, int], count: int, where: Condition | None) -> Found:
        """Rank by the server's BM25."""
        return self._found({"query": _matching(terms, where)}, count)

    def nearest(self, vector: Matrix, count: int, where: Condition | None) -> Found:
        """Rank by cosine, approximately where the server has an index of the vectors."""
        if self._length() is None or not vector.any():
            return Found()
        found = self._found(self._near(vector, count, where), count)
        # Both servers return (1 + cosine) / 2.
        return Found([(name, 2 * score - 1) for name, score in found.hits])

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
        """Let a retriever fuse: ``rrf`` (k = 60, unweighted) or ``linear`` (min-max, weighted)."""
        if self._length() is None or not vector.any():
            return self.match(terms, count, where)
        size = min(count, _WINDOW)
        legs: list[Json] = [
            {"standard": {"query": _matching(terms, where)}},
            {"knn": self._near(vector, count, where)["knn"]},
        ]
        fusing: Json = {"rank_window_size": size}
        if how == "rrf":
            fusing |= {"retrievers": legs, "rank_constant": 60}
        else:
            weights = (1 - dense_share, dense_share)
            fusing["retrievers"] = [
                {"retriever": leg, "weight": weight, "normalizer": "minmax"}
                for leg, weight in zip(legs, weights, strict=True)
            ]
        try:
            return self._found({"retriever": {how: fusing}}, count)
        except RequestRefused as error:
            # 400: too old to know the retriever. 403: the licence does not include it.
            if error.status not in (400, 403):
                raise
            raise FusionUnsupported(f"no {how} on this server: {error}") from error

    def settings(self) -> dict[str, str]:
        """Read the mapping's ``_meta``."""
        mapping = self._mapping() or {}
        return dict(mapping.get("_meta", {}).get("switchyard", {}))

    def remember(self, key: str, value: str) -> None:
        """Write the mapping's ``_meta``, which is replaced as a whole."""
        self._create(None)
        known = self.settings() | {key: value}
        self._wire.request("PUT", f"/{self._name}/_mapping", {"_meta": {"switchyard": known}})

    def close(self) -> None:
        """Close the client."""
        self._wire.close()

    def _target(self, name: str) -> Json:
        return {"_index": self._name, "_id": document_key(name)}

    def _mapping(self) -> Mapping[str, Any] | None:
        try:
            found = self._wire.request("GET", f"/{self._name}/_mapping")
        except RequestRefused as error:
            if error.status == 404:
                return None
            raise
        # Under the name of the index, which may be another than the alias that was asked for.
        mapping: Mapping[str, Any] = next(iter(found.values()))["mappings"]
        return mapping

    def _create(self, dimensions: int | None) -> None:
        if dimensions is not None and dimensions == self._dimensions:
            return
        mapping = self._mapping()
        if mapping is None:
            self._make()
            mapping = self._mapping() or {}
        if dimensions is None:
            return
        held = _dimensions(mapping)
        if held is None:
            body = {"properties": {"vector": self._vector_field(dimensions)}}
            self._wire.request("PUT", f"/{self._name}/_mapping", body)
        elif held != dimensions:
            raise ConfigurationError(
                f"the index {self._name!r} holds vectors of {held} numbers, this embedding model "
                f"gives {dimensions}: choose another name, or delete the index"
            )
        self._dimensions = dimensions

    def _make(self) -> None:
        body: Json = {"mappings": MAPPING}
        if self._wire.dialect == "opensearch":
            # Only possible now, needed or not.
            body["settings"] = {"index.knn": True}
        try:
            self._wire.request("PUT", f"/{self._name}", body)
        except RequestRefused as error:
            if "resource_already_exists_exception" not in str(error):
                raise  # Otherwise another writer was faster.

    def _vector_field(self, dimensions: int) -> Json:
        if self._wire.dialect == "elasticsearch":
            return {
                "type": "dense_vector",
                "dims": dimensions,
                "index": True,
                "similarity": "cosine",
                # Without it newer servers keep rounded vectors, and cosines are off by percents.
                "index_options": {"type": "hnsw"},
            }
        method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
        return {"type": "knn_vector", "dimension": dimensions, "method": method}

    def _length(self) -> int | None:
        if self._dimensions is None:
            self._dimensions = _dimensions(self._mapping() or {})
        return self._dimensions

    def _near(self, vector: Matrix, count: int, where: Condition | None) -> Json:
        chosen: Json = {} if where is None else {"filter": query(where)}
        size = min(count, _WINDOW)
        if self._wire.dialect == "opensearch":
            knn: Json = {"vector": numbers(vector), "k": size, **chosen}
            return {"query": {"knn": {"vector": knn}}}
        candidates = min(max(2 * size, 100), _WINDOW)
        knn = {"field": "vector", "query_vector": numbers(vector), "k": size}
        return {"knn": {**knn, "num_candidates": candidates, **chosen}}

    def _by_id(self, ids: Sequence[str], fields: list[str]) -> list[Mapping[str, Any]]:
        found = []
        for start in range(0, len(ids), _WINDOW):
            part = tuple(ids[start : start + _WINDOW])
            body = {"query": {"bool": {"filter": [query(Ids(part))]}}}
            found += [hit["_source"] for hit in self._hits(body, len(part), fields)]
        return found

    def _found(self, body: Json, count: int) -> Found:
        hits = self._hits(body, count, ["id"])
        return Found([(hit["_source"]["id"], float(hit["_score"])) for hit in hits])

    def _hits(self, body: Json, count: int, fields: list[str]) -> list[Mapping[str, Any]]:
        whole = {**body, "size": min(count, _WINDOW), "_source": fields}
        path = f"/{self._name}/_search"
        answer = self._wire.request("POST", path, whole, ignore_unavailable="true")
        hits: list[Mapping[str, Any]] = answer["hits"]["hits"]
        return hits


def _matching(terms: Mapping[str, int], where: Condition | None) -> Json:
    asked: Json = {"must": [{"match": {"terms": {"query": words(terms)}}}]}
    if where is not None:
        asked["filter"] = [query(where)]
    return {"bool": asked}


def _dimensions(mapping: Mapping[str, Any]) -> int | None:
    field = mapping.get("properties", {}).get("vector", {})
    held = field.get("dims", field.get("dimension"))
    return None if held is None else int(held)


def _secret(text: SecretStr | str) -> SecretStr:
    return text if isinstance(text, SecretStr) else SecretStr(text)
