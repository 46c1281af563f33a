"""Documents and conditions as Elasticsearch and OpenSearch read them.

Metadata go into three keyword fields, so that no key can clash with another's type or make the
mapping grow: ``exact`` for equality, ``numbers`` and ``texts`` as ``key``, a separator and a value
that sorts like the number or text it stands for.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from langchain_switchyard.retrieval.backends.backend import NewDocument, StoredDocument
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.conditions import (
    All,
    Compares,
    Condition,
    Either,
    Has,
    Ids,
    Includes,
    fold,
)

Json = dict[str, Any]
FIELDS = ["id", "text", "metadata"]
_SEPARATOR, _AFTER = "\x1f", "\x20"
# A keyword may have 32,766 bytes, and a character up to four.
_LONGEST_TEXT = 8_000
_LONGEST_ID = 512
_COMPARISONS = {"$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}

MAPPING: Json = {
    # What is only returned needs no field of its own.
    "dynamic": False,
    "properties": {
        "terms": {"type": "text", "analyzer": "whitespace", "index_options": "freqs"},
        "exact": {"type": "keyword"},
        "numbers": {"type": "keyword"},
        "texts": {"type": "keyword"},
        "place": {"type": "long"},
    },
}


def source(document: NewDocument) -> Json:
    """Return a document as it is sent."""
    held = document.facets
    body: Json = {
        **{name: getattr(document, name) for name in FIELDS},
        "terms": words(document.terms),
        "exact": list(held.exact),
        "numbers": [_entry(key, _sortable(number)) for key, number in held.numbers.items()],
        "texts": [_entry(key, text[:_LONGEST_TEXT]) for key, text in held.texts.items()],
        # Its order is as good as random, and the same for everybody.
        "place": int.from_bytes(blake2b(document.id.encode(), digest_size=7).digest(), "big"),
    }
    # A vector of zeros has no direction: the servers refuse it.
    if document.vector is not None and document.vector.any():
        body["vector"] = numbers(document.vector)
        # Newer servers do not return vectors; and this is a third of the size.
        body["bytes"] = base64.b64encode(document.vector.astype("<f4").tobytes()).decode()
    return body


def stored(body: Mapping[str, Any]) -> StoredDocument:
    """Return a document as it came back."""
    return StoredDocument(**{name: body[name] for name in FIELDS})


def vector(body: Mapping[str, Any]) -> Matrix:
    """Return a document's vector as it came back."""
    return np.frombuffer(base64.b64decode(body["bytes"]), "<f4")


def words(terms: Mapping[str, int]) -> str:
    """Return terms as a text that a whitespace analyser cuts into them again."""
    return " ".join("_".join(term.split()) for term, tf in terms.items() for _ in range(tf))


def numbers(values: Matrix) -> list[float]:
    """Return a vector as JSON numbers, as short as its precision allows."""
    return [float(f"{value:.9g}") for value in values.tolist()]


def document_key(name: str) -> str:
    """Return the engine's id of a document: its own where the engine takes it."""
    if 0 < len(name.encode()) <= _LONGEST_ID:
        return name
    return f"blake2b-{blake2b(name.encode(), digest_size=16).hexdigest()}"


def query(where: Condition) -> Json:
    """Return a condition as a query that scores nothing."""

    def join(how: type[All | Either], parts: list[Json]) -> Json:
        if not parts:
            return {"match_all": {}} if how is All else {"match_none": {}}
        if how is All:
            return {"bool": {"filter": parts}}
        return {"bool": {"should": parts, "minimum_should_match": 1}}

    def negate(part: Json) -> Json:
        return {"bool": {"must_not": [part]}}

    return fold(where, _leaf, join, negate)


def _leaf(asked: Has | Compares | Includes | Ids) -> Json:
    if isinstance(asked, Has):
        return {"term": {"exact": asked.facet}}
    if isinstance(asked, Ids):
        return {"ids": {"values": [document_key(each) for each in asked.ids]}}
    if isinstance(asked, Includes):
        pattern = f"{_literal(_entry(asked.key, ''))}*{_literal(asked.part)}*"
        return {"wildcard": {"texts": {"value": pattern}}}
    texts = isinstance(asked.bound, str)
    bound = asked.bound if isinstance(asked.bound, str) else _sortable(asked.bound)
    # Within the key's own entries.
    limits = {"gte": _entry(asked.key, ""), "lt": _entry(asked.key, "", _AFTER)}
    beyond = _COMPARISONS[asked.comparison]
    del limits["gte" if beyond in ("gt", "gte") else "lt"]
    limits[beyond] = _entry(asked.key, bound[:_LONGEST_TEXT])
    return {"range": {"texts" if texts else "numbers": limits}}


def _entry(key: str, value: str, separator: str = _SEPARATOR) -> str:
    return f"{key.replace(_SEPARATOR, '')}{separator}{value}"


def _literal(text: str) -> str:
    for special in ("\\", "*", "?"):
        text = text.replace(special, f"\\{special}")
    return text


def _sortable(number: float) -> str:
    """Hexadecimal digits that sort as the number does: IEEE 754 with its sign turned round."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    flipped = bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 1 << 63)
    return f"{flipped:016x}"
