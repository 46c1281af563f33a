"""Is this the model that the stored vectors were made with? Asked before it first embeds.

Vectors of another model of the same length fit in everywhere and mean nothing. So the first time a
model is used on an index that has vectors, it embeds one of the stored documents again. Providers
do not give the same vector twice to the last bit, but nearly; another model's has nothing to do
with it. Opening an index asks nobody anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.vectors import Matrix
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.storage.records import unit_vectors

# Stored documents, as they are searched, and their unit vectors.
Stored = Callable[[], tuple[Sequence[str], Matrix]]
# Cosine with the stored vector: the same model gives .999 and more, whatever the batch.
_SAME = 0.98


class SameModel(Embeddings):
    """An embedding model that is compared, once, with what an index holds.

    Another process gets the model alone, see ``__reduce__``.

    Args:
        model: The model.
        stored: Returns some documents of the index and their vectors; empty while it has none.

    Attributes:
        model: The model.
    """

    def __init__(self, model: Embeddings, stored: Stored) -> None:
        """Compare nothing yet."""
        self.model = model
        self._stored = stored
        self._is_same = False
        self._refusal: IndexUnavailable | None = None

    @classmethod
    def of(cls, model: Embeddings, stored: Stored) -> SameModel:
        """Return the model to be compared, or as it is, if it is one that was."""
        return model if isinstance(model, cls) else cls(model, stored)

    def __reduce__(self) -> tuple[Callable[[Embeddings], Embeddings], tuple[Embeddings]]:
        """Travel as the model itself: the index stays here."""
        return _itself, (self.model,)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed, and one stored document with them the first time.

        Raises:
            IndexUnavailable: The stored vectors are another model's.
        """
        if self._is_same:
            return self.model.embed_documents(texts)
        probe = self._probe()
        if probe is None:
            vectors = self.model.embed_documents(texts)
            # The first vectors are this model's own.
            self._is_same = bool(texts)
            return vectors
        known, vector = probe
        vectors = self.model.embed_documents([*texts, known])
        if len(vectors) != len(texts) + 1:
            raise ConfigurationError(
                f"the embedding model returned {len(vectors)} vectors for {len(texts) + 1} texts"
            )
        self._compare(vector, vectors[-1])
        return vectors[:-1]

    def embed_query(self, text: str) -> list[float]:
        """Embed a query, after the comparison.

        Raises:
            IndexUnavailable: The stored vectors are another model's.
        """
        if not self._is_same and (probe := self._probe()) is not None:
            self._compare(probe[1], *self.model.embed_documents([probe[0]]))
        return self.model.embed_query(text)

    async def aembed_query(self, text: str) -> list[float]:
        """Do the same without blocking where the model can do so."""
        # The probe comes from a database: not on the event loop.
        if not self._is_same and (probe := await asyncio.to_thread(self._probe)) is not None:
            self._compare(probe[1], *(await self.model.aembed_documents([probe[0]])))
        return await self.model.aembed_query(text)

    def _probe(self) -> tuple[str, Matrix] | None:
        """Return the shortest of some stored documents, ``None`` while there is none."""
        if self._refusal is not None:
            raise self._refusal
        texts, vectors = self._stored()
        # A vector of zeros says nothing about its model.
        usable = [place for place, text in enumerate(texts) if text and vectors[place].any()]
        if not usable:
            return None
        place = min(usable, key=lambda place: len(texts[place]))
        return texts[place], vectors[place]

    def _compare(self, known: Matrix, made: Sequence[float]) -> None:
        vector = unit_vectors([made])[0]
        if len(vector) != len(known):
            found = f"vectors of {len(vector)} numbers, not {len(known)}"
        else:
            cosine = float(np.dot(vector, known) / np.linalg.norm(known))
            if cosine >= _SAME:
                self._is_same = True
                return
            found = f"another vector for a stored text (cosine {cosine:.2f})"
        self._refusal = IndexUnavailable(
            f"this is not the embedding model that the index was made with: it gives {found}. "
            "Open it with that model and the same settings, without embeddings (words only), or "
            "index anew in another place"
        )
        raise self._refusal


def _itself(model: Embeddings) -> Embeddings:
    return model
