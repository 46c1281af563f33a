"""Deterministic embeddings: texts that share words are near each other."""

from __future__ import annotations

import array
import base64
import hashlib
import itertools
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_switchyard.testing.tokens import count_tokens

_FEATURE = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")


def embed(text: str | Sequence[int], size: int) -> array.array[float]:
    """Return a unit vector of `size` single floats.

    Words and Chinese characters, alone and in pairs, are hashed to a place and a sign.

    Args:
        text: A text, or token numbers as some clients send them.
        size: Number of dimensions.
    """
    if isinstance(text, str):
        words = _FEATURE.findall(text.lower())
    else:
        words = [str(number) for number in text]
    vector = array.array("f", bytes(4 * size))
    pairs = [a + "\0" + b for a, b in itertools.pairwise(words)]
    for feature in words + pairs or [""]:
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")
        vector[(digest >> 1) % size] += 1.0 if digest & 1 else -1.0
    norm = math.sqrt(sum(value * value for value in vector if value)) or 1.0
    return array.array("f", (value / norm for value in vector))


def embeddings_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to an embeddings request, as floats or base64.

    Args:
        body: The request: `input`, `model`, `dimensions`, `encoding_format`.
    """
    given = body.get("input") or ""
    single = isinstance(given, str) or (bool(given) and isinstance(given[0], int))
    texts = [given] if single else given
    size = int(body.get("dimensions") or 256)
    vectors = [embed(text, size) for text in texts]
    tokens = sum(count_tokens(text) if isinstance(text, str) else len(text) for text in texts)
    as_text = body.get("encoding_format") == "base64"
    return {
        "object": "list",
        "model": body.get("model"),
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _base64(vector) if as_text else list(vector),
            }
            for index, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _base64(vector: array.array[float]) -> str:
    """Return little-endian floats, as the API sends them."""
    if sys.byteorder == "big":
        vector = array.array("f", vector)
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode("ascii")
