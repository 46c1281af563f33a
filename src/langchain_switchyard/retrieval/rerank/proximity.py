"""A reranker without any model: query words that stand close together count more.

BM25 does not see where words stand. This adds, to the score of the first search, how often
neighbouring words of the query stand within four words of each other in the document, saturating
like BM25's own counts. Measured, it is worth half a point of nDCG at best, and nothing on Chinese,
whose pairs of characters are neighbours already: see ``docs/retrieval_rerank.md``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import run_in_executor
from pydantic import Field, PrivateAttr

from langchain_switchyard.retrieval.lexical.bm25 import BM25
from langchain_switchyard.retrieval.lexical.tokenizer import (
    HAN,
    HANGUL,
    KANA,
    STOP_WORDS,
    MixedTokenizer,
)
from langchain_switchyard.retrieval.rerank.reranked import SCORE, Reranked, by_score, read_text

# One place in the text: a character where there are no blanks, else a word, number or mark.
_UNIT = re.compile(
    rf"[{HAN}{KANA}{HANGUL}]|[vV]?\d+(?:[.\-/:]\d+)+|[^\W{HAN}{KANA}{HANGUL}]+|[^\w\s]+"
)
_NEAR = 4
Places = dict[str, list[int]]


def _terms_of_units() -> Callable[[str], Sequence[str]]:
    tokens = MixedTokenizer().tokens

    # Texts repeat their words: remembering them makes reranking several times faster.
    @lru_cache(maxsize=100_000)
    def terms(unit: str) -> Sequence[str]:
        return () if unit.lower() in STOP_WORDS else tuple(tokens(unit))

    return terms


class ProximityRerank(BaseDocumentCompressor):
    """Prefers documents in which neighbouring words of the query stand close together.

    Attributes:
        top_n: Documents returned; ``None``: all.
        weight: Share of proximity in the score, the rest is the first search's: the documents'
            ``relevance_score`` where all have one (``RefinedRetriever`` sees to it), else their
            order. 0 changes nothing; 0.1 was best on CoSQA, 0.2 already hurt there.
    """

    top_n: int | None = Field(default=None, ge=1)
    weight: float = Field(default=0.1, ge=0, le=1)
    _terms: Callable[[str], Sequence[str]] = PrivateAttr(default_factory=_terms_of_units)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Reranked:
        """Return the documents by first score and proximity, highest first."""
        del callbacks
        pairs = _neighbours([term for terms in self._units(query) for term in terms])
        near = _scaled(self._proximity(documents, pairs), alike=0.0)
        first = _first_scores(documents)
        scores = [
            (1 - self.weight) * before + self.weight * close
            for before, close in zip(first, near, strict=True)
        ]
        return by_score(documents, scores, self.top_n)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Reranked:
        """Do the same in a thread."""
        return await run_in_executor(None, self.compress_documents, documents, query, callbacks)

    def _proximity(
        self, documents: Sequence[Document], pairs: Sequence[tuple[str, str]]
    ) -> list[float]:
        """How often neighbours of the query are near each other, per document."""
        wanted = {term for pair in pairs for term in pair}
        found = [self._places(read_text(document), wanted) for document in documents]
        formula = BM25()
        containing = {term: sum(term in places for places, _ in found) for term in wanted}
        # Rarity within the candidates: the pool is all a reranker sees.
        rarity = {term: formula.idf(len(found), count) for term, count in containing.items()}
        mean = sum(length for _, length in found) / len(found) if found else 0.0
        return [
            sum(
                min(rarity[a], rarity[b])
                * _saturated(_times_near(places[a], places[b]), length, mean, formula)
                for a, b in pairs
                if a in places and b in places
            )
            for places, length in found
        ]

    def _places(self, text: str, wanted: set[str]) -> tuple[Places, int]:
        """Where each wanted term stands, and how many places there are."""
        places: Places = {}
        length = 0
        for length, terms in enumerate(self._units(text), start=1):
            for term in terms:
                if term in wanted:
                    places.setdefault(term, []).append(length)
        return places, length

    def _units(self, text: str) -> list[Sequence[str]]:
        """The index's terms, place by place; stop words and marks hold theirs without a term."""
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text)
        terms = self._terms  # Reading a pydantic attribute costs more than the call.
        return [terms(unit) for unit in _UNIT.findall(text)]


def _neighbours(terms: Sequence[str]) -> list[tuple[str, str]]:
    """Neighbouring terms of the query, each pair once."""
    return list(dict.fromkeys(pair for pair in pairwise(terms) if pair[0] != pair[1]))


def _times_near(here: Sequence[int], there: Sequence[int]) -> int:
    """How many of these places have one of those within reach."""
    return sum(_distance(place, there) < _NEAR for place in here)


def _distance(place: int, ascending: Sequence[int]) -> int:
    after = bisect_left(ascending, place)
    around = ascending[max(after - 1, 0) : after + 1]
    return min(abs(place - other) for other in around)


def _saturated(count: int, length: int, mean: float, formula: BM25) -> float:
    k1, b = formula.k1, formula.b
    return count / (count + k1 * (1 - b + b * length / mean)) if count else 0.0


def _first_scores(documents: Sequence[Document]) -> list[float]:
    """The first search's scores between 0 and 1, or what the order says."""
    given = [_number(document.metadata.get(SCORE)) for document in documents]
    scores = [score for score in given if score is not None]
    if len(scores) == len(documents):
        return _scaled(scores, alike=1.0)
    # Falls as nDCG's discount does: the first places are far apart, as scores are.
    return [1 / math.log2(place + 2) for place in range(len(documents))]


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _scaled(values: Sequence[float], alike: float) -> list[float]:
    """The values moved and stretched to 0 to 1; ``alike`` for all where they do not differ."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / (high - low) if high > low else alike for value in values]
