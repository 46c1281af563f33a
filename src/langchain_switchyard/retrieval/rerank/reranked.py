"""What every reranker returns: the documents in their new order, each with its score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from langchain_core.documents import Document

from langchain_switchyard.retrieval.storage.records import indexed_text

SCORE = "relevance_score"
"""Where LangChain's rerankers write a document's score in its metadata."""


class Reranked(list[Document]):
    """Documents, best first.

    Attributes:
        notes: What the caller should know: a model that failed, a reply that could not be read.
    """

    def __init__(self, documents: Iterable[Document] = (), notes: Iterable[str] = ()) -> None:
        """Keep documents and notes together."""
        super().__init__(documents)
        self.notes = tuple(notes)


def by_score(
    documents: Sequence[Document],
    scores: Sequence[float],
    top_n: int | None,
    notes: Iterable[str] = (),
) -> Reranked:
    """Return copies with their score, highest first; equal scores keep the given order.

    Args:
        documents: As given; they stay as they are.
        scores: One for each. NaN comes last.
        top_n: How many to return; ``None``: all.
        notes: Passed on.
    """
    order = sorted(range(len(documents)), key=lambda place: _descending(scores[place]))
    best = (scored(documents[place], scores[place]) for place in order[:top_n])
    return Reranked(best, notes)


def as_given(documents: Sequence[Document], top_n: int | None, notes: Iterable[str]) -> Reranked:
    """Return the documents in the order they came in, without a score, when there is no better."""
    return Reranked((document.model_copy() for document in documents[:top_n]), notes)


def scored(document: Document, score: float) -> Document:
    """Return a copy whose metadata tells the score; id and text stay."""
    return document.model_copy(update={"metadata": {**document.metadata, SCORE: score}})


def read_text(document: Document) -> str:
    """Return what a reranker reads: the text below its title and headings, as the index has it."""
    return indexed_text(document.page_content, document.metadata)


def _descending(score: float) -> float:
    return math.inf if math.isnan(score) else -score
