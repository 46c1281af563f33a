"""Finding the nearest stored questions: one matrix, or a graph above a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from langchain_switchyard.errors import ConfigurationError

Vector = npt.NDArray[np.float32]
"""One unit vector, shape `(dimensions,)`."""


class VectorIndex(Protocol):
    """Vectors by number. Not thread-safe: its partition holds the lock."""

    def __len__(self) -> int:
        """Count the vectors."""
        ...

    def add(self, number: int, vector: Vector) -> None:
        """Add a unit vector under a number that is not taken."""
        ...

    def remove(self, number: int) -> None:
        """Take one out; an unknown number is ignored."""
        ...

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """Return up to `count` numbers and cosines, nearest first."""
        ...

    def vector(self, number: int) -> Vector:
        """Return a stored vector."""
        ...


def unit(values: Sequence[float] | Vector) -> Vector:
    """Return a vector of length 1, shape `(dimensions,)`.

    Raises:
        ConfigurationError: It is empty, zero, or holds what is no number.
    """
    vector = np.asarray(values, dtype=np.float32)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not vector.size or not np.isfinite(length) or length == 0.0:
        raise ConfigurationError(
            f"the embedding model gave no usable vector (shape {vector.shape}, length {length})"
        )
    return vector / np.float32(length)


class ExactIndex:
    """All vectors in one matrix: a search is one product, and nothing is missed."""

    def __init__(self) -> None:
        """Start empty; the first vector decides the number of dimensions."""
        self._numbers: list[int] = []
        self._rows: dict[int, int] = {}
        self._matrix: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def __len__(self) -> int:
        """Count the vectors."""
        return len(self._numbers)

    def add(self, number: int, vector: Vector) -> None:
        """Add a unit vector."""
        if self._numbers and vector.shape[0] != self._matrix.shape[1]:
            raise ConfigurationError(
                f"the semantic cache holds vectors of {self._matrix.shape[1]} dimensions, the "
                f"embedding model now gives {vector.shape[0]}: one cache, one embedding model"
            )
        self._reserve(vector.shape[0])
        row = len(self._numbers)
        self._matrix[row] = vector
        self._numbers.append(number)
        self._rows[number] = row

    def remove(self, number: int) -> None:
        """Take one out: the last row moves into its place."""
        row = self._rows.pop(number, None)
        if row is None:
            return
        moved = self._numbers.pop()
        if moved != number:
            self._matrix[row] = self._matrix[len(self._numbers)]
            self._numbers[row] = moved
            self._rows[moved] = row

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """Return up to `count` numbers and cosines, nearest first."""
        size = len(self._numbers)
        if not size or count < 1:
            return []
        if vector.shape[0] != self._matrix.shape[1]:
            raise ConfigurationError(
                f"the semantic cache holds vectors of {self._matrix.shape[1]} dimensions, this "
                f"question has {vector.shape[0]}: one cache, one embedding model"
            )
        cosines = self._matrix[:size] @ vector
        count = min(count, size)
        best = np.argpartition(-cosines, count - 1)[:count]
        order = best[np.argsort(-cosines[best], kind="stable")]
        return [(self._numbers[row], float(cosines[row])) for row in order.tolist()]

    def vector(self, number: int) -> Vector:
        """Return a copy of a stored vector."""
        row: Vector = self._matrix[self._rows[number]].copy()
        return row

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of all vectors."""
        return tuple(self._numbers)

    def _reserve(self, dimensions: int) -> None:
        size = len(self._numbers)
        if size < len(self._matrix) and self._matrix.shape[1] == dimensions:
            return
        grown = np.zeros((max(64, size + size // 2 + 1), dimensions), np.float32)
        if size:
            grown[:size] = self._matrix[:size]
        self._matrix = grown
