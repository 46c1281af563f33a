"""Finish what a killed process, or one without the embedding model, left undone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from langchain_switchyard.retrieval.dense.dense_leg import DenseLeg
from langchain_switchyard.retrieval.dense.vectors import Matrix, decode_vector, encode_vector
from langchain_switchyard.retrieval.storage.catalog import Catalog
from langchain_switchyard.retrieval.storage.records import decode, indexed_text

_BATCH = 500


def complete(catalog: Catalog, dense: DenseLeg) -> int | None:
    """Make the dense leg hold what the catalogue holds.

    An intent names a document whose state in the outside store is unknown: it is written again if
    the catalogue has it, and deleted there if not; intents wait while no such store is attached.
    Documents without a vector are embedded.

    Returns:
        The generation after the repair, ``None`` when there was nothing to do.
    """
    intents = _intents(catalog, dense)
    if not intents and not (dense.embeds and catalog.without_vector()):
        return None
    with catalog.writing():
        # Read again: another process may have finished while we waited for our turn.
        intents = _intents(catalog, dense)
        missing = catalog.without_vector() if dense.embeds else []
        known = catalog.by_id(intents)
        dense.remove([i for i in intents if i not in known])
        todo = {record.row: record for record in [*known.values(), *missing]}
        records = [todo[row] for row in sorted(todo)]
        for start in range(0, len(records), _BATCH):
            part = records[start : start + _BATCH]
            documents = [decode(record) for record in part]
            texts = [
                indexed_text(document.page_content, document.metadata) for document in documents
            ]
            vectors = _vectors(catalog, dense, [record.row for record in part], texts)
            dense.upsert([record.id for record in part], documents, vectors)
            if vectors is not None:
                rows = [record.row for record in part]
                with catalog.transaction():
                    catalog.insert_vectors(
                        (row, encode_vector(vector))
                        for row, vector in zip(rows, vectors, strict=True)
                    )
        with catalog.transaction():
            catalog.settle_intents(intents)
            generation = catalog.next_generation()
    dense.reload()
    return generation


def _intents(catalog: Catalog, dense: DenseLeg) -> list[str]:
    return [] if dense.store is None else catalog.intents()


def _vectors(
    catalog: Catalog, dense: DenseLeg, rows: Sequence[int], texts: Sequence[str]
) -> Matrix | None:
    """Unit vectors of documents: the catalogue's, and new ones where it has none."""
    if not dense.embeds:
        return None
    known = {row: decode_vector(blob) for row, blob in catalog.vectors_of(rows).items()}
    fresh = {row: text for row, text in zip(rows, texts, strict=True) if row not in known}
    made = dense.embed(list(fresh.values())) if fresh else None
    if made is not None:
        known.update(zip(fresh, made, strict=True))
    return np.stack([known[row] for row in rows])
