"""Embed for many callers at once: texts share batches, and known texts are not embedded again.

One thread owns the model. Callers (threads, event loops) put texts into a queue; the thread takes
what is waiting, sorts it by length so that little is padded, and embeds it in batches. Several
cores then work on one batch instead of many threads fighting over them. A call that fails in
passing is made again; one that fails for good is halved until the bad text fails alone. A child of
a fork starts a thread of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, Protocol

from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.forks import FORKS
from langchain_switchyard.retrieval.dense.retrying import Fault, Retrying, fault

_logger = logging.getLogger(__name__)
Vector = list[float]
Kind = Literal["document", "query"]
# Batches taken at once: enough to sort by length, few enough that a query need not wait for a
# whole collection that is being indexed.
_TAKEN = 4


class VectorMemory(Protocol):
    """What remembers vectors by digest, such as ``VectorCache``."""

    def get(self, keys: Sequence[bytes]) -> Mapping[bytes, Vector]:
        """Return the vectors of those keys that are known."""

    def put(self, pairs: Iterable[tuple[bytes, Sequence[float]]]) -> None:
        """Remember vectors."""


@dataclass(frozen=True, slots=True)
class Batching:
    """When a batch is closed.

    Attributes:
        size: Most texts per call of the model; for an API, its limit.
        delay: Seconds the first text waits for others.
    """

    size: int = 32
    delay: float = 0.003

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.size < 1 or self.delay < 0:
            raise ConfigurationError(f"batching needs size >= 1 and delay >= 0, got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    text: str
    kind: Kind
    future: Future[Vector]


class BatchedEmbeddings(Embeddings):
    """Wraps any embedding model.

    Queries are embedded in batches when the model has ``embed_queries`` or is ``symmetric``;
    otherwise one by one, as a model may treat a query differently from a document. They go before
    documents that wait. A text that the model refuses fails alone, with the model's own error and
    a note that quotes it.

    To remember vectors in the levels of the response cache (memory, SQLite, Redis), put
    ``CachedEmbeddings`` before it: ``CachedEmbeddings(BatchedEmbeddings(model), "name",
    levels=[...])``.

    Args:
        model: The model; only one thread at a time calls it.
        batching: Size and delay; by default the size of request the model itself is set to (its
            ``chunk_size``, as LangChain's API models name it), or 32.
        cache: Remembers vectors by text; shared between processes if it is a file.
        retrying: When a call that failed in passing is made again.
        symmetric: Queries and documents are embedded alike (MiniLM, OpenAI; not E5, BGE).
        progress: Called with ``(done, total)`` while documents are embedded.
    """

    def __init__(
        self,
        model: Embeddings,
        batching: Batching | None = None,
        cache: VectorMemory | None = None,
        retrying: Retrying | None = None,
        *,
        symmetric: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Start nothing yet: the thread begins with the first text."""
        self.model = model
        self._batching = batching or Batching(_size_of(model))
        self._cache = cache
        self._retrying = retrying or Retrying()
        self._progress = progress or _tell_nobody
        self._queries = getattr(model, "embed_queries", None)
        if self._queries is None and symmetric:
            self._queries = model.embed_documents
        self._closed = False
        self.forked()
        FORKS.tend(self)

    def before_fork(self) -> None:
        """Nothing to let go of."""

    def forked(self) -> None:
        """Count on no thread, and keep nobody's texts: they are waited for in the parent."""
        self._waiting: list[_Request] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def embed_documents(self, texts: list[str]) -> list[Vector]:
        """Return one vector per text, in order."""
        futures = self._submit(texts, "document")
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            self._progress(done, len(futures))
        return [future.result() for future in futures]

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a query."""
        return self._submit([text], "query")[0].result()

    async def aembed_documents(self, texts: list[str]) -> list[Vector]:
        """Do the same without blocking the event loop."""
        waits = [asyncio.wrap_future(future) for future in self._submit(texts, "document")]
        numbers = itertools.count(1)

        def tell(wait: asyncio.Future[Vector]) -> None:
            if not wait.cancelled():
                self._progress(next(numbers), len(waits))

        for wait in waits:
            wait.add_done_callback(tell)
        return list(await asyncio.gather(*waits))

    async def aembed_query(self, text: str) -> Vector:
        """Do the same without blocking the event loop."""
        return await asyncio.wrap_future(self._submit([text], "query")[0])

    def close(self) -> None:
        """Finish what is waiting and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _submit(self, texts: Sequence[str], kind: Kind) -> list[Future[Vector]]:
        requests = [_Request(text, kind, Future()) for text in texts]
        with self._changed:
            if self._closed:
                raise ConfigurationError("these embeddings were closed")
            self._waiting.extend(requests)
            if self._thread is None:
                # A daemon: an idle model must not keep a program from ending.
                self._thread = threading.Thread(target=self._work, name="embedding", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return [request.future for request in requests]

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            # Cancelled callers are dropped before the model works for them.
            live = [each for each in taken if each.future.set_running_or_notify_cancel()]
            try:
                self._answer(live)
            except BaseException as error:  # noqa: BLE001 - handed to every caller that waits.
                for request in live:
                    if not request.future.done():
                        request.future.set_exception(error)

    def _take(self) -> list[_Request] | None:
        """Wait for work; return some batches of it, queries first, or ``None`` after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            end = time.monotonic() + self._batching.delay
            while len(self._waiting) < self._batching.size and not self._closed:
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            if len(self._waiting) > _TAKEN * self._batching.size:
                self._waiting.sort(key=lambda request: request.kind != "query")
            most = _TAKEN * self._batching.size
            taken, self._waiting = self._waiting[:most], self._waiting[most:]
            return taken

    def _answer(self, requests: Sequence[_Request]) -> None:
        groups: dict[tuple[Kind, bytes], list[_Request]] = {}
        for request in requests:
            groups.setdefault((request.kind, self._key(request)), []).append(request)
        known = {} if self._cache is None else self._cache.get([key for _, key in groups])
        for (_, key), same in groups.items():
            if key in known:
                _resolve(same, known[key])
        for kind in ("query", "document"):
            fresh = [same for (k, key), same in groups.items() if k == kind and key not in known]
            # Equal lengths together: a batch is padded to its longest text.
            fresh.sort(key=lambda same: len(same[0].text))
            for start in range(0, len(fresh), self._batching.size):
                self._embed(fresh[start : start + self._batching.size])

    def _embed(self, groups: Sequence[list[_Request]]) -> None:
        try:
            vectors = self._patiently([same[0].text for same in groups], groups[0][0].kind)
        except Exception as error:  # noqa: BLE001 - handed to the caller whose text it is.
            self._refuse(groups, error)
            return
        if self._cache is not None:
            keys = [self._key(same[0]) for same in groups]
            self._cache.put(zip(keys, vectors, strict=True))
        for same, vector in zip(groups, vectors, strict=True):
            _resolve(same, vector)

    def _refuse(self, groups: Sequence[list[_Request]], error: Exception) -> None:
        """Find the text to blame by halves; where none is, everybody gets the error."""
        blame = fault(error) is Fault.TEXT
        if blame and len(groups) > 1:
            middle = len(groups) // 2
            self._embed(groups[:middle])
            self._embed(groups[middle:])
            return
        if blame:
            text = groups[0][0].text
            error.add_note(f"the text that was refused ({len(text)} characters): {text[:80]!r}")
        for request in itertools.chain.from_iterable(groups):
            request.future.set_exception(error)

    def _patiently(self, texts: list[str], kind: Kind) -> list[Vector]:
        """Call the model, again if need be."""
        attempt = 1
        while True:
            try:
                return self._call(texts, kind)
            except Exception as error:
                pause = self._retrying.pause(error, attempt)
                if pause is None or self._closed:
                    raise
                _logger.info("embedding again in %.1f s: %s", pause, error)
            self._retrying.sleep(pause)
            attempt += 1

    def _call(self, texts: list[str], kind: Kind) -> list[Vector]:
        if kind == "document":
            vectors = self.model.embed_documents(texts)
        elif self._queries is not None:
            vectors = self._queries(texts)
        else:
            vectors = [self.model.embed_query(text) for text in texts]
        if len(vectors) != len(texts):
            raise ConfigurationError(
                f"the model returned {len(vectors)} vectors for {len(texts)} texts"
            )
        return vectors

    def _key(self, request: _Request) -> bytes:
        name = getattr(self.model, "model", None) or getattr(self.model, "model_name", None)
        # A query's vector is a document's only where the model says so.
        kind = "document" if self._queries == self.model.embed_documents else request.kind
        parts = [type(self.model).__qualname__, str(name), kind, request.text]
        return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).digest()


def _resolve(requests: Sequence[_Request], vector: Vector) -> None:
    for request in requests:
        request.future.set_result(list(vector))


def _size_of(model: Embeddings) -> int:
    size = getattr(model, "chunk_size", None)
    return size if isinstance(size, int) and size > 0 else 32


def _tell_nobody(done: int, total: int) -> None:
    del done, total
