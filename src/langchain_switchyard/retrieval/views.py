"""What ``HybridRetriever`` searches: an index of our own, or one that lives in an engine.

An index gives a *view* per search: its filter applied, its rows numbered. Both legs ask the same
view, and so do fusion and the fetching of documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from langchain_core.documents import Document

from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.fusion.leg_check import LegCheck
from langchain_switchyard.retrieval.fusion.legs import LegResult, search_lexical
from langchain_switchyard.retrieval.lexical.segment import Bools, Ints
from langchain_switchyard.retrieval.storage.catalog import Record
from langchain_switchyard.retrieval.storage.filters import Filter

if TYPE_CHECKING:
    from langchain_switchyard.retrieval.storage.index import Index


class QueryEncoder(Protocol):
    """Turns a query into a vector."""

    def query_vector(self, query: str) -> Matrix | None:
        """Return a unit vector, ``None`` where the store embeds by itself."""

    async def aquery_vector(self, query: str) -> Matrix | None:
        """Do the same without blocking where the model can do so."""


class View(Protocol):
    """What one search sees of an index."""

    def words(self, query: str, depth: int) -> LegResult | None:
        """Return the lexical leg's list; ``None`` when it found nothing."""

    def nearest(self, query: str, vector: Matrix | None, depth: int) -> LegResult | None:
        """Return the dense leg's list; ``None`` when it found nothing."""

    def records(self, rows: Ints) -> Mapping[int, Record]:
        """Return the documents of ``rows`` that still exist."""

    def vectors(self, rows: Ints) -> Matrix:
        """Return the unit vectors of ``rows``, zeros for those without one."""


class FusingView(View, Protocol):
    """A view whose engine can fuse by itself."""

    def fused(
        self, how: str, query: str, vector: Matrix | None, depth: int, dense_share: float
    ) -> LegResult | None:
        """Return one list that the engine made of both legs.

        Raises:
            FusionUnsupported: This server cannot, whatever its documentation says.
        """


@runtime_checkable
class Searchable(Protocol):
    """An index that ``HybridRetriever`` can search: ``Index``, ``BackendIndex``, or yours."""

    @property
    def dense(self) -> QueryEncoder | None:
        """Encodes queries; ``None`` when there is no dense leg."""

    @property
    def check(self) -> LegCheck | None:
        """What the leg check found, if it was made."""

    @property
    def dense_weight(self) -> float:
        """Weight of the dense leg, 0 to 1, unless the caller gives one."""

    @property
    def server_fusions(self) -> frozenset[str]:
        """Fusions that the views can make by themselves (``FusingView``)."""

    def __len__(self) -> int:
        """Live documents."""

    def add_documents(self, documents: Iterable[Document]) -> list[str]:
        """Add documents, replacing those whose id exists; return the ids."""

    def delete(self, ids: Iterable[str]) -> None:
        """Delete documents; unknown ids are ignored."""

    def get(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of ``ids`` that exist, in that order."""

    def view(self, wanted: Filter | None) -> Any:
        """Return the ``View`` (or ``FusingView``) of one search under a metadata filter."""

    def close(self) -> None:
        """Release files and connections."""


class IndexView:
    """One search in an ``Index``: its rows are the catalogue's."""

    def __init__(self, index: Index, allowed: Bools | None) -> None:
        """Keep the index, and which rows pass the filter."""
        self._index = index
        self._allowed = allowed

    def words(self, query: str, depth: int) -> LegResult | None:
        """Search the inverted index."""
        return search_lexical(self._index.lexical, query, depth, self._allowed)

    def nearest(self, query: str, vector: Matrix | None, depth: int) -> LegResult | None:
        """Search the vectors."""
        dense = self._index.dense
        return None if dense is None else dense.search(query, vector, depth, self._allowed)

    def records(self, rows: Ints) -> dict[int, Record]:
        """Look documents up in the catalogue."""
        return self._index.catalog.by_row(rows.tolist())

    def vectors(self, rows: Ints) -> Matrix:
        """Look vectors up in the catalogue."""
        return self._index.vectors(rows)
