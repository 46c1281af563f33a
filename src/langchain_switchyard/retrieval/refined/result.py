"""What a refined search returns: hits, and what was done to find them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from langchain_switchyard.retrieval.hit import Hit, SearchResult


class RefinedResult(SearchResult):
    """The hits, and what happened on the way.

    Attributes:
        queries: What was searched for, the query that is meant first.
        explanation: What was done, in one sentence.
    """

    def __init__(
        self,
        hits: Iterable[Hit] = (),
        weights: Mapping[str, float] | None = None,
        notes: Iterable[str] = (),
        queries: Iterable[str] = (),
        explanation: str = "",
    ) -> None:
        """Keep everything together."""
        super().__init__(hits, weights, notes)
        self.queries = tuple(queries)
        self.explanation = explanation
