"""CachedEmbeddings: vectors of texts seen before, from the same levels as answers."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from typing import TypeVar

from langchain_core.embeddings import Embeddings
from typing_extensions import override

from langchain_switchyard.cache.entry import Entry
from langchain_switchyard.cache.keys.canonical import canonical
from langchain_switchyard.cache.keys.key import Key, scope_of
from langchain_switchyard.cache.keys.texts import TextDigests
from langchain_switchyard.cache.levels.level import Level
from langchain_switchyard.cache.levels.many import find_many, keep_many
from langchain_switchyard.cache.levels.memory import MemoryLevel
from langchain_switchyard.cache.levels.shelf import Shelf
from langchain_switchyard.routing.clock import Clock, SystemClock
from langchain_switchyard.routing.drivers.awaiting import AsyncDriver
from langchain_switchyard.routing.drivers.blocking import SyncDriver
from langchain_switchyard.routing.effects import Io, Steps

R = TypeVar("R")


class CachedEmbeddings(Embeddings):
    """Asks the inner model only for texts it has not seen, each once.

    Args:
        inner: The model.
        model: Its name; part of the key, for vectors of two models must never mix.
        levels: Where vectors are kept; default: this process's memory.
        keep_for: Seconds.
        clock: Tells the time; tests give their own.
    """

    def __init__(
        self,
        inner: Embeddings,
        model: str,
        *,
        levels: Sequence[Level] | None = None,
        keep_for: float = 30 * 86_400.0,
        clock: Clock | None = None,
    ) -> None:
        """Remember nothing yet."""
        self._inner = inner
        self._model = model
        self._shelf = Shelf([MemoryLevel(name="vectors")] if levels is None else levels)
        self._keep_for = keep_for
        self._clock = clock or SystemClock()
        self._texts = TextDigests()
        self._scope = scope_of(f"embeddings:{model}", None)

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of texts, in their order."""
        return self._run(self._embed("document", texts, _Ask(self._inner).documents))

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """As `embed_documents`."""
        return await self._arun(self._embed("document", texts, _Ask(self._inner).documents))

    @override
    def embed_query(self, text: str) -> list[float]:
        """The vector of a question; some models embed questions otherwise than documents."""
        return self._run(self._embed("query", [text], _Ask(self._inner).query))[0]

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """As `embed_query`."""
        return (await self._arun(self._embed("query", [text], _Ask(self._inner).query)))[0]

    def _embed(
        self, kind: str, texts: list[str], ask: Callable[[list[str]], Io]
    ) -> Steps[list[list[float]]]:
        keys = {text: self._key(kind, text) for text in texts}
        known: dict[str, list[float]] = {}
        found = yield from find_many(self._shelf, list(keys.values()), self._clock)
        for text, key in keys.items():
            if key in found:
                known[text] = _unpacked(found[key].body)
        missing = [text for text in keys if text not in known]
        if missing:
            vectors: list[list[float]] = yield ask(missing)
            fresh = dict(zip(missing, vectors, strict=True))
            known.update(fresh)
            entries = {keys[text]: self._entry(vector) for text, vector in fresh.items()}
            yield from keep_many(self._shelf, entries, self._clock)
        return [list(known[text]) for text in texts]

    def _entry(self, vector: Sequence[float]) -> Entry:
        now = self._clock.wall()
        until = now + self._keep_for
        return Entry(
            body=_packed(vector),
            created=now,
            fresh_until=until,
            stale_until=until,
            outage_until=until,
        )

    def _key(self, kind: str, text: str) -> Key:
        form = canonical(["switchyard-vector-1", self._model, kind, self._texts.digest(text)])
        return Key(hashlib.sha256(form).digest(), self._scope)

    def _run(self, steps: Steps[R]) -> R:
        return SyncDriver(self._clock).run(steps)

    async def _arun(self, steps: Steps[R]) -> R:
        return await AsyncDriver(self._clock).run(steps)


class _Ask:
    """The inner model's two questions, blocking or awaiting."""

    def __init__(self, inner: Embeddings) -> None:
        self._inner = inner

    def documents(self, texts: list[str]) -> Io:
        return Io(
            lambda: self._inner.embed_documents(texts),
            lambda: self._inner.aembed_documents(texts),
        )

    def query(self, texts: list[str]) -> Io:
        async def ask() -> list[list[float]]:
            return [await self._inner.aembed_query(texts[0])]

        return Io(lambda: [self._inner.embed_query(texts[0])], ask)


def _packed(vector: Sequence[float]) -> bytes:
    """Doubles, so that a vector from the cache equals the model's to the last bit."""
    return struct.pack(f"<{len(vector)}d", *vector)


def _unpacked(body: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(body) // 8}d", body))
