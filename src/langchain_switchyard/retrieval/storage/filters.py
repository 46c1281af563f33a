"""Metadata filters over an index of our own, answered by columns so that every leg honours them.

What a filter means is said once, in ``conditions``, for this index and for every engine.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from langchain_switchyard.forks import guarded_lock
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.storage.catalog import Catalog
from langchain_switchyard.retrieval.storage.conditions import (
    All,
    Compares,
    Either,
    Filter,
    Has,
    Ids,
    Includes,
    Leaf,
    beyond,
    condition,
    facets,
    fold,
    is_text,
)
from langchain_switchyard.retrieval.storage.records import decode_value

__all__ = ["Filter", "MetadataColumns"]


class MetadataColumns:
    """Dictionary-coded metadata, loaded per key when first asked for and extended after writes."""

    def __init__(self, catalog: Catalog) -> None:
        """Read nothing yet."""
        self._catalog = catalog
        self._lock = guarded_lock()
        self._columns: dict[str, _Column] = {}

    def allowed(self, wanted: Filter, size: int) -> Bools:
        """Return a mask over catalogue rows ``0 .. size - 1``.

        Raises:
            ConfigurationError: The filter is malformed; the message shows the part.
        """

        def leaf(asked: Leaf) -> Bools:
            if isinstance(asked, Ids):
                rows = self._catalog.rows_of(asked.ids).values()
                return _mask(np.array([row for row in rows if row < size], np.int64), size)
            return self._column(asked.key).mask(asked, size)

        def join(how: type[All | Either], parts: list[Bools]) -> Bools:
            if how is All:
                return reduce(np.logical_and, parts, np.ones(size, bool))
            return reduce(np.logical_or, parts, np.zeros(size, bool))

        return fold(condition(wanted), leaf, join, np.logical_not)

    def _column(self, key: str) -> _Column:
        with self._lock:
            column = self._columns.get(key) or _Column(key)
            # Read first: a key that SQLite cannot address must not be remembered.
            column.extend(self._catalog.metadata_column(key, column.last))
            self._columns[key] = column
            return column


class _Column:
    """One metadata key: the distinct values, and each row's number among them; 0 is *absent*."""

    def __init__(self, key: str) -> None:
        self.last = 0
        self._key = key
        # Facets of a value, and of the elements of lists: the values that have them.
        self._holders: dict[str, list[int]] = {}
        # Filled with the values' numbers and texts, if any.
        self._numbers: list[float] = [np.nan]
        self._texts: list[str | None] = [None]
        self._rows: Ints = np.zeros(0, np.int64)
        self._codes: Ints = np.zeros(0, np.int64)

    def extend(self, found: list[tuple[int, str | None]]) -> None:
        if not found:
            return
        known: dict[str | None, int] = {None: 0}
        for text in {text for _, text in found} - {None}:
            known[text] = self._number(text or "")
        codes = [known[text] for _, text in found]
        self._rows = np.concatenate([self._rows, np.array([row for row, _ in found], np.int64)])
        self._codes = np.concatenate([self._codes, np.array(codes, np.int64)])
        self.last = found[-1][0]

    def mask(self, asked: Has | Compares | Includes, size: int) -> Bools:
        passed = self._passed(asked)
        inside = self._rows < size
        return _mask(self._rows[inside][passed[self._codes[inside]]], size)

    def _passed(self, asked: Has | Compares | Includes) -> Bools:
        """Return which of the distinct values pass."""
        count = len(self._texts)
        if isinstance(asked, Has):
            # Existence is a facet that every value has: not kept for each.
            if asked.facet == facets({self._key: 0}).exact[0]:
                return np.arange(count) > 0
            return _mask(np.array(self._holders.get(asked.facet, []), np.int64), count)
        if isinstance(asked, Includes):
            return np.array([text is not None and asked.part in text for text in self._texts])
        if is_text(asked):
            return np.array([beyond(asked, text) for text in self._texts])
        return _beyond(asked, np.array(self._numbers))

    def _number(self, text: str) -> int:
        made = facets({self._key: decode_value(text)})
        _, exact, *elements = made.exact
        # Equal values have the same facet: 1, 1.0 and true are one.
        holders = self._holders.setdefault(exact, [])
        if holders:
            return holders[0]
        number = len(self._texts)
        holders.append(number)
        for facet in elements:
            self._holders.setdefault(facet, []).append(number)
        self._numbers.append(made.numbers.get(self._key, np.nan))
        self._texts.append(made.texts.get(self._key))
        return number


def _mask(places: Ints, size: int) -> Bools:
    mask = np.zeros(size, bool)
    mask[places] = True
    return mask


def _beyond(asked: Compares, values: Floats) -> Bools:
    """Compare numbers; those that are none (NaN) never pass."""
    compare = {
        "$gt": np.greater,
        "$gte": np.greater_equal,
        "$lt": np.less,
        "$lte": np.less_equal,
    }
    return np.asarray(compare[asked.comparison](values, float(asked.bound)), bool)
