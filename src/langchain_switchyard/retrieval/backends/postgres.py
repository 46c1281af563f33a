"""PostgreSQL: BM25 over a table of postings, cosines by pgvector, everything in transactions.

PostgreSQL's own ``ts_rank`` knows no document frequency. So each term of a document is a row here
(24 bytes of data, some 80 on disk with its index), and BM25 is computed from it exactly as in our
own index, with N, df and the mean length of the moment. A query reads all postings of its terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.forks import guarded_lock
from langchain_switchyard.retrieval.backends.backend import (
    BackendError,
    Found,
    NewDocument,
    StoredDocument,
    checked_name,
)
from langchain_switchyard.retrieval.backends.postgres_connections import Connections
from langchain_switchyard.retrieval.backends.postgres_rows import (
    refuse_nul,
    term_number,
    values_of,
    vector_text,
    without_nul,
)
from langchain_switchyard.retrieval.backends.postgres_sql import (
    MATCH,
    NEAREST,
    REMOVE,
    SETTINGS,
    TABLES,
    WITHIN,
    Statements,
)
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.lexical.bm25 import BM25
from langchain_switchyard.retrieval.storage.conditions import Condition, Ids

# As in our own lexical index: smaller collections are scored exactly, whatever it costs.
SKIP_FROM = 20_000
# pgvector's own limits.
_MOST_EF, _LEAST_EF = 1_000, 40


class PostgresBackend:
    """Tables of a PostgreSQL database (12 or newer; pgvector for embeddings).

    Writers take turns per ``name``; readers wait for nobody.

    Args:
        url: ``postgresql://user:password@host/database``.
        name: The documents' table; others begin with it. Made by the first write.
        hnsw: Keep an HNSW index of the vectors: approximate, and faster from some 10,000 documents
            on. Filters stay exact and complete with pgvector 0.8 and newer.
        timeout: Seconds to wait for a connection, and for each statement.

    Raises:
        MissingExtra: psycopg is not installed (extra ``postgres``).
        ConfigurationError: The URL or the name cannot be used.
    """

    server_fusions: frozenset[str] = frozenset()

    def __init__(
        self,
        url: SecretStr | str,
        name: str = "switchyard",
        *,
        hnsw: bool = False,
        timeout: float = 30.0,
    ) -> None:
        """Connect to nothing yet."""
        self._name = checked_name(name)
        secret = url if isinstance(url, SecretStr) else SecretStr(url)
        self._connections = Connections(secret, timeout)
        self._statements = Statements(name)
        self._hnsw = hnsw
        self._formula = BM25()
        self._lock = guarded_lock()
        self._exists = False
        self._dimensions: int | None = None

    def write(self, documents: Sequence[NewDocument]) -> None:
        """Replace documents in one transaction."""
        if not documents:
            return
        refuse_nul(documents)
        vector = documents[0].vector
        self._create(None if vector is None else len(vector))
        sql = self._statements.compose
        with self._connections.transaction() as connection:
            # Writers take turns here: totals stay exact, and nobody waits for each other's rows.
            connection.execute(sql("SELECT 1 FROM {totals} FOR UPDATE"))
            connection.execute(sql(REMOVE), {"ids": [each.id for each in documents]})
            numbers = connection.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'row')) FROM generate_series(1, %s)",
                (self._name, len(documents)),
            )
            rows = [number for (number,) in numbers]
            self._insert(connection, rows, documents)
            tokens = sum(each.length for each in documents)
            connection.execute(
                sql("UPDATE {totals} SET documents = documents + %s, tokens = tokens + %s"),
                (len(documents), tokens),
            )

    def remove(self, ids: Sequence[str]) -> None:
        """Delete documents in one transaction."""
        if not ids or not self._ready():
            return
        with self._connections.transaction() as connection:
            connection.execute(self._statements.compose("SELECT 1 FROM {totals} FOR UPDATE"))
            connection.execute(self._statements.compose(REMOVE), {"ids": without_nul(ids)})

    def fetch(self, ids: Sequence[str]) -> list[StoredDocument]:
        """Select by id."""
        statement = "SELECT id, text, metadata FROM {documents} WHERE id = ANY(%(ids)s)"
        rows = self._rows(statement, ids=without_nul(ids)) if ids else []
        return [StoredDocument(*row) for row in rows]

    def vectors(self, ids: Sequence[str]) -> dict[str, Matrix]:
        """Select by id."""
        if not ids or self._length() is None:
            return {}
        statement = (
            "SELECT id, embedding::real[] FROM {documents}"
            " WHERE id = ANY(%(ids)s) AND embedding IS NOT NULL"
        )
        rows = self._rows(statement, ids=without_nul(ids))
        return {name: np.array(vector, np.float32) for name, vector in rows}

    def sample(self, count: int) -> list[str]:
        """Take the documents whose ids have the lowest digests."""
        statement = "SELECT id FROM {documents} ORDER BY md5(id) LIMIT %(count)s"
        return [name for (name,) in self._rows(statement, count=count)]

    def count(self) -> int:
        """Read the total."""
        rows = self._rows("SELECT documents FROM {totals}")
        return int(rows[0][0]) if rows else 0

    def match(self, terms: Mapping[str, int], count: int, where: Condition | None) -> Found:
        """Score the postings of the terms."""
        condition, values = self._statements.condition(where)
        compose = self._statements.compose
        few = isinstance(where, Ids)
        within = compose(WITHIN, condition=condition) if few else compose("true")
        rows = self._rows(
            MATCH,
            {"condition": condition, "within": within},
            terms=[term_number(term) for term in terms],
            counts=list(terms.values()),
            k1=self._formula.k1,
            b=self._formula.b,
            skip_from=SKIP_FROM,
            count=count,
            **values,
        )
        hits = [(name, float(score)) for name, score, *_ in rows]
        if few or not hits:
            return Found(hits)
        return Found(hits, *rows[0][2:])

    def nearest(self, vector: Matrix, count: int, where: Condition | None) -> Found:
        """Order by cosine distance."""
        if self._length() is None:
            return Found()
        condition, values = self._statements.condition(where)
        embedding = self._statements.embedding(len(vector) if self._hnsw else None)
        parts = {"condition": condition, "embedding": embedding}
        rows = self._rows(NEAREST, parts, vector=vector_text(vector), count=count, **values)
        # A vector of zeros has no direction, and no cosine.
        return Found([(name, float(score)) for name, score in rows if not np.isnan(score)])

    def settings(self) -> dict[str, str]:
        """Select all."""
        with self._connections.transaction() as connection:
            found = connection.execute("SELECT to_regclass(%s)", (f"{self._name}_settings",))
            if found.fetchone()[0] is None:
                return {}
            statement = self._statements.compose("SELECT key, value FROM {settings}")
            return dict(connection.execute(statement).fetchall())

    def remember(self, key: str, value: str) -> None:
        """Upsert."""
        upsert = (
            "INSERT INTO {settings} VALUES (%s, %s) ON CONFLICT (key) DO UPDATE"
            " SET value = excluded.value"
        )
        with self._connections.transaction() as connection:
            self._alone(connection)
            connection.execute(self._statements.compose(SETTINGS))
            connection.execute(self._statements.compose(upsert), (key, value))

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _rows(
        self, statement: str, parts: Mapping[str, Any] | None = None, **values: Any
    ) -> list[tuple[Any, ...]]:
        if not self._ready():
            return []
        with self._connections.transaction() as connection:
            if statement is NEAREST and self._hnsw:
                search = min(max(values["count"], _LEAST_EF), _MOST_EF)
                connection.execute(f"SET LOCAL hnsw.ef_search = {int(search)}")
                connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            found = connection.execute(self._statements.compose(statement, **parts or {}), values)
            rows: list[tuple[Any, ...]] = found.fetchall()
            return rows

    def _ready(self) -> bool:
        if not self._exists:
            with self._connections.transaction() as connection:
                found = connection.execute("SELECT to_regclass(%s)", (f"{self._name}_totals",))
                self._exists = found.fetchone()[0] is not None
        return self._exists

    def _length(self) -> int | None:
        if self._dimensions is None:
            known = self.settings().get("dimensions")
            self._dimensions = None if known is None else int(known)
        return self._dimensions

    def _create(self, dimensions: int | None) -> None:
        with self._lock:
            if not self._ready():
                with self._connections.transaction() as connection:
                    self._alone(connection)
                    for statement in TABLES.split(";\n"):
                        connection.execute(self._statements.compose(statement))
                self._exists = True
            if dimensions is None:
                return
            held = self._length()
            if held is None:
                self._add_vectors(dimensions)
            elif held != dimensions:
                raise ConfigurationError(
                    f"the table {self._name!r} holds vectors of {held} numbers, this embedding "
                    f"model gives {dimensions}: choose another name, or drop its tables"
                )

    def _add_vectors(self, dimensions: int) -> None:
        sql = self._statements.compose
        try:
            with self._connections.transaction() as connection:
                self._alone(connection)
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except BackendError as error:
            raise BackendError(
                f"{error}: embeddings need the extension pgvector; install it on the server and "
                "let its owner run CREATE EXTENSION vector"
            ) from error
        with self._connections.transaction() as connection:
            self._alone(connection)
            connection.execute(
                sql("ALTER TABLE {documents} ADD COLUMN IF NOT EXISTS embedding vector")
            )
            if self._hnsw:
                length = int(dimensions)
                connection.execute(
                    sql(
                        "CREATE INDEX IF NOT EXISTS {hnsw} ON {documents} USING hnsw"
                        f" ((embedding::vector({length})) vector_cosine_ops)"
                    )
                )
        self.remember("dimensions", str(dimensions))
        self._dimensions = dimensions

    def _alone(self, connection: Any) -> None:
        # CREATE ... IF NOT EXISTS is not safe against itself.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self._name,))

    def _insert(
        self, connection: Any, rows: Sequence[int], documents: Sequence[NewDocument]
    ) -> None:
        columns = "row, id, text, metadata, exact, numbers, texts, length, terms"
        columns += "" if self._dimensions is None else ", embedding"
        statement = self._statements.compose(f"COPY {{documents}} ({columns}) FROM STDIN")
        with connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for row, each in zip(rows, documents, strict=True):
                    values = values_of(row, each)
                    copy.write_row(values if self._dimensions else values[:-1])
            statement = self._statements.compose("COPY {terms} (term, row, tf, length) FROM STDIN")
            with cursor.copy(statement) as copy:
                for row, each in zip(rows, documents, strict=True):
                    for term, tf in each.terms.items():
                        copy.write_row((term_number(term), row, tf, each.length))
