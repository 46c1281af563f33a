"""The dense leg for many vectors: a graph of most of them, and a matrix of what came later.

The catalogue keeps every vector, so graphs are derived from it and can be lost: without a usable
file everything is compared exactly until one is written again. One is written when the matrix
beside it has grown long, or when many of its rows are dead. Readers keep the one they have open.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.graph import Graph, library
from langchain_switchyard.retrieval.dense.spread import SAMPLE, Spread
from langchain_switchyard.retrieval.dense.vectors import (
    CosineMatch,
    ExactVectors,
    Matrix,
    decoded,
    dots,
)
from langchain_switchyard.retrieval.lexical.bm25 import Floats
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.storage.catalog import Catalog

_logger = logging.getLogger(__name__)
_SETTING = "vector_graph"
_ATTEMPTS = 5
# The matrix beside the graph: so many are compared in 1.3 ms; a share, so that each vector is
# written to a file only some ten times while an index grows.
_LATE, _LATE_SHARE = 20_000, 0.125
# Dead rows that a graph may carry: each is found and passed over.
_DEAD_SHARE = 0.2
# So few filtered vectors are compared one by one: fetching them takes 1.4 µs each.
_FEW = 3_000


@dataclass(frozen=True, eq=False)
class _Base:
    """A graph, and which of its rows were deleted since.

    Attributes:
        graph: Never changes.
        gone: ``(last row + 1,)``, set in place: a search may see a deletion early, never late.
    """

    graph: Graph
    gone: Bools

    @classmethod
    def of(cls, graph: Graph, live: Ints) -> _Base:
        gone = np.zeros(graph.last_row + 1, bool)
        gone[np.setdiff1d(graph.rows, live)] = True
        return cls(graph, gone)

    @property
    def dead(self) -> int:
        """Deleted rows."""
        return int(np.count_nonzero(self.gone))

    def __len__(self) -> int:
        """Live rows."""
        return len(self.graph) - self.dead

    def live_rows(self) -> Ints:
        """Rows that were not deleted, ascending."""
        rows = self.graph.rows
        live: Ints = rows[~self.gone[rows]]
        return live

    @cached_property
    def spread(self) -> Spread | None:
        """How its vectors lie, from a sample; taken once."""
        live = self.live_rows()
        return Spread.of(self.graph.vectors(live[:: max(len(live) // SAMPLE, 1)][:SAMPLE]))


@dataclass(frozen=True, eq=False)
class GraphMatch:
    """Cosines of one query: of the nearest in the graph, and of all in the matrix.

    Attributes:
        vector: ``(d,)`` the query.
        base: The graph.
        late: What is beside it.
        mean: Mean cosine over all live documents, from a sample of the graph.
        deviation: Its standard deviation.
    """

    vector: Matrix
    base: _Base
    late: CosineMatch
    mean: float
    deviation: float

    def top(self, count: int, allowed: Bools | None = None) -> tuple[Ints, Floats]:
        """Return rows and cosines of about the nearest ``count``, nearest first."""
        if allowed is not None and np.count_nonzero(allowed) <= _FEW:
            rows = np.flatnonzero(allowed)
            scores = self.scores_of(rows)
            rows, scores = rows[~np.isnan(scores)], scores[~np.isnan(scores)]
        else:
            near, late = self._walk(count, allowed), self.late.top(count, allowed)
            rows, scores = (np.concatenate(pair) for pair in zip(near, late, strict=True))
        order = np.lexsort((rows, -scores))[:count]
        return rows[order], scores[order]

    def scores_of(self, rows: Ints) -> Floats:
        """Return the cosine of given documents, NaN for documents without a vector."""
        scores = self.late.scores_of(rows)
        held = self.base.graph.contains(rows)
        held[held] = ~self.base.gone[rows[held]]
        scores[held] = dots(self.base.graph.vectors(rows[held]), self.vector)
        return scores

    def _walk(self, count: int, allowed: Bools | None) -> tuple[Ints, Floats]:
        """Ask for more until enough are alive and pass the filter, or there are no more."""
        asked = count
        while True:
            rows, scores = self.base.graph.nearest(self.vector, asked)
            kept = ~self.base.gone[rows]
            if allowed is not None:
                kept &= rows < len(allowed)
                kept[kept] = allowed[rows[kept]]
            if np.count_nonzero(kept) >= count or len(rows) < asked:
                return rows[kept], scores[kept]
            asked *= 4


class GraphVectors:
    """Unit vectors by catalogue row; safe for many readers and one writer at a time.

    Args:
        catalog: Where the vectors are kept, and the name of the graph's file.

    Raises:
        MissingExtra: usearch is not installed.
    """

    def __init__(self, catalog: Catalog) -> None:
        """Open the graph, if one was written."""
        self._catalog = catalog
        self._folder = None if catalog.folder is None else catalog.folder / "graph"
        # Replaced as a pair: a search sees one or the other, never a row in both or neither.
        self._parts: tuple[_Base | None, ExactVectors] = None, ExactVectors()
        self._stand_on(self._open())

    def __len__(self) -> int:
        """Live vectors."""
        base, late = self._parts
        return len(late) + (0 if base is None else len(base))

    @property
    def numbers(self) -> int:
        """Numbers in all live vectors."""
        base, late = self._parts
        return late.numbers + (0 if base is None else len(base) * base.graph.dimensions)

    @property
    def last_row(self) -> int:
        """Highest catalogue row seen, 0 when empty."""
        base, late = self._parts
        return max(late.last_row, 0 if base is None else base.graph.last_row)

    def add(self, rows: Ints, vectors: Matrix) -> None:
        """Append unit vectors; rows ascend and exceed all before.

        Raises:
            ConfigurationError: Another number of dimensions than before.
        """
        base, late = self._parts
        if base is not None and len(rows):
            self._same_length(base, vectors.shape[1], "the embedding model gives")
        late.add(rows, vectors)

    def delete(self, rows: Iterable[int]) -> None:
        """Take vectors out; unknown rows are ignored."""
        base, late = self._parts
        given = np.fromiter(rows, np.int64)
        late.delete(given.tolist())
        if base is not None:
            base.gone[given[base.graph.contains(given)]] = True

    def match(self, vector: Matrix) -> CosineMatch | GraphMatch:
        """Compare a unit vector with what is near it."""
        base, late = self._parts
        beside = late.match(vector)
        if base is None:
            return beside
        self._same_length(base, vector.shape[-1], "the query has")
        mean, deviation = _statistics(base, beside, vector)
        return GraphMatch(vector, base, beside, mean, deviation)

    def settle(self, *, everything: bool = False) -> None:
        """Write a new graph if it is due; the caller is the only writer.

        Args:
            everything: Also for a single vector that is not in it.
        """
        base, late = self._parts
        size = 0 if base is None else len(base.graph)
        crowded = base is not None and base.dead > _DEAD_SHARE * size
        limit = 0 if everything else max(_LATE, _LATE_SHARE * size)
        if not crowded and len(late) <= limit:
            return
        parts = [late.live()]
        if base is not None and crowded:
            live = base.live_rows()
            parts, base = [(live, base.graph.vectors(live)), *parts], None
        self._stand_on(self._kept(_built(base, parts)))

    def _stand_on(self, graph: Graph | None) -> None:
        """Serve from a graph, and from what the catalogue has and the graph has not."""
        late = ExactVectors()
        if graph is None:
            self._parts = None, late
            return
        live = np.array(self._catalog.vector_rows(graph.last_row), np.int64)
        lacking = np.setdiff1d(live, graph.rows).tolist()
        late.add(*decoded(sorted(self._catalog.vectors_of(lacking).items())))
        self._parts = _Base.of(graph, live), late

    def _open(self) -> Graph | None:
        library()
        for _ in range(_ATTEMPTS):
            name = self._catalog.setting(_SETTING)
            if name is None or self._folder is None:
                return None
            try:
                return Graph.open(self._folder / name)
            except FileNotFoundError as error:
                # A writer replaced it between our reading of the name and of the file: look again.
                _logger.debug("the graph moved while it was opened: %s", error)
            except ValueError as error:
                _logger.warning("vectors are compared one by one, optimize() helps: %s", error)
                return None
        _logger.warning("vectors are compared one by one, optimize() helps: no %s", name)
        return None

    def _kept(self, graph: Graph | None) -> Graph | None:
        """Save a graph, map the file, and forget the one before."""
        if self._folder is None:
            return graph
        path = None if graph is None else graph.save(self._folder, uuid.uuid4().hex)
        with self._catalog.transaction():
            self._catalog.remember(_SETTING, None if path is None else path.name)
        _sweep(self._folder, path)
        return None if path is None else Graph.open(path)

    def _same_length(self, base: _Base, given: int, who: str) -> None:
        if given != base.graph.dimensions:
            raise ConfigurationError(
                f"the index holds vectors of {base.graph.dimensions} dimensions, {who} {given}: "
                "use the model it was made with, or index anew"
            )


def _statistics(base: _Base, late: CosineMatch, vector: Matrix) -> tuple[float, float]:
    """Mean and deviation over graph and matrix together, each by its share."""
    mean, deviation = (0.0, 0.0) if base.spread is None else base.spread.cosines(vector)
    size = len(base)
    share = size / max(size + late.live, 1)
    pooled = share * mean + (1 - share) * late.mean
    squares = share * (mean**2 + deviation**2)
    squares += (1 - share) * (late.mean**2 + late.deviation**2)
    return pooled, float(np.sqrt(max(squares - pooled**2, 0.0)))


def _built(before: _Base | None, parts: Sequence[tuple[Ints, Matrix]]) -> Graph | None:
    """Return a graph of some vectors, and of all in the one before."""
    full = [part for part in parts if len(part[0])]
    if not full:  # All have died.
        return None
    rows, vectors = (np.concatenate(each) for each in zip(*full, strict=True))
    if before is None:
        return Graph.build(rows, vectors)
    return before.graph.extended(rows, vectors)


def _sweep(folder: Path, kept: Path | None) -> None:
    """Remove what no name leads to: graphs replaced, and drafts of killed processes."""
    for path in folder.iterdir() if folder.exists() else ():
        if path != kept:
            try:
                path.unlink()
            except OSError as error:  # Still mapped by a reader, on systems that forbid it: later.
                _logger.info("cannot remove %s yet: %s", path, error)
