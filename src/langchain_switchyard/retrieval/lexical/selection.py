"""Pick the best of many scores without sorting or partitioning all of them."""

from __future__ import annotations

import numpy as np

from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints

_BLOCKS = (64, 16)


def passing(allowed: Bools, rows: Ints) -> Bools:
    """Return which rows a mask by row allows; rows it does not reach are newer, and not allowed."""
    if not len(rows) or rows[-1] < len(allowed):
        return allowed[rows]
    inside = rows < len(allowed)
    return inside & allowed[np.where(inside, rows, 0)]


def best(scores: Floats, count: int, floor: float = 0.0) -> Ints:
    """Return the positions of the ``count`` highest scores above ``floor``, best first.

    Equal scores are ordered by position. The maxima of blocks of scores give a lower bound of the
    ``count``-th score, so only the few scores above it are ordered (exact, not approximate).
    """
    bound = _bound(scores, count)
    candidates = np.flatnonzero(scores >= bound if bound > floor else scores > floor)
    found = scores[candidates]
    if len(candidates) > 4 * count:
        bound = np.partition(found, len(found) - count)[len(found) - count]
        candidates = candidates[found >= bound]
        found = scores[candidates]
    return candidates[np.argsort(-found, kind="stable")[:count]]


def _bound(scores: Floats, count: int) -> float:
    """A number that ``count`` scores reach: of so many blocks the best does."""
    for size in _BLOCKS:
        blocks = len(scores) // size
        if blocks >= count:
            tops = scores[: blocks * size].reshape(-1, size).max(axis=1)
            return float(np.partition(tops, blocks - count)[blocks - count])
    return -np.inf
