"""Measure a retriever on judged queries: nDCG, recall, MRR and MAP, with confidence intervals.

Intervals are 95 % bootstrap intervals over queries; ``Evaluation.difference`` pairs two retrievers
query by query, which tells far smaller differences apart than two separate intervals do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.runnables.base import RunnableBindingBase

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.evaluation.judged import judged
from langchain_switchyard.retrieval.evaluation.measures import STANDARD, Grades, score
from langchain_switchyard.retrieval.evaluation.significance import (
    Difference,
    Interval,
    difference,
    interval,
)
from langchain_switchyard.retrieval.hit import Hit
from langchain_switchyard.retrieval.lexical.bm25 import Floats

Judgements = Mapping[str, Grades]
"""``query id -> {document id: grade}``; grades of 0 and less are irrelevant."""

Found = Sequence[str] | Sequence[Document] | Sequence[Hit]
Search = Runnable[str, Any] | Callable[[str], Found]
"""A retriever, anything else that is invoked with a query, or a function of the query."""


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Scores per query.

    Attributes:
        queries: Query ids, in the order of the scores.
        scores: ``measure -> (q,)`` one score per query.
    """

    queries: tuple[str, ...]
    scores: Mapping[str, Floats]

    def __getitem__(self, measure: str) -> Interval:
        """Return the mean of a measure with its interval."""
        return interval(self._of(measure))

    def difference(self, other: Evaluation, measure: str) -> Difference:
        """Return how much better this is than ``other``, paired by query.

        Raises:
            ConfigurationError: They were measured on different queries, or not by this measure.
        """
        if self.queries != other.queries:
            raise ConfigurationError("only evaluations of the same queries can be compared")
        gains = (self._of(measure) - other._of(measure)).tolist()
        return difference(dict(zip(self.queries, gains, strict=True)))

    def __str__(self) -> str:
        """Return one line per measure."""
        return "\n".join(f"{measure:10} {self[measure]}" for measure in self.scores)

    def __repr__(self) -> str:
        """Return the same: hundreds of scores say nothing at a prompt."""
        return str(self)

    def _of(self, measure: str) -> Floats:
        if measure not in self.scores:
            raise ConfigurationError(
                f"{measure!r} was not measured; there are {', '.join(self.scores)}"
            )
        return self.scores[measure]


def evaluate(
    retriever: Search,
    queries: Mapping[str, str],
    judgements: Judgements,
    depth: int = 100,
    measures: Sequence[str] = STANDARD,
) -> Evaluation:
    """Run every judged query and score what comes back.

    Args:
        retriever: A retriever whose documents have ids, or a function from query to ids, documents
            or hits, best first.
        queries: ``query id -> text``.
        judgements: ``query id -> {document id: grade}``, or the relevant ids alone; grades of 0
            are irrelevant. Queries without a relevant document are left out.
        depth: Results asked for, and looked at.
        measures: Their names: ``ndcg``, ``recall``, ``mrr``, ``map``, ``precision`` with ``@`` and
            a cutoff, and all that ir-measures knows (extra ``evaluation``).

    Raises:
        ConfigurationError: No query has a relevant document, a document has no id, or there is no
            such measure.
        MissingExtra: A measure needs ir-measures.
    """
    asked, graded = judged(queries, judgements)
    found = {name: _ids(_search(retriever, text, depth), depth) for name, text in asked.items()}
    return Evaluation(tuple(found), score(found, graded, measures))


async def aevaluate(
    retriever: Runnable[str, Any],
    queries: Mapping[str, str],
    judgements: Judgements,
    depth: int = 100,
    measures: Sequence[str] = STANDARD,
    *,
    concurrency: int = 8,
) -> Evaluation:
    """Do the same without blocking the event loop, several queries at a time.

    Args:
        retriever: A retriever whose documents have ids.
        queries: As for ``evaluate``.
        judgements: As for ``evaluate``.
        depth: As for ``evaluate``.
        measures: As for ``evaluate``.
        concurrency: Queries under way at once.

    Raises:
        ConfigurationError: As for ``evaluate``.
        MissingExtra: A measure needs ir-measures.
    """
    asked, graded = judged(queries, judgements)
    turn = asyncio.Semaphore(concurrency)

    async def ask(text: str) -> list[str]:
        async with turn:
            return _ids(await retriever.ainvoke(text, **_depth_for(retriever, depth)), depth)

    rankings = await asyncio.gather(*(ask(text) for text in asked.values()))
    found = dict(zip(asked, rankings, strict=True))
    return Evaluation(tuple(found), await asyncio.to_thread(score, found, graded, measures))


def _search(retriever: Search, query: str, depth: int) -> Iterable[Any]:
    if isinstance(retriever, Runnable):
        found: Iterable[Any] = retriever.invoke(query, **_depth_for(retriever, depth))
        return found
    return retriever(query)


def _depth_for(retriever: Runnable[str, Any], depth: int) -> dict[str, Any]:
    asked = retriever
    while isinstance(asked, RunnableBindingBase):
        asked = asked.bound  # With a configuration, retries, arguments: they are passed on.
    if not isinstance(asked, BaseRetriever):
        return {}
    taken = signature(asked._get_relevant_documents).parameters  # noqa: SLF001 - LangChain's own way to ask what a retriever takes.
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in taken.values())
    return {"k": depth} if takes_any or "k" in taken else {}


def _ids(found: Iterable[Any], depth: int) -> list[str]:
    ids = [each if isinstance(each, str) else each.id for each in found]
    if None in ids:
        raise ConfigurationError(
            "a document came back without an id, so it cannot be judged: give documents ids"
        )
    return [str(each) for each in ids][:depth]
