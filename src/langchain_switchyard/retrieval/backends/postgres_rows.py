"""Between documents and rows of PostgreSQL tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.backends.backend import NewDocument
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.lexical.segment import term_key


def values_of(row: int, document: NewDocument) -> tuple[Any, ...]:
    """Return the columns of a document, its vector last."""
    held = document.facets
    texts = {_text(key): _text(text) for key, text in held.texts.items()}
    return (
        row,
        document.id,
        document.text,
        document.metadata,
        [_text(facet) for facet in held.exact],
        json.dumps({_text(key): number for key, number in held.numbers.items()}),
        json.dumps(texts, ensure_ascii=False),
        document.length,
        [term_number(term) for term in document.terms],
        None if document.vector is None else vector_text(document.vector),
    )


def refuse_nul(documents: Sequence[NewDocument]) -> None:
    """Refuse what PostgreSQL cannot keep.

    Raises:
        ConfigurationError: A text or an id with the character U+0000.
    """
    for each in documents:
        if "\x00" in each.text or "\x00" in each.id:
            raise ConfigurationError(
                f"PostgreSQL cannot keep the character U+0000, which document {each.id!r} contains:"
                " take it out"
            )


def _text(text: str) -> str:
    return text.replace("\x00", "")


def without_nul(texts: Sequence[str]) -> list[str]:
    """Return the ids that can be in a table at all."""
    return [text for text in texts if "\x00" not in text]


def term_number(term: str) -> int:
    """Return a term's digest as PostgreSQL's bigint, which has a sign."""
    key = term_key(term)
    return key - (1 << 64) if key >> 63 else key


def vector_text(vector: Matrix) -> str:
    """Return a vector as pgvector reads it."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"
