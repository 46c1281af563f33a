"""What an engine must be able to do to be searched by words and by meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from langchain_switchyard.errors import ConfigurationError, SwitchyardError
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.conditions import Condition, Facets

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class BackendError(SwitchyardError):
    """The engine cannot be reached, or refused what it was asked; says which engine and why."""


class FusionUnsupported(BackendError):
    """This server cannot fuse by itself (its version or its licence); fusion is done here."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as an engine returns it.

    Attributes:
        id: The caller's id, whatever the engine calls the document.
        text: As given.
        metadata: Encoded, see ``storage.records``.
    """

    id: str
    text: str
    metadata: str


@dataclass(frozen=True, slots=True, eq=False)
class NewDocument(StoredDocument):
    """A document on its way into an engine.

    Attributes:
        terms: Our tokeniser's terms, each with its number of occurrences.
        facets: The metadata in the forms that filters ask for.
        vector: Its unit vector; ``None`` without an embedding model.
    """

    terms: Mapping[str, int]
    facets: Facets
    vector: Matrix | None = None

    @property
    def length(self) -> int:
        """Number of terms, repeated ones counted as often as they occur."""
        return sum(self.terms.values())


@dataclass(frozen=True, slots=True)
class Found:
    """A ranked list.

    Attributes:
        hits: ``(id, score)``, best first; scores are BM25 or cosines.
        mean: Mean score over all documents of the engine, where it can say.
        deviation: Standard deviation over all documents, where it can say.
    """

    hits: Sequence[tuple[str, float]] = field(default=())
    mean: float | None = None
    deviation: float | None = None


class Backend(Protocol):
    """An engine. Methods block, are safe for threads, and raise ``BackendError``.

    What does not exist yet is made by the first ``write``; before, everything is empty.

    Attributes:
        server_fusions: What ``FusingBackend.fused`` can do; empty for others.
    """

    server_fusions: frozenset[str]

    def write(self, documents: Sequence[NewDocument]) -> None:
        """Add documents, replacing those whose id exists; searches find them on return."""

    def remove(self, ids: Sequence[str]) -> None:
        """Delete documents; unknown ids are ignored; searches miss them on return."""

    def fetch(self, ids: Sequence[str]) -> Sequence[StoredDocument]:
        """Return those documents that exist, in any order."""

    def vectors(self, ids: Sequence[str]) -> Mapping[str, Matrix]:
        """Return the vectors of those documents that have one."""

    def sample(self, count: int) -> Sequence[str]:
        """Return ids of up to ``count`` documents, spread evenly, the same at every call."""

    def count(self) -> int:
        """Return the number of documents."""

    def match(self, terms: Mapping[str, int], count: int, where: Condition | None) -> Found:
        """Return the documents with the highest BM25 among those that share a term.

        Args:
            terms: Terms of the query with their number of occurrences.
            count: Most hits wanted.
            where: Which documents may be returned; the statistics are always those of all.
        """

    def nearest(self, vector: Matrix, count: int, where: Condition | None) -> Found:
        """Return the documents whose vectors have the highest cosine with a unit vector."""

    def settings(self) -> Mapping[str, str]:
        """Return what ``remember`` stored."""

    def remember(self, key: str, value: str) -> None:
        """Store a setting beside the documents."""

    def close(self) -> None:
        """Release connections; never waits for a server."""


@runtime_checkable
class FusingBackend(Protocol):
    """An engine that can make one list of both legs by itself."""

    def fused(
        self,
        how: str,
        terms: Mapping[str, int],
        vector: Matrix,
        count: int,
        *,
        where: Condition | None,
        dense_share: float,
    ) -> Found:
        """Return the fused list; scores are the engine's.

        Args:
            how: One of ``server_fusions``.
            terms: Terms of the query with their number of occurrences.
            vector: The query's unit vector.
            count: Most hits wanted, and candidates of each leg.
            where: Which documents may be returned.
            dense_share: Weight of the dense leg, 0 to 1, where the engine takes weights.

        Raises:
            FusionUnsupported: Not on this server.
        """


def checked_name(name: str) -> str:
    """Return the name of a table, collection or index if every engine takes it as it is.

    Raises:
        ConfigurationError: Anything else, however it could be quoted.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name for a table, collection or index: use 1 to 40 of a-z, 0-9 and _, "
            "a letter first"
        )
    return name
