"""Give a found chunk its surroundings back: its neighbours, or the section it was cut from.

Small chunks are found more exactly, larger ones are understood better. Searching small and showing
large needs no overlap and no second index.
"""

from __future__ import annotations

from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.storage.index import Index
from langchain_switchyard.retrieval.storage.records import decode


def surroundings(index: Index, document: Document, reach: int = 1) -> Document:
    """Return a chunk joined with up to ``reach`` neighbours on each side.

    Only chunks that lie end to end in the same file and page are joined: the text is exactly
    the file's. A document that was not indexed from a file comes back unchanged.

    Args:
        index: Where it was found.
        document: A chunk with its id, as a search returns it.
        reach: Neighbours on each side.

    Raises:
        ConfigurationError: Something else than an index.
    """
    siblings = _siblings(index, document)
    places = [place for place, each in enumerate(siblings) if each.id == document.id]
    if not places:
        return document
    first = last = places[0]
    lowest = max(places[0] - reach, 0)
    while first > lowest and _adjoin(siblings[first - 1], siblings[first]):
        first -= 1
    while (
        last + 1 < len(siblings)
        and last - places[0] < reach
        and _adjoin(siblings[last], siblings[last + 1])
    ):
        last += 1
    return _joined(siblings[first : last + 1], document)


def section(index: Index, document: Document) -> Document:
    """Return everything under the chunk's own heading, as far as it lies end to end.

    Raises:
        ConfigurationError: Something else than an index.
    """
    siblings = _siblings(index, document)
    heading = document.metadata.get("heading")
    run: list[Document] = []
    for each in siblings:
        if run and not (_adjoin(run[-1], each) and each.metadata.get("heading") == heading):
            if any(known.id == document.id for known in run):
                break
            run = []
        if each.metadata.get("heading") == heading:
            run.append(each)
    return _joined(run, document) if any(each.id == document.id for each in run) else document


def _siblings(index: Index, document: Document) -> list[Document]:
    """All chunks of the same file, in the file's order."""
    if not isinstance(index, Index):
        raise ConfigurationError(
            f"surroundings are looked up in an Index, got {type(index).__name__}: "
            "give a retriever's .index; an engine does not keep what was cut from what"
        )
    found = [decode(record) for record in index.catalog.siblings(str(document.id))]
    return sorted(found, key=lambda each: (_number(each, "page"), _number(each, "start_index")))


def _number(document: Document, key: str) -> int:
    value = document.metadata.get(key)
    return value if isinstance(value, int) else 0


def _adjoin(before: Document, after: Document) -> bool:
    start = before.metadata.get("start_index")
    return (
        isinstance(start, int)
        and start + len(before.page_content) == after.metadata.get("start_index")
        and before.metadata.get("page") == after.metadata.get("page")
    )


def _joined(parts: list[Document], document: Document) -> Document:
    first = parts[0].metadata
    moved = {key: first[key] for key in ("start_index", "line") if key in first}
    return Document(
        id=document.id,
        page_content="".join(part.page_content for part in parts),
        metadata={**document.metadata, **moved},
    )
