"""Stores outside: what was written is found, however often it is written anew."""

import numpy as np
from langchain_core.documents import Document

from langchain_switchyard.retrieval.dense.stores import ChromaStore


def sparse(rng, count, dimensions=256):
    """Unit vectors of few numbers, as of short texts: many are equally near."""
    made = np.zeros((count, dimensions), np.float32)
    for row in made:
        row[rng.integers(0, dimensions, 4)] = 1
    made[:, 0] = 1
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_documents_of_chroma_stay_in_reach_however_often_they_change():
    """Changed in place, one in some hundred could not be found any more."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        store = ChromaStore(None, f"changes-{seed}")
        ids = [f"d{n}" for n in range(60)]
        documents = [Document(id=i, page_content="text") for i in ids]
        store.upsert(ids, documents, sparse(rng, 60))
        for _ in range(40):
            chosen = np.unique(rng.integers(0, 60, 5)).tolist()
            store.upsert(
                [ids[n] for n in chosen],
                [documents[n] for n in chosen],
                sparse(rng, len(chosen)),
            )
            found = store.search("", sparse(rng, 1)[0], 60, None)
            assert sorted(i for i, _ in found) == sorted(ids)
        store.close()
