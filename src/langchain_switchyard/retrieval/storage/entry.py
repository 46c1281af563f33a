"""One document on its way into an index, with everything about it that needs no index to know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from langchain_core.documents import Document

from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.catalog import Record
from langchain_switchyard.retrieval.storage.records import (
    document_id,
    encode_metadata,
    indexed_text,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the writer takes.

    Attributes:
        id: The document's own id, or a stable one made of its text and metadata.
        document: As given.
        text: What is searched: the text after its headings and title.
        metadata: Encoded, see ``records``.
        origin: What it belongs to and is replaced with, such as a file.
        terms: The tokens of ``text``, where another process has cut them already.
        vector: Its unit vector, where another process has embedded it already.
    """

    id: str
    document: Document
    text: str
    metadata: str
    origin: str | None = None
    terms: tuple[str, ...] | None = None
    vector: Matrix | None = None

    def same_as(self, old: Record | None) -> bool:
        """Return whether the catalogue holds exactly this already."""
        return (
            old is not None
            and old.text == self.document.page_content
            and old.metadata == self.metadata
        )


def entries_of(documents: Iterable[Document], origin: str | None = None) -> list[Entry]:
    """Return entries of documents, in order; of several with one id the last wins.

    Raises:
        ConfigurationError: Metadata that cannot be stored; the message names the key.
    """
    found = {}
    for document in documents:
        name = document_id(document)
        text = indexed_text(document.page_content, document.metadata)
        found[name] = Entry(name, document, text, encode_metadata(document), origin)
    return list(found.values())
