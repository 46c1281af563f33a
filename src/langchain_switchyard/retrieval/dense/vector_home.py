"""Where an index keeps its vectors: as told, or, for ``"auto"``, as it was last kept.

``"auto"`` begins with our own exact matrix. Once that is large, ``Index.optimize()`` makes a graph
of it, or moves the vectors to an embedded Chroma where only that is installed; nothing moves
unasked, because both may miss a neighbour, and a Chroma folder is for one process at a time. A move
to Chroma is noted as the intent to write every document, so one that is killed goes on at the next
opening; a graph is derived from the catalogue, so nothing has to move.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Literal

from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg
from langchain_switchyard.retrieval.dense.stores import StoreChoice
from langchain_switchyard.retrieval.dense.vectors import ExactVectors, Vectors
from langchain_switchyard.retrieval.storage.catalog import Catalog

_logger = logging.getLogger(__name__)
# Numbers in all vectors: 256 MB, and some 10 ms to compare a query with all of them on one core.
# Measured with 384 a vector, a graph is then fifteen times faster, Chroma three times.
LARGE = 64_000_000
_Engine = Literal["usearch", "chroma"]
_MODULES: dict[_Engine, str] = {"usearch": "usearch", "chroma": "chromadb"}


class VectorHome:
    """Remembers in the catalogue where the vectors are.

    Args:
        catalog: Of the index.
        choice: What the caller asked for.
    """

    def __init__(self, catalog: Catalog, choice: StoreChoice) -> None:
        """Look at nothing yet."""
        self._catalog = catalog
        self._auto = choice == "auto"
        self._choice = choice

    def settled(self) -> StoreChoice:
        """Return what to open now."""
        if not self._auto:
            return self._choice
        known: StoreChoice | None = self._catalog.setting("vector_home")
        if known == "usearch" and not _installed("usearch"):
            _logger.warning(
                "every query is compared with all vectors of %s: its graph of them needs "
                'pip install "langchain-switchyard[usearch]"',
                self._catalog.folder,
            )
            return "numpy"
        return known or "numpy"

    def arrive(self) -> None:
        """Note what is about to be opened; documents that a new Chroma lacks become intents."""
        home = self.settled()
        if home not in _MODULES or self._catalog.setting("vector_home") == home:
            return
        with self._catalog.writing(), self._catalog.transaction():
            self._catalog.remember("vector_home", str(home))
            if home == "chroma":
                self._catalog.remember("store", "outside")
                self._catalog.intend_all()

    def vectors(self) -> Vectors:
        """Return what holds vectors of our own, without those that it has not in a file.

        Raises:
            MissingExtra: usearch was asked for, and is not installed.
        """
        if self.settled() != "usearch":
            return ExactVectors()
        # Imported when needed: it is of no use to the others.
        from langchain_switchyard.retrieval.dense.graph_vectors import GraphVectors  # noqa: PLC0415

        return GraphVectors(self._catalog)

    def outgrown(self, dense: DenseLeg) -> bool:
        """Return whether the exact matrix has become too large; if so, be something else now."""
        on_disk = self._catalog.folder is not None
        exact = dense.store is None and self.settled() == "numpy"
        if not (self._auto and on_disk and exact and dense.numbers > LARGE):
            return False
        fit = [engine for engine in _MODULES if _installed(engine)]
        if not fit:
            _logger.warning(
                "%d numbers in vectors are compared with every query: with "
                'pip install "langchain-switchyard[usearch]" optimize() makes a graph of them',
                dense.numbers,
            )
            return False
        self._choice, self._auto = fit[0], False
        return True


def _installed(engine: _Engine) -> bool:
    return find_spec(_MODULES[engine]) is not None
