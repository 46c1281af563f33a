"""A cross-encoder on this machine (extra ``local-embeddings``), or anything with ``predict``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict, Field, PrivateAttr

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.retrieval.dense.torch_forks import TorchForks
from langchain_switchyard.retrieval.rerank.one_thread import OneThread
from langchain_switchyard.retrieval.rerank.reranked import Reranked, by_score, read_text


@runtime_checkable
class PairScorer(Protocol):
    """Tells how well a text answers a query; sentence-transformers' ``CrossEncoder`` is one."""

    def predict(self, pairs: list[tuple[str, str]]) -> Any:
        """Return one number per ``(query, text)``, higher is better."""
        ...


class CrossEncoderRerank(BaseDocumentCompressor):
    """Reads query and document together: slow, and the most exact of the local rerankers.

    One thread owns the model, so that calls from many threads and event loops queue up instead of
    fighting over the cores; the event loop is never blocked.

    Attributes:
        model: Folder of a model, a name that was downloaded before, or an object with ``predict``.
        top_n: Documents returned; ``None``: all.
        batch_size: Pairs the model reads at a time; texts of like length share a batch.
        download: Allow a name to be fetched from the model hub.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        ConfigurationError: The model is not on this machine, or does not give one number per pair.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: str | Path | PairScorer
    top_n: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=32, ge=1)
    download: bool = False
    _scorer: PairScorer = PrivateAttr()
    _thread: OneThread = PrivateAttr(default_factory=lambda: OneThread("cross-encoder"))
    _forks: TorchForks | None = PrivateAttr(default=None)

    def __init__(self, model: str | Path | PairScorer, **options: Any) -> None:
        """Load the model."""
        super().__init__(model=model, **options)
        if isinstance(model, str | Path):
            self._scorer, self._forks = _load(model, download=self.download), TorchForks()
        else:
            self._scorer = model

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Reranked:
        """Return the documents by the model's score, highest first."""
        del callbacks
        texts = [read_text(document) for document in documents]
        scores = self._thread.executor.submit(self._scores, query, texts).result()
        return by_score(documents, scores, self.top_n)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Reranked:
        """Do the same without blocking the event loop."""
        del callbacks
        texts = [read_text(document) for document in documents]
        loop = asyncio.get_running_loop()
        scores = await loop.run_in_executor(self._thread.executor, self._scores, query, texts)
        return by_score(documents, scores, self.top_n)

    def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        scores = [0.0] * len(texts)
        # A batch is padded to its longest text: like lengths together waste the least.
        places = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
        for start in range(0, len(places), self.batch_size):
            batch = places[start : start + self.batch_size]
            found = self._scorer.predict([(query, texts[place]) for place in batch])
            for place, score in zip(batch, _one_per_pair(found, len(batch)), strict=True):
                scores[place] = score
        return scores


def _load(model: str | Path, *, download: bool) -> PairScorer:
    try:
        library = import_module("sentence_transformers")
    except ImportError as error:
        raise MissingExtra("a local cross-encoder", "local-embeddings") from error
    try:
        encoder: PairScorer = library.CrossEncoder(
            str(model), device="cpu", local_files_only=not download
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the cross-encoder {str(model)!r} is not on this machine, or is none: give the folder "
            "of a downloaded model, or download=True to fetch it by name"
        ) from error
    return encoder


def _one_per_pair(found: Any, count: int) -> list[float]:
    numbers = np.asarray(found, dtype=float)
    if numbers.size != count or numbers.ndim not in (1, 2):
        raise ConfigurationError(
            f"predict() gave numbers of shape {numbers.shape} for {count} pairs: a reranker needs "
            "a model with one output, not a classifier with several"
        )
    scores: list[float] = numbers.reshape(count).tolist()
    return scores
