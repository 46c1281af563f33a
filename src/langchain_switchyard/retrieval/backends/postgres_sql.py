"""The statements of ``PostgresBackend``: names are quoted identifiers, values are parameters."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from langchain_switchyard.retrieval.storage.conditions import (
    All,
    Compares,
    Condition,
    Either,
    Has,
    Ids,
    Includes,
    fold,
)

_OPERATORS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

TABLES = """
CREATE TABLE IF NOT EXISTS {documents} (
  row bigserial PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, text text NOT NULL,
  metadata text NOT NULL, exact text[] NOT NULL, numbers jsonb NOT NULL, texts jsonb NOT NULL,
  length integer NOT NULL, terms bigint[] NOT NULL);
CREATE INDEX IF NOT EXISTS {exact} ON {documents} USING gin (exact);
CREATE TABLE IF NOT EXISTS {terms} (
  term bigint, row bigint, tf integer NOT NULL, length integer NOT NULL,
  PRIMARY KEY (term, row) INCLUDE (tf, length));
CREATE TABLE IF NOT EXISTS {totals} (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), documents bigint NOT NULL,
  tokens bigint NOT NULL);
INSERT INTO {totals} (documents, tokens) VALUES (0, 0) ON CONFLICT DO NOTHING
"""

SETTINGS = """
CREATE TABLE IF NOT EXISTS {settings} (key text PRIMARY KEY, value text NOT NULL)
"""

# N, df and the mean length are those of all documents, whatever the condition. As in our own
# index, from so many documents on terms that more than a fifth have are skipped, if others are
# left. LATERAL and OFFSET 0 make the planner look each term up instead of reading all postings.
MATCH = """
WITH query AS (SELECT * FROM unnest(%(terms)s::bigint[], %(counts)s::float8[]) AS q(term, weight)),
totals AS (SELECT documents::float8 AS n, tokens::float8 / greatest(documents, 1) AS mean
  FROM {totals}),
known AS (SELECT query.*, totals.*,
    (SELECT count(*) FROM {terms} p WHERE p.term = query.term) AS df FROM query, totals),
chosen AS (SELECT term, mean,
    weight * ln(1 + (n - df + 0.5) / (df + 0.5)) * (%(k1)s + 1) AS weight FROM known
  WHERE df > 0 AND (n < %(skip_from)s OR df * 5 <= n
    OR NOT EXISTS (SELECT 1 FROM known k WHERE k.df > 0 AND k.df * 5 <= k.n))),
scores AS (SELECT row, sum(weight * tf / (tf + %(k1)s * (1 - %(b)s + %(b)s * length / mean)))
    AS score
  FROM chosen CROSS JOIN LATERAL (SELECT p.row, p.tf, p.length FROM {terms} p
    WHERE p.term = chosen.term AND {within} OFFSET 0) postings GROUP BY row),
sums AS (SELECT sum(score) AS total, sum(score * score) AS squares FROM scores)
SELECT d.id, score, total / n, sqrt(greatest(squares / n - (total / n) ^ 2, 0))
FROM scores JOIN {documents} d ON d.row = scores.row, sums, totals
WHERE {condition} ORDER BY score DESC, d.id LIMIT %(count)s
"""

# Scores of given documents need only their own postings.
WITHIN = """p.row = ANY(ARRAY(SELECT d.row FROM {documents} d WHERE {condition}))"""

NEAREST = """
SELECT d.id, 1 - ({embedding} <=> %(vector)s::vector) FROM {documents} d
WHERE d.embedding IS NOT NULL AND {condition}
ORDER BY {embedding} <=> %(vector)s::vector LIMIT %(count)s
"""

# Old postings are found by the terms that the document kept, not by a second index.
REMOVE = """
WITH gone AS (DELETE FROM {documents} WHERE id = ANY(%(ids)s) RETURNING row, length, terms),
postings AS (DELETE FROM {terms} p USING (SELECT row, unnest(terms) AS term FROM gone) g
  WHERE p.term = g.term AND p.row = g.row)
UPDATE {totals} SET documents = documents - (SELECT count(*) FROM gone),
  tokens = tokens - (SELECT coalesce(sum(length), 0) FROM gone)
"""


class Statements:
    """Statements over the tables of one backend.

    Args:
        name: The documents' table; checked by the caller.
    """

    def __init__(self, name: str) -> None:
        """Quote the names."""
        self._sql: Any = import_module("psycopg.sql")
        suffixes = ("terms", "totals", "settings", "exact", "hnsw")
        names = {each: f"{name}_{each}" for each in suffixes} | {"documents": name}
        self._names = {key: self._sql.Identifier(value) for key, value in names.items()}

    def compose(self, statement: str, **more: Any) -> Any:
        """Return a statement with its names filled in."""
        return self._sql.SQL(statement).format(**self._names, **more)

    def embedding(self, dimensions: int | None) -> Any:
        """Return the embedding column, with its length where an index was made for that."""
        if dimensions is None:
            return self._sql.SQL("d.embedding")
        return self._sql.SQL(f"(d.embedding::vector({int(dimensions)}))")

    def condition(self, where: Condition | None) -> tuple[Any, dict[str, Any]]:
        """Return a condition on ``d`` and the values of its parameters."""
        sql = self._sql
        values: dict[str, Any] = {}

        def value(given: Any) -> Any:
            name = f"value{len(values)}"
            values[name] = given.replace("\x00", "") if isinstance(given, str) else given
            return sql.Placeholder(name)

        def leaf(asked: Has | Compares | Includes | Ids) -> Any:
            if isinstance(asked, Has):
                return sql.SQL("d.exact @> ARRAY[{}]::text[]").format(value(asked.facet))
            if isinstance(asked, Ids):
                return sql.SQL("d.id = ANY({})").format(value(list(asked.ids)))
            key = value(asked.key)
            if isinstance(asked, Includes):
                found = sql.SQL("position({} in d.texts->>{}) > 0").format(value(asked.part), key)
            else:
                texts = isinstance(asked.bound, str)
                left = '(d.texts->>{}) COLLATE "C"' if texts else "(d.numbers->>{})::float8"
                pattern = f"{left} {_OPERATORS[asked.comparison]} {{}}"
                found = sql.SQL(pattern).format(key, value(asked.bound))
            return sql.SQL("coalesce({}, false)").format(found)

        def join(how: type[All | Either], parts: list[Any]) -> Any:
            if not parts:
                return sql.SQL("true" if how is All else "false")
            return sql.SQL("({})").format(sql.SQL(" AND " if how is All else " OR ").join(parts))

        def negate(part: Any) -> Any:
            return sql.SQL("NOT {}").format(part)

        return fold(where or All(), leaf, join, negate), values
