"""What the conformance suite writes and asks: three documents, filters, an embedding model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.retrieval.lexical.segment import term_key
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer

LIBRARY = [
    Document(
        id="law",
        page_content="合同法规定了违约责任。",
        metadata={"lang": "zh", "year": 2020, "tags": ["法律", "合同"]},
    ),
    Document(
        id="cat",
        page_content="Cats sleep most of the day.",
        metadata={"lang": "en", "year": 2021, "tags": ["pets"], "day": dt.date(2024, 5, 1)},
    ),
    Document(
        id="dog",
        page_content="Dogs run in the park.",
        metadata={"lang": "en", "year": 2022.5, "good": True, "note": 'it\'s 100% "good" \\o/ 狗'},
    ),
]

FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"lang": "en"}, {"cat", "dog"}),
    ({"lang": "zh"}, {"law"}),
    ({"lang": "fr"}, set()),
    ({"year": 2020}, {"law"}),
    ({"year": 2020.0}, {"law"}),
    ({"year": "2020"}, set()),
    ({"year": {"$gt": 2020}}, {"cat", "dog"}),
    ({"year": {"$gte": 2021, "$lt": 2022.5}}, {"cat"}),
    ({"year": {"$lte": 2020}}, {"law"}),
    ({"lang": {"$ne": "en"}}, {"law"}),
    ({"good": {"$ne": True}}, {"law", "cat"}),
    ({"lang": {"$in": ["zh", "fr"]}}, {"law"}),
    ({"lang": {"$in": []}}, set()),
    ({"lang": {"$nin": ["zh"]}}, {"cat", "dog"}),
    ({"good": {"$exists": True}}, {"dog"}),
    ({"good": {"$exists": False}}, {"law", "cat"}),
    ({"good": True}, {"dog"}),
    ({"tags": {"$contains": "合同"}}, {"law"}),
    ({"note": 'it\'s 100% "good" \\o/ 狗'}, {"dog"}),
    ({"$or": [{"lang": "zh"}, {"year": {"$gt": 2022}}]}, {"law", "dog"}),
    ({"$and": [{"lang": "en"}, {"$not": {"good": True}}]}, {"cat"}),
    ({"lang": "en", "year": 2021}, {"cat"}),
    ({"day": dt.date(2024, 5, 1)}, {"cat"}),
    ({"day": "2024-05-01"}, {"cat"}),
    ({"day": {"$in": [dt.date(2024, 5, 1)]}}, {"cat"}),
    ({"day": {"$gte": dt.date(2024, 5, 1)}}, {"cat"}),
    ({"day": {"$gt": "2024-05-01"}}, set()),
    ({"day": {"$lt": dt.datetime(2024, 6, 1, tzinfo=dt.UTC)}}, {"cat"}),
    ({"day": {"$lt": 2025}}, set()),
    ({"day": {"$ne": dt.date(2024, 5, 1)}}, {"law", "dog"}),
    ({"good": None}, {"law", "cat"}),
    ({"good": {"$in": [None, False]}}, {"law", "cat"}),
    ({"tags": {"$eq": ["pets"]}}, {"cat"}),
]
"""Every operator, and which documents of the library pass."""


class TermDirections(Embeddings):
    """Adds one random direction per term: texts that share terms are near each other."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed each."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Sum of the terms' directions."""
        total = np.full(64, 1e-6)
        for term in MixedTokenizer().tokens(text):
            total += np.random.default_rng(term_key(term)).normal(size=64)
        values: list[float] = total.tolist()
        return values


def ids_of(found: Sequence[Any]) -> list[str]:
    """Return the ids of hits or documents, in order."""
    return [str(each.id) for each in found]


def together(*jobs: Callable[[], object]) -> list[Exception]:
    """Run functions at the same time; return what they raised."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        raised = [future.exception() for future in [pool.submit(job) for job in jobs]]
    return [error for error in raised if isinstance(error, Exception)]
