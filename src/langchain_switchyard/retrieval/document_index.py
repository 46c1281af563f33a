"""LangChain's ``DocumentIndex`` over a hybrid index: what ``langchain_core.indexing`` fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.indexing.base import DeleteResponse, DocumentIndex, UpsertResponse
from pydantic import Field

from langchain_switchyard.retrieval.hybrid import HybridRetriever
from langchain_switchyard.retrieval.storage.records import given_ids


class HybridDocumentIndex(DocumentIndex):
    """A ``HybridRetriever`` that ``index()`` and ``aindex()`` of LangChain can keep up to date.

    ``sync_documents`` does the same in one transaction and needs no record manager; this is for
    those who have one already. A write either succeeds whole or raises: nothing is ever reported
    as failed.

    Example:
        ```python
        target = HybridDocumentIndex(retriever=HybridRetriever.open("my-index"))
        index(documents, record_manager, target, cleanup="full", source_id_key="source")
        target.invoke("违约责任")
        ```

    Attributes:
        retriever: Searches, and owns the index.
        k: Documents returned; the retriever's own ``k`` by default.
    """

    retriever: HybridRetriever
    k: int | None = Field(default=None, ge=1)

    def upsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Add documents, replacing those whose id exists; those without one get a stable one."""
        del kwargs
        ids = self.retriever.add_documents(items)
        return UpsertResponse(succeeded=list(dict.fromkeys(ids)), failed=[])

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Delete documents; unknown ids are no failure.

        Raises:
            ValueError: No ids: deleting everything must not happen by omission.
        """
        del kwargs
        if ids is None:
            raise ValueError("delete needs the ids to delete")
        wanted = list(dict.fromkeys(given_ids(ids)))
        known = [str(document.id) for document in self.retriever.index.get(wanted)]
        self.retriever.delete(known)
        return DeleteResponse(succeeded=known, failed=[], num_deleted=len(known), num_failed=0)

    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Return the documents of ``ids`` that exist."""
        del kwargs
        return self.retriever.index.get(ids)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        kwargs.setdefault("k", self.k)
        return self.retriever.invoke(query, {"callbacks": run_manager.get_child()}, **kwargs)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        kwargs.setdefault("k", self.k)
        return await self.retriever.ainvoke(query, {"callbacks": run_manager.get_child()}, **kwargs)
