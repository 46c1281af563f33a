"""Metadata filters, answered by our own columns so that every leg honours them alike.

``{"lang": "zh"}``, ``{"year": {"$gte": 2020}}``, ``{"tag": {"$in": ["a", "b"]}}``, ``{"$or":
[...]}``, ``{"$not": {...}}``. Several keys mean *and*. A document without the key matches only
``$ne``, ``$nin`` and ``{"$exists": False}``. ``$contains`` looks into a list or a text.
"""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.storage.catalog import Catalog

Filter = Mapping[str, Any]
_MISSING = object()


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, wanted: Any) -> bool:
        try:
            return value is not _MISSING and bool(compare(value, wanted))
        except TypeError:
            return False  # Text against a number: no order, so no match.

    return test


def _contains(value: Any, wanted: Any) -> bool:
    return isinstance(value, list | str) and wanted in value


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _compared(operator.eq),
    "$ne": lambda value, wanted: value is _MISSING or value != wanted,
    "$in": lambda value, wanted: value is not _MISSING and value in wanted,
    "$nin": lambda value, wanted: value is _MISSING or value not in wanted,
    "$gt": _compared(operator.gt),
    "$gte": _compared(operator.ge),
    "$lt": _compared(operator.lt),
    "$lte": _compared(operator.le),
    "$exists": lambda value, wanted: (value is not _MISSING) == bool(wanted),
    "$contains": _compared(_contains),
}


class MetadataColumns:
    """Dictionary-coded metadata, loaded per key when first asked for and extended after writes."""

    def __init__(self, catalog: Catalog) -> None:
        """Read nothing yet."""
        self._catalog = catalog
        self._lock = threading.Lock()
        self._columns: dict[str, _Column] = {}

    def allowed(self, wanted: Filter, size: int) -> Bools:
        """Return a mask over catalogue rows ``0 .. size - 1``.

        Raises:
            ConfigurationError: The filter is malformed; the message shows the part.
        """
        if not isinstance(wanted, Mapping):
            raise ConfigurationError(f"a filter is a mapping like {{'lang': 'zh'}}, got {wanted!r}")
        mask = np.ones(size, bool)
        for key, condition in wanted.items():
            mask &= self._clause(key, condition, size)
        return mask

    def _clause(self, key: str, condition: Any, size: int) -> Bools:
        if key in ("$and", "$or"):
            parts = [self.allowed(part, size) for part in condition]
            join = np.logical_and if key == "$and" else np.logical_or
            return np.asarray(join.reduce(parts)) if parts else np.ones(size, bool)
        if key == "$not":
            return ~self.allowed(condition, size)
        if key.startswith("$"):
            raise ConfigurationError(
                f"unknown filter operator {key!r}: use $and, $or, $not or a key"
            )
        operators = condition if _is_operators(condition) else {"$eq": condition}
        mask = np.ones(size, bool)
        for name, wanted in operators.items():
            if name not in _TESTS:
                raise ConfigurationError(
                    f"unknown filter operator {name!r} for {key!r}: one of {', '.join(_TESTS)}"
                )
            mask &= self._column(key).mask(_TESTS[name], wanted, size)
        return mask

    def _column(self, key: str) -> _Column:
        with self._lock:
            column = self._columns.setdefault(key, _Column())
            column.extend(self._catalog.metadata_column(key, column.last))
            return column


class _Column:
    """One metadata key: the distinct values, and each row's number among them."""

    def __init__(self) -> None:
        self.last = 0
        self._values: list[Any] = [_MISSING]
        self._numbers: dict[str | None, int] = {None: 0}
        self._rows: Ints = np.zeros(0, np.int64)
        self._codes: Ints = np.zeros(0, np.int64)

    def extend(self, found: list[tuple[int, str | None]]) -> None:
        if not found:
            return
        codes = [self._number(text) for _, text in found]
        self._rows = np.concatenate([self._rows, np.array([row for row, _ in found], np.int64)])
        self._codes = np.concatenate([self._codes, np.array(codes, np.int64)])
        self.last = found[-1][0]

    def mask(self, test: Callable[[Any, Any], bool], wanted: Any, size: int) -> Bools:
        passed = np.array([test(value, wanted) for value in self._values], bool)
        mask = np.zeros(size, bool)
        inside = self._rows < size
        mask[self._rows[inside]] = passed[self._codes[inside]]
        return mask

    def _number(self, text: str | None) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self._values)
            self._values.append(json.loads(text or "null"))
        return self._numbers[text]


def _is_operators(condition: Any) -> bool:
    return (
        isinstance(condition, Mapping)
        and bool(condition)
        and all(isinstance(key, str) and key.startswith("$") for key in condition)
    )
