"""Words of the first results as further query words (pseudo-relevance feedback)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from heapq import nlargest

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.retrievers import BaseRetriever

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer
from langchain_switchyard.retrieval.queries.rewrite import Queries

# The query counts for more than what is guessed from it.
_TIMES = 2


class PseudoRelevanceFeedback:
    """Adds to the query what its first results have in common.

    It is off unless you ask for it, and better so: on the judged sets it was tried on it made the
    ranking worse (``docs/retrieval_rerank.md``). At most it finds more for a reranker to sort out.

    Args:
        retriever: Gives the first results.
        documents: How many of them are taken to be relevant.
        terms: How many words are added.

    Raises:
        ConfigurationError: A number below 1.
    """

    def __init__(self, retriever: BaseRetriever, documents: int = 5, terms: int = 10) -> None:
        """Keep the retriever."""
        if documents < 1 or terms < 1:
            raise ConfigurationError(
                f"documents and terms must be at least 1, got {documents} and {terms}"
            )
        self._retriever, self._documents, self._terms = retriever, documents, terms
        self._tokens = MixedTokenizer().tokens

    def rewrite(self, query: str, history: Sequence[BaseMessage] = ()) -> Queries:
        """Return the query, and the query with its new words; see ``QueryRewrite``."""
        del history
        return self._expanded(query, self._retriever.invoke(query))

    async def arewrite(self, query: str, history: Sequence[BaseMessage] = ()) -> Queries:
        """Do the same without blocking the event loop."""
        del history
        return self._expanded(query, await self._retriever.ainvoke(query))

    def _expanded(self, query: str, found: Sequence[Document]) -> Queries:
        first = found[: self._documents]
        asked = set(self._tokens(query))
        weights: dict[str, float] = {}
        for document in first:
            counts = Counter(self._tokens(document.page_content))
            length = math.fsum(counts.values()) or 1.0
            for term, count in counts.items():
                if term not in asked and len(term) > 1:
                    weights[term] = weights.get(term, 0.0) + count / length
        words = nlargest(self._terms, weights, key=weights.__getitem__)
        if not words:
            return Queries([query])
        return Queries([query, " ".join([*[query] * _TIMES, *words])])
