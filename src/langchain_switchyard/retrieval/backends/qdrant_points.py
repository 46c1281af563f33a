"""Documents as Qdrant's points: vectors, payload, and the names in it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from langchain_switchyard.retrieval.backends.backend import NewDocument
from langchain_switchyard.retrieval.lexical.bm25 import BM25
from langchain_switchyard.retrieval.lexical.segment import term_key

FIELDS = ("id", "text", "metadata")
_FORMULA = BM25()


def point(models: Any, document: NewDocument, mean_length: float) -> Any:
    """Return a document as a ``PointStruct``.

    Args:
        models: ``qdrant_client.models``.
        document: What to write.
        mean_length: Mean number of terms of a document, the same for all of a collection.
    """
    counts = np.array(list(document.terms.values()), np.float64)
    lengths = np.full(len(counts), float(document.length))
    weights = _FORMULA.saturation(counts, lengths, mean_length) * (_FORMULA.k1 + 1)
    words = dict(zip(document.terms, weights.tolist(), strict=True))
    vector: dict[str, Any] = {"words": sparse_vector(models, words)}
    if document.vector is not None:
        vector["dense"] = document.vector.tolist()
    held = document.facets
    times = {payload_key(key): timestamp(text) for key, text in held.texts.items()}
    payload = {
        **{name: getattr(document, name) for name in FIELDS},
        "exact": list(held.exact),
        "numbers": {payload_key(key): number for key, number in held.numbers.items()},
        "texts": {payload_key(key): text for key, text in held.texts.items()},
        "times": {key: time for key, time in times.items() if time is not None},
    }
    return models.PointStruct(id=point_id(document.id), vector=vector, payload=payload)


def sparse_vector(models: Any, weights: Mapping[str, float]) -> Any:
    """Return terms and weights as a ``SparseVector``, a term's index being its 32-bit digest."""
    # Terms that share a digest share its weight: indices must be unique.
    total: dict[int, float] = {}
    for term, weight in weights.items():
        index = term_key(term) & 0xFFFFFFFF
        total[index] = total.get(index, 0.0) + float(weight)
    return models.SparseVector(indices=list(total), values=list(total.values()))


def point_id(name: str) -> str:
    """Return the id of a document's point: Qdrant takes UUIDs and integers only."""
    return str(uuid.UUID(bytes=blake2b(name.encode(), digest_size=16).digest()))


def payload_key(key: str) -> str:
    """Return a metadata key as a name that needs no quoting in Qdrant's paths."""
    return blake2b(key.encode(), digest_size=8).hexdigest()


def timestamp(text: str) -> float | None:
    """Return seconds since 1970 of an ISO date or time, ``None`` for other texts."""
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()
