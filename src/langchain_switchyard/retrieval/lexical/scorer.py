"""A query against one snapshot: which terms count, what each adds, and the sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np

from langchain_switchyard.retrieval.lexical.bm25 import BM25, Floats
from langchain_switchyard.retrieval.lexical.contributions import Contribution, ContributionCache
from langchain_switchyard.retrieval.lexical.segment import Ints, Keys, Segment, term_key
from langchain_switchyard.retrieval.lexical.snapshot import Match, Snapshot

# Below this size nothing is gained by skipping common terms, and small collections stay exact.
_SKIP_FROM = 20_000


class Scorer:
    """Scores whole snapshots; safe for threads.

    Args:
        formula: BM25 parameters.
        cache_bytes: Memory for remembered contributions of hot terms.
        exact: Score every term, also those that a fifth of a large collection contains.
    """

    def __init__(self, formula: BM25, cache_bytes: int, *, exact: bool) -> None:
        """Remember nothing yet."""
        self._formula = formula
        self._exact = exact
        self._cache = ContributionCache(cache_bytes)

    def forget(self) -> None:
        """Forget what is remembered, after segments were renumbered."""
        self._cache.clear()

    def match(
        self, snapshot: Snapshot, dead: Mapping[int, int], tokens: Iterable[str]
    ) -> Match | None:
        """Score every document of a snapshot; ``None`` when no term is known.

        Args:
            snapshot: What the reader sees.
            dead: How many deleted documents hold a term, by its key.
            tokens: Of the query.
        """
        counts = Counter(tokens)
        terms = list(counts)
        keys = np.array([term_key(term) for term in terms], np.uint64)
        places = [segment.find(keys) for segment in snapshot.segments]
        frequency = self._frequencies(snapshot, dead, keys, places)
        known = [number for number, df in enumerate(frequency) if df > 0]
        if not known:
            return None
        chosen = self._chosen(known, frequency, snapshot.live)
        weights = {
            number: counts[terms[number]]
            * (self._formula.k1 + 1)
            * self._formula.idf(snapshot.live, frequency[number])
            for number in chosen
        }
        scores = self._accumulate(snapshot, keys, places, weights)
        return Match(
            scores=scores,
            rows=snapshot.rows,
            live=snapshot.live,
            known={terms[number]: frequency[number] for number in known},
            skipped=tuple(terms[number] for number in known if number not in weights),
        )

    def _accumulate(
        self, snapshot: Snapshot, keys: Keys, places: list[Ints], weights: dict[int, float]
    ) -> Floats:
        slots, values = [], []
        for number, weight in weights.items():
            for part in self._contributions(snapshot, int(keys[number]), number, places):
                slots.append(part.slots)
                values.append(part.values * weight)
        size = snapshot.bases[-1]
        # One pass in C over all postings: several times faster than adding term by term.
        totals = np.bincount(np.concatenate(slots), np.concatenate(values), minlength=size)
        totals[snapshot.dead] = 0.0
        return totals.astype(np.float64, copy=False)

    def _contributions(
        self, snapshot: Snapshot, key: int, number: int, places: list[Ints]
    ) -> Iterable[Contribution]:
        mean = snapshot.mean_length
        for segment, found, base in zip(snapshot.segments, places, snapshot.bases, strict=False):
            place = int(found[number])
            if place >= 0:
                make = partial(self._contribution, segment, place, base, mean)
                yield self._cache.get((segment, place, base), mean, make)
        postings = snapshot.tail.postings(key, snapshot.tail_size)
        if postings is not None:
            slots, counts = postings
            lengths = snapshot.tail.lengths(snapshot.tail_size)[slots].astype(np.float64)
            values = self._formula.saturation(counts.astype(np.float64), lengths, mean)
            yield Contribution(mean, slots + snapshot.bases[-2], values)

    def _contribution(self, segment: Segment, place: int, base: int, mean: float) -> Contribution:
        span = slice(int(segment.offsets[place]), int(segment.offsets[place + 1]))
        slots = segment.slots[span].astype(np.int64)
        counts = segment.counts[span].astype(np.float64)
        lengths = segment.lengths[slots].astype(np.float64)
        return Contribution(mean, slots + base, self._formula.saturation(counts, lengths, mean))

    def _frequencies(
        self, snapshot: Snapshot, dead: Mapping[int, int], keys: Keys, places: list[Ints]
    ) -> list[int]:
        totals = np.zeros(len(keys), np.int64)
        for segment, found in zip(snapshot.segments, places, strict=True):
            sizes = segment.offsets[found + 1] - segment.offsets[found]
            totals += np.where(found >= 0, sizes, 0)
        frequencies = []
        for key, total in zip(keys.tolist(), totals.tolist(), strict=True):
            postings = snapshot.tail.postings(key, snapshot.tail_size)
            recent = len(postings[0]) if postings else 0
            frequencies.append(total + recent - dead.get(key, 0))
        return frequencies

    def _chosen(self, known: list[int], frequency: list[int], live: int) -> list[int]:
        if self._exact or live < _SKIP_FROM:
            return known
        return [number for number in known if frequency[number] * 5 <= live] or known
