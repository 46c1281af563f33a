"""The newest documents of the inverted index, in memory, growing one document at a time.

Writers append under the index's lock. Readers take no lock: postings only ever grow at the end, and
a reader cuts them at the number of documents it knew when it started.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np

from langchain_switchyard.retrieval.lexical.segment import Ints, Segment, term_key


class Tail:
    """Postings of recent documents: ``key -> (slots, counts)``."""

    def __init__(self) -> None:
        """Start empty."""
        self._postings: dict[int, tuple[array[int], array[int]]] = {}
        self._rows = array("q")
        self._lengths = array("q")

    def __len__(self) -> int:
        """Documents, dead ones included."""
        return len(self._rows)

    def add(self, row: int, tokens: Sequence[str]) -> None:
        """Append one document. The caller holds the writer's lock."""
        slot = len(self._rows)
        for term, count in Counter(tokens).items():
            slots, counts = self._postings.setdefault(term_key(term), (array("q"), array("q")))
            # Counts first: a reader that sees the slot must find its count.
            counts.append(count)
            slots.append(slot)
        self._lengths.append(len(tokens))
        self._rows.append(row)

    def rows(self, size: int) -> Ints:
        """Return the catalogue rows of the first ``size`` documents."""
        return _first(self._rows, size)

    def lengths(self, size: int) -> Ints:
        """Return the token counts of the first ``size`` documents."""
        return _first(self._lengths, size)

    def postings(self, key: int, size: int) -> tuple[Ints, Ints] | None:
        """Return slots and counts of a term among the first ``size`` documents, if it has any."""
        found = self._postings.get(key)
        if found is None:
            return None
        slots = _first(found[0])
        known = int(np.searchsorted(slots, size))
        return (slots[:known], _first(found[1], known)) if known else None

    def freeze(self) -> Segment:
        """Return the same documents as an immutable segment, slots unchanged."""
        keys = np.fromiter(self._postings, np.uint64, len(self._postings))
        order = np.argsort(keys)
        lists = list(self._postings.values())
        chosen = [lists[place] for place in order]
        sizes = np.array([len(slots) for slots, _ in chosen], np.int64)
        slots = _flat([slots for slots, _ in chosen])
        counts = _flat([counts for _, counts in chosen])
        top = int(counts.max()) if len(counts) else 0
        return Segment(
            rows=np.array(self._rows, np.int64),
            lengths=np.array(self._lengths, np.uint32),
            keys=keys[order],
            offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
            slots=slots.astype(np.uint32),
            counts=counts.astype(np.min_scalar_type(top)),
        )


def _first(numbers: array[int], size: int | None = None) -> Ints:
    # A slice is a copy made in one step. While NumPy looks at the array itself, a writer in
    # another thread cannot append to it, and fails.
    return np.asarray(numbers[:size])


def _flat(parts: Sequence[array[int]]) -> Ints:
    joined = array("q")
    for part in parts:
        joined.extend(part)
    return np.array(joined, np.int64)
