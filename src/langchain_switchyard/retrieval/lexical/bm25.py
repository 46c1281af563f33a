"""The BM25 formula, in one place.

``score(q, d) = sum over t of qf * idf(t) * (k1 + 1) * tf / (tf + k1 * (1 - b + b * dl / avgdl))``
with Lucene's ``idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))``, which is never negative. ``N``,
``df`` and ``avgdl`` count live documents only. (Robertson and Zaragoza 2009; the idf is Lucene's
BM25Similarity.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from langchain_switchyard.errors import ConfigurationError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BM25:
    """The two parameters of the formula.

    Attributes:
        k1: How fast repeated occurrences stop counting (0 and more).
        b: How much long documents are discounted (0 to 1).
    """

    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        """Refuse values outside the formula's range."""
        if self.k1 < 0 or not 0 <= self.b <= 1:
            raise ConfigurationError(f"BM25 needs k1 >= 0 and 0 <= b <= 1, got {self}")

    def idf(self, documents: int, containing: int) -> float:
        """Return the weight of a term found in ``containing`` of ``documents``."""
        return math.log1p((documents - containing + 0.5) / (containing + 0.5))

    def saturation(self, counts: Floats, lengths: Floats, mean_length: float) -> Floats:
        """Return ``tf / (tf + norm)`` per posting.

        Args:
            counts: Occurrences of the term, one per posting.
            lengths: Tokens of the document, one per posting.
            mean_length: Mean tokens of a live document.
        """
        norm = lengths * (self.k1 * self.b / max(mean_length, 1e-9))
        norm += self.k1 * (1 - self.b)
        norm += counts
        result: Floats = counts / norm
        return result
