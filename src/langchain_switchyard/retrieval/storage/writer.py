"""How one write becomes durable and visible, in an order that a kill cannot spoil.

Embed first: it takes longest and changes nothing. Then, as the only writer, note the intent where
an outside store is involved, change the store, commit the catalogue in one transaction, and bring
the structures in memory after it. What a kill leaves behind the next opening completes or undoes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg
from langchain_switchyard.retrieval.dense.vectors import Matrix, decode_vector, encode_vector
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.replica import Replica
from langchain_switchyard.retrieval.storage.catalog import Catalog
from langchain_switchyard.retrieval.storage.entry import Entry
from langchain_switchyard.retrieval.storage.records import decode, encode_terms, indexed_text


class Writer:
    """Writes entries to the catalogue, both legs, and an outside store, if there is one.

    Args:
        catalog: The truth.
        lexical: The lexical leg in memory.
        replica: Knows how far memory has followed the catalogue.
        lock: Held while memory changes.
        refresh: Takes in what other processes wrote.
    """

    def __init__(
        self,
        catalog: Catalog,
        lexical: LexicalIndex,
        replica: Replica,
        lock: threading.RLock,
        refresh: Callable[[], None],
    ) -> None:
        """Write nothing yet."""
        self._catalog = catalog
        self._lexical = lexical
        self._replica = replica
        self._lock = lock
        self._refresh = refresh

    def write(
        self,
        entries: Sequence[Entry],
        stale: Sequence[str],
        dense: DenseLeg | None,
        after: Callable[[], None] | None = None,
    ) -> None:
        """Put ``entries`` in, replacing equal ids, and take ``stale`` ids out, in one step.

        Args:
            entries: With distinct ids.
            stale: Unknown ones are ignored.
            dense: The dense leg, if there is one.
            after: Runs inside the transaction, to record what belongs to it.
        """
        vectors = self._vectors(entries, dense) if dense is not None else None
        touched = [*(entry.id for entry in entries), *stale]
        with self._lock, self._catalog.writing():
            self._refresh()
            self._change_store(entries, vectors, touched, dense)
            dead = {
                record.row: self._lexical.terms(indexed_text(record.text, decode(record).metadata))
                for record in self._catalog.by_id(touched).values()
            }
            with self._catalog.transaction():
                self._catalog.remove((row, encode_terms(terms)) for row, terms in dead.items())
                rows = self._catalog.insert(
                    (each.id, each.origin, each.document.page_content, each.metadata)
                    for each in entries
                )
                if vectors is not None:
                    encoded = map(encode_vector, vectors)
                    self._catalog.insert_vectors(zip(rows, encoded, strict=True))
                if after is not None:
                    after()
                generation = self._catalog.next_generation()
            try:
                for row, terms in dead.items():
                    self._lexical.delete(row, terms)
                self._lexical.add_terms(rows, map(self._terms, entries))
                self._replica.wrote(generation, rows)
            except BaseException:
                # Interrupted halfway: memory is built anew from what was committed.
                self._replica.generation = -1
                raise
            self._follow(dense, list(dead), stale)
            self._replica.settle()

    def _terms(self, entry: Entry) -> Sequence[str]:
        return self._lexical.tokenizer.tokens(entry.text) if entry.terms is None else entry.terms

    def _vectors(self, entries: Sequence[Entry], dense: DenseLeg) -> Matrix | None:
        """Embed what is new; a document whose metadata alone changed keeps its vector."""
        if not dense.embeds or not entries:
            return None
        found = {entry.id: entry.vector for entry in entries if entry.vector is not None}
        known = self._catalog.by_id([entry.id for entry in entries if entry.id not in found])
        same = {
            entry.id: known[entry.id].row
            for entry in entries
            if entry.id in known
            and indexed_text(known[entry.id].text, decode(known[entry.id]).metadata) == entry.text
        }
        blobs = self._catalog.vectors_of(list(same.values()))
        found.update({i: decode_vector(blobs[row]) for i, row in same.items() if row in blobs})
        fresh = {entry.id: entry.text for entry in entries if entry.id not in found}
        made = dense.embed(list(fresh.values())) if fresh else None
        if made is not None:
            found.update(zip(fresh, made, strict=True))
        return np.stack([found[entry.id] for entry in entries])

    def _change_store(
        self,
        entries: Sequence[Entry],
        vectors: Matrix | None,
        touched: Sequence[str],
        dense: DenseLeg | None,
    ) -> None:
        outside = dense is not None and dense.store is not None
        if not outside and not self._catalog.setting("store"):
            return
        with self._catalog.transaction():
            # Also when the store is not attached now: it is put right when it is next.
            self._catalog.remember("store", "outside")
            self._catalog.intend(touched)
        if dense is not None and entries:
            ids, documents = [e.id for e in entries], [e.document for e in entries]
            dense.upsert(ids, documents, vectors)

    def _follow(self, dense: DenseLeg | None, dead: Sequence[int], stale: Sequence[str]) -> None:
        if dense is None:
            return
        dense.forget(dead)
        dense.refresh()
        if dense.store is not None:
            dense.remove(stale)
            with self._catalog.transaction():
                self._catalog.settle_intents(self._catalog.intents())
        dense.settle()
