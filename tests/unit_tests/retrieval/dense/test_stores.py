"""Stores outside: how they are written to."""

import numpy as np
from langchain_core.documents import Document

from langchain_switchyard.retrieval.dense.stores import ChromaStore


class Noted:
    """A Chroma collection that notes what is asked of it."""

    def __init__(self, collection):
        """Nothing yet."""
        self.collection, self.changes = collection, []

    def __getattr__(self, name):
        """What the collection has; changes are noted."""

        def call(**given):
            if name != "get":
                self.changes.append((name, list(given["ids"])))
            return getattr(self.collection, name)(**given)

        return call


def test_a_document_that_changes_in_chroma_is_deleted_first():
    """Changed in place, it could not be found any more in some of the runs, or hid others."""
    store = ChromaStore(None, "changes")
    store._collection = noted = Noted(store._collection)
    documents = [Document(id=i, page_content="text") for i in "abc"]
    vectors = np.eye(3, 4, dtype=np.float32)
    store.upsert(["a", "b"], documents[:2], vectors[:2])
    store.upsert(["b", "c"], documents[1:], vectors[1:])
    assert noted.changes == [("upsert", ["a", "b"]), ("delete", ["b"]), ("upsert", ["b", "c"])]
    assert sorted(noted.collection.get(include=[])["ids"]) == ["a", "b", "c"]
    store.close()
