"""Mean and deviation of a query's cosine over a collection that is not compared as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from langchain_switchyard.retrieval.dense.vectors import Matrix, dots

SAMPLE = 2_000
"""Cosines of so many documents tell mean and deviation of all to a few percent."""


@dataclass(frozen=True, eq=False)
class Spread:
    """How a sample of unit vectors lies.

    Attributes:
        centre: ``(d,)`` their mean.
        covariance: ``(d, d)``.
    """

    centre: Matrix
    covariance: Matrix

    @classmethod
    def of(cls, vectors: Matrix) -> Spread | None:
        """Measure ``(n, d)`` vectors; ``None`` where they are too few to say."""
        if len(vectors) < 2:
            return None
        return cls(vectors.mean(axis=0), np.cov(vectors, rowvar=False).astype(np.float32))

    def cosines(self, vector: Matrix) -> tuple[float, float]:
        """Return mean and deviation of a unit vector's cosines, without taking any."""
        variance = float(vector @ dots(self.covariance, vector))
        return float(self.centre @ vector), float(np.sqrt(max(variance, 0.0)))
