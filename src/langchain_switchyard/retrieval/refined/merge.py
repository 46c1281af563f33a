"""From several queries' lists to one list of candidates, and from a reranker's answer to hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from langchain_core.documents import Document

from langchain_switchyard.retrieval.fusion.methods import LegScores, reciprocal_rank
from langchain_switchyard.retrieval.hit import Hit, SearchResult
from langchain_switchyard.retrieval.rerank.reranked import SCORE, scored


class FirstScore(float):
    """A score of the first search, to be told from one that a compressor wrote."""


@dataclass(frozen=True)
class Candidate:
    """A document found by at least one query.

    Attributes:
        hit: As the query that ranks it best found it; its score is the fused one.
        ranks: Its place on each query's list, from 1; 0 where it is not on it.
    """

    hit: Hit
    ranks: tuple[int, ...]


def merge(lists: Sequence[SearchResult]) -> list[Candidate]:
    """Fuse the lists by reciprocal rank; a single list keeps its order and its scores.

    Scores of different queries mean different things, and foreign retrievers tell none: only ranks
    can be compared. A document is the same when its id is, without one when text and metadata are.
    """
    places: dict[str, list[int]] = {}
    best: dict[str, tuple[int, Hit]] = {}
    for number, found in enumerate(lists):
        unique: dict[str, Hit] = {}
        for hit in found:
            unique.setdefault(key_of(hit.document), hit)
        for rank, (key, hit) in enumerate(unique.items(), start=1):
            places.setdefault(key, [0] * len(lists))[number] = rank
            if key not in best or rank < best[key][0]:
                best[key] = (rank, hit)
    merged = [Candidate(best[key][1], tuple(ranks)) for key, ranks in places.items()]
    return merged if len(lists) == 1 else _fused(merged)


def _fused(merged: Sequence[Candidate]) -> list[Candidate]:
    if not merged:
        return []
    table = np.array([candidate.ranks for candidate in merged]).T
    nothing = np.full(len(merged), np.nan)
    legs = [LegScores(nothing, ranks, floor=0.0) for ranks in table]
    scores = reciprocal_rank(legs, [1.0] * len(legs)).tolist()
    fused = [
        replace(candidate, hit=replace(candidate.hit, score=score))
        for candidate, score in zip(merged, scores, strict=True)
    ]
    return sorted(fused, key=lambda candidate: -candidate.hit.score)


def to_rerank(candidates: Sequence[Candidate]) -> list[Document]:
    """Return copies for a compressor, which finds the first search's score where it looks."""
    return [scored(each.hit.document, FirstScore(each.hit.score)) for each in candidates]


def finished(
    candidates: Sequence[Candidate], documents: Sequence[Document] | None, k: int, reranker: str
) -> list[Hit]:
    """Return the first ``k`` hits.

    Args:
        candidates: In the order of the first search.
        documents: What the compressor made of them; ``None``: there was none.
        k: How many.
        reranker: Its name, for the explanation.
    """
    if documents is None:
        hits = [_told(candidate, candidate.hit, "") for candidate in candidates[:k]]
    else:
        hits = _reranked(candidates, documents, k, reranker)
    return [replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)]


def _reranked(
    candidates: Sequence[Candidate], documents: Sequence[Document], k: int, reranker: str
) -> list[Hit]:
    before = {key_of(each.hit.document): (at, each) for at, each in enumerate(candidates, start=1)}
    found = [before.get(key_of(document), (0, None)) for document in documents]
    # Whoever writes no scores and moves nothing has not reranked: it gave up, or only filters.
    places = [place for place, _ in found]
    wrote = any(_written(document) is not None for document in documents)
    moved = wrote or 0 in places or places != sorted(places)
    hits = []
    for rank, (document, (place, known)) in enumerate(zip(documents, found, strict=True), start=1):
        candidate = known or Candidate(Hit(document, 1 / rank, rank), ())
        score = _written(document) if wrote else None
        if score is None:
            score = 1 / rank if moved else candidate.hit.score
        hit = replace(candidate.hit, document=_restored(document, candidate), score=score)
        was = f"; it was #{place}" if place else ""
        told = f"{reranker} #{rank} ({score:.3f}){was}" if moved else ""
        hits.append(_told(candidate, hit, told))
    return hits[:k]


def _written(document: Document) -> float | None:
    """The score a compressor wrote, if it did."""
    score = document.metadata.get(SCORE)
    if isinstance(score, FirstScore):
        return None
    try:
        return None if score is None else float(score)
    except (TypeError, ValueError):
        return None  # Whatever it is, it is the document's own and no score.


def _restored(document: Document, candidate: Candidate) -> Document:
    """Take the first search's score out again: it would pass for the reranker's."""
    if not isinstance(document.metadata.get(SCORE), FirstScore):
        return document
    metadata = {name: value for name, value in document.metadata.items() if name != SCORE}
    if SCORE in candidate.hit.document.metadata:
        metadata[SCORE] = candidate.hit.document.metadata[SCORE]
    return document.model_copy(update={"metadata": metadata})


def _told(candidate: Candidate, hit: Hit, reranking: str) -> Hit:
    queries = ""
    if len(candidate.ranks) > 1:
        queries = ", ".join(
            f"query {number} " + (f"#{rank}" if rank else "not listed")
            for number, rank in enumerate(candidate.ranks, start=1)
        )
    parts = [reranking, queries, candidate.hit.explanation]
    return replace(hit, explanation="; ".join(part for part in parts if part))


def key_of(document: Document) -> str:
    """What makes two documents the same one."""
    if document.id is not None:
        return f"id {document.id}"
    rest = {name: value for name, value in document.metadata.items() if name != SCORE}
    return f"text {document.page_content}\0{sorted(rest.items(), key=str)!r}"
