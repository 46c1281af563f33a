"""Write what was prepared: contents and what is remembered of them, in one step."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import BaseDocumentTransformer

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.storage.index import Index
from langchain_switchyard.retrieval.sync.preparation import Preparation, Prepared


def preparation_for(index: Index, splitter: BaseDocumentTransformer | None) -> Preparation:
    """Return how this index wants its documents prepared.

    Raises:
        ConfigurationError: Not an index that can remember what it was given.
    """
    if not isinstance(index, Index):
        raise ConfigurationError(
            f"synchronising needs an Index, got {type(index).__name__}: give a retriever's .index; "
            "another engine is filled with add_documents, or by LangChain's index() through a "
            "HybridDocumentIndex"
        )
    dense = index.dense
    model = dense.embeddings if dense is not None and dense.embeds else None
    return Preparation(splitter, index.lexical.tokenizer, model)


def commit(index: Index, scope: str, results: Sequence[Prepared]) -> None:
    """Write results that did not fail; without a stamp the name is forgotten.

    Each is either old or new afterwards, never half, whenever the process is killed.
    """
    changes = {each.origin: each.entries for each in results if each.entries is not None}

    def record() -> None:
        for each in results:
            index.catalog.write_stamp(scope, each.name, each.stamp)

    if changes:
        index.replace_origins(changes, record)
    elif results:
        with index.catalog.transaction():
            record()
