"""An immutable piece of the inverted index: plain arrays, so that a file is mapped, not parsed.

Terms are known by the 64-bit digest of their text. That keeps the vocabulary in one sorted array
(8 bytes per term, nothing to unpickle at opening) and lets segments merge without touching strings;
a collision among a million terms has a chance of about 3e-8.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@lru_cache(maxsize=500_000)
def term_key(term: str) -> int:
    """Return the number a term is stored under (blake2b, 8 bytes)."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True, eq=False)
class Segment:
    """Postings of some documents, in compressed-sparse-row form.

    Attributes:
        rows: ``(n,)`` catalogue row of each document, ascending. A document's position is its slot.
        lengths: ``(n,)`` tokens per document.
        keys: ``(t,)`` term keys, ascending.
        offsets: ``(t + 1,)`` where each term's postings start.
        slots: ``(p,)`` documents of the postings, ascending within a term.
        counts: ``(p,)`` occurrences, in the narrowest type that holds them.
    """

    rows: Ints
    lengths: npt.NDArray[np.uint32]
    keys: Keys
    offsets: Ints
    slots: npt.NDArray[np.uint32]
    counts: npt.NDArray[Any]

    @property
    def size(self) -> int:
        """Documents in the segment, dead ones included."""
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(getattr(self, field.name).nbytes) for field in fields(self))

    def find(self, keys: Keys) -> Ints:
        """Return the position of every key, -1 where the segment does not know it."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        places = np.searchsorted(self.keys, keys)
        places[places == len(self.keys)] = 0
        return np.where(self.keys[places] == keys, places, -1)

    def save(self, folder: Path) -> None:
        """Write the arrays so that the folder exists whole or not at all, whatever is killed."""
        draft = folder.with_name(folder.name + ".draft")
        draft.mkdir(parents=True)
        for field in fields(self):
            with (draft / f"{field.name}.npy").open("wb") as file:
                np.save(file, getattr(self, field.name))
                file.flush()
                os.fsync(file.fileno())
        draft.rename(folder)

    @classmethod
    def load(cls, folder: Path) -> Segment:
        """Map a saved segment into memory; pages are read when a query first needs them."""
        arrays = {
            # ``asarray`` drops the memmap subclass, whose Python overhead every slice would pay.
            field.name: np.asarray(np.load(folder / f"{field.name}.npy", mmap_mode="r"))
            for field in fields(cls)
        }
        return cls(**arrays)


def build(rows: Sequence[int], documents: Iterable[Sequence[str]]) -> Segment:
    """Index token lists.

    Args:
        rows: Catalogue row of each document, ascending.
        documents: Its terms, in the same order.
    """
    vocabulary: dict[str, int] = {}
    numbers: list[npt.NDArray[np.uint32]] = []
    for tokens in documents:
        known = [vocabulary.setdefault(token, len(vocabulary)) for token in tokens]
        numbers.append(np.array(known, np.uint32))
    lengths = np.array([len(found) for found in numbers], np.uint32)
    flat = np.concatenate(numbers) if numbers else np.zeros(0, np.uint32)
    keys = np.fromiter((term_key(term) for term in vocabulary), np.uint64, len(vocabulary))
    order = np.argsort(keys)
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys))
    # One sort over (term, document) gives postings, counts and the order of both at once.
    size = max(len(lengths), 1)
    codes = rank[flat] * size + np.repeat(np.arange(len(lengths)), lengths)
    postings, counts = np.unique(codes, return_counts=True)
    per_term = np.bincount(postings // size, minlength=len(keys))
    return Segment(
        rows=np.asarray(rows, np.int64),
        lengths=lengths,
        keys=keys[order],
        offsets=_offsets(per_term),
        slots=(postings % size).astype(np.uint32),
        counts=_narrow(counts),
    )


def merge(segments: Sequence[Segment], alive: Sequence[Bools]) -> Segment:
    """Join segments in order, leaving out the dead documents and the terms only they had.

    Args:
        segments: In slot order; their rows ascend over all of them.
        alive: One mask per segment.
    """
    kept = [_without_dead(*pair) for pair in zip(segments, alive, strict=True)]
    keys = np.unique(np.concatenate([part.keys for part in kept]))
    places = [np.searchsorted(keys, part.keys) for part in kept]
    totals = np.zeros(len(keys), np.int64)
    for part, place in zip(kept, places, strict=True):
        totals[place] += np.diff(part.offsets)
    offsets = _offsets(totals)
    slots = np.empty(int(offsets[-1]), np.uint32)
    counts = np.empty(len(slots), np.result_type(np.uint8, *(part.counts.dtype for part in kept)))
    filled, base = offsets[:-1].copy(), 0
    for part, place in zip(kept, places, strict=True):
        per_term = np.diff(part.offsets)
        # Every posting knows its destination: where its term starts plus what is already there.
        shift = np.repeat(filled[place] - part.offsets[:-1], per_term)
        target = shift + np.arange(len(part.slots))
        slots[target] = part.slots + np.uint32(base)
        counts[target] = part.counts
        filled[place] += per_term
        base += part.size
    return Segment(
        rows=np.concatenate([part.rows for part in kept]),
        lengths=np.concatenate([part.lengths for part in kept]),
        keys=keys,
        offsets=offsets,
        slots=slots,
        counts=counts,
    )


def _without_dead(segment: Segment, alive: Bools) -> Segment:
    if alive.all():
        return segment
    kept = alive[segment.slots]
    term_of = np.repeat(np.arange(len(segment.keys)), np.diff(segment.offsets))[kept]
    per_term = np.bincount(term_of, minlength=len(segment.keys))
    used = per_term > 0
    renumbered = np.cumsum(alive) - 1
    return Segment(
        rows=segment.rows[alive],
        lengths=segment.lengths[alive],
        keys=segment.keys[used],
        offsets=_offsets(per_term[used]),
        slots=renumbered[segment.slots[kept]].astype(np.uint32),
        counts=segment.counts[kept],
    )


def _offsets(per_term: npt.NDArray[Any]) -> Ints:
    offsets = np.zeros(len(per_term) + 1, np.int64)
    np.cumsum(per_term, out=offsets[1:])
    return offsets


def _narrow(counts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    top = int(counts.max()) if len(counts) else 0
    return counts.astype(np.min_scalar_type(top))
