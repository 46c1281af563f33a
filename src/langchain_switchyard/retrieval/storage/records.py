"""Between LangChain documents and what the catalogue stores."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.lexical.segment import Keys
from langchain_switchyard.retrieval.storage.catalog import Record

_DATE_MARK = "$switchyard.date"


def encode_metadata(document: Document) -> str:
    """Return the metadata as JSON; dates and times survive, other objects are refused.

    Raises:
        ConfigurationError: A value that JSON cannot hold; the message names its key.
    """
    try:
        encoded = json.dumps(
            document.metadata, ensure_ascii=False, allow_nan=False, default=_encode_value
        )
        encoded.encode()  # Half a character would fail later, without the document's name.
    except (TypeError, ValueError) as error:
        for key, value in document.metadata.items():
            if not _encodable(value):
                raise ConfigurationError(
                    f"metadata {key!r} of document {document.id or document.page_content[:40]!r} "
                    f"is a {type(value).__name__}, which cannot be stored: "
                    "convert it to text or a number"
                ) from error
        raise
    return encoded


def decode(record: Record) -> Document:
    """Return a fresh document, which the caller may change freely."""
    metadata = _METADATA.decode(record.metadata)
    return Document(id=record.id, page_content=record.text, metadata=metadata)


def decode_value(text: str) -> Any:
    """Return one metadata value from its encoded form."""
    return _METADATA.decode(text)


def given_ids(ids: Iterable[str]) -> list[str]:
    """Return ids as a list.

    Raises:
        ConfigurationError: One text, whose letters would be taken for ids; or no texts.
    """
    if isinstance(ids, str | bytes):
        raise ConfigurationError(f"ids are a list of texts, got {ids!r}: write [{ids!r}]")
    wanted = list(ids)
    for each in wanted:
        if not isinstance(each, str):
            raise ConfigurationError(f"an id is a text, got {each!r}")
    return wanted


def given_documents(documents: Any) -> Iterable[Document]:
    """Return documents as they were given.

    Raises:
        ConfigurationError: One document, or something else.
    """
    if isinstance(documents, Document | str):
        raise ConfigurationError("documents are a list, even of one: write [document]")
    found: Iterable[Document] = documents
    return found


def document_id(document: Document) -> str:
    """Return the document's own id, or a stable one made of its text and metadata.

    Raises:
        ConfigurationError: It is none, or holds half a character, which nothing can store.
    """
    if not isinstance(document, Document):
        raise ConfigurationError(
            f"expected a Document, got {document!r:.80}: Document(page_content=...)"
        )
    for text in (document.page_content, document.id or ""):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            name = ascii((document.id or document.page_content)[:40])
            raise ConfigurationError(
                f"document {name} holds half a character (a lone surrogate) at place "
                f"{error.start}: read its source with errors='replace'"
            ) from error
    if document.id is not None:
        return document.id
    digest = blake2b(digest_size=16)
    digest.update(document.page_content.encode())
    digest.update(encode_metadata(document).encode())
    return digest.hexdigest()


def indexed_text(text: str, metadata: dict[str, Any]) -> str:
    """Return what is searched: the text, after the title and headings it does not itself show."""
    context = [metadata.get("title"), *str(metadata.get("heading") or "").split(" > ")]
    missing = [part for part in context if isinstance(part, str) and part and part not in text]
    return "\n".join([*missing, text])


def encode_terms(terms: Keys) -> bytes:
    """Return term keys as bytes."""
    return terms.astype("<u8").tobytes()


def decode_terms(blob: bytes) -> Keys:
    """Return term keys from bytes."""
    return np.frombuffer(blob, "<u8").astype(np.uint64)


def unit_vectors(vectors: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    """Return rows of length 1, so that a dot product is the cosine; zero vectors stay zero.

    Raises:
        ConfigurationError: The embedding model gave vectors of different lengths, or NaN.
    """
    try:
        matrix = np.array(vectors, np.float32)
    except ValueError as error:
        raise ConfigurationError("the embedding model returned vectors of mixed length") from error
    if matrix.ndim != 2 or not matrix.shape[1] or not np.isfinite(matrix).all():
        raise ConfigurationError("the embedding model returned no usable vectors (empty, or NaN)")
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    result: npt.NDArray[np.float32] = matrix / np.maximum(norms, 1e-12)
    return result


def _encode_value(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return {_DATE_MARK: value.isoformat()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


def _decode_value(value: dict[str, Any]) -> Any:
    mark = value.get(_DATE_MARK)
    if mark is None or len(value) != 1:
        return value
    return dt.datetime.fromisoformat(mark) if "T" in mark else dt.date.fromisoformat(mark)


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False, default=_encode_value).encode()
    except (TypeError, ValueError):
        return False
    return True


# Made once: ``json.loads`` with a hook makes one per call.
_METADATA = json.JSONDecoder(object_hook=_decode_value)
