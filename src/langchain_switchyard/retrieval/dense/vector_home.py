"""Where an index keeps its vectors: as told, or, for ``"auto"``, as it was last kept.

``"auto"`` begins with our own exact matrix. Once that is large, ``Index.optimize()`` moves the
vectors to an embedded Chroma; nothing moves unasked, because a Chroma folder is for one process at
a time. A move is noted as the intent to write every document, so one that is killed goes on at the
next opening.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec

from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg
from langchain_switchyard.retrieval.dense.stores import StoreChoice
from langchain_switchyard.retrieval.storage.catalog import Catalog

_logger = logging.getLogger(__name__)
# Numbers in all vectors: 256 MB, and some 8 ms to compare a query with all of them on one core.
# Measured with 384 a vector, Chroma is then three times faster, and misses some neighbours.
LARGE = 64_000_000


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
        return "chroma" if self._catalog.setting("vector_home") == "chroma" else "numpy"

    def arrive(self) -> None:
        """Note what is about to be opened; documents that a new Chroma lacks become intents."""
        if self.settled() != "chroma" or self._catalog.setting("vector_home") == "chroma":
            return
        with self._catalog.writing(), self._catalog.transaction():
            self._catalog.remember("store", "outside")
            self._catalog.remember("vector_home", "chroma")
            self._catalog.intend_all()

    def outgrown(self, dense: DenseLeg) -> bool:
        """Return whether the vectors should move to Chroma, and can."""
        on_disk = self._catalog.folder is not None
        if not (self._auto and on_disk and dense.store is None and dense.numbers > LARGE):
            return False
        if find_spec("chromadb") is None:
            _logger.warning(
                "%d numbers in vectors are compared with every query: with "
                'pip install "langchain-switchyard[chroma]" optimize() moves them to Chroma',
                dense.numbers,
            )
            return False
        return True

    def move(self) -> None:
        """Be Chroma from now on."""
        self._choice, self._auto = "chroma", False
        self.arrive()
