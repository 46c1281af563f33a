"""A retriever as a tool that an agent may call."""

from __future__ import annotations

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, tool

from langchain_switchyard.retrieval.documents.citations import as_context


def search_tool(
    retriever: BaseRetriever,
    name: str = "search_documents",
    description: str = "Search the indexed documents; query in their language.",
) -> BaseTool:
    """Return a tool whose answer is numbered, cited passages; its artifact is the documents.

    Args:
        retriever: Searches.
        name: What the model calls it by.
        description: Tells the model when to use it; name the subject of the documents.
    """

    def answer(found: list[Document]) -> tuple[str, list[Document]]:
        return (as_context(found) if found else "Nothing was found."), found

    @tool(name, description=description, response_format="content_and_artifact")
    def search(query: str) -> tuple[str, list[Document]]:
        """Search."""
        return answer(retriever.invoke(query))

    async def asearch(query: str) -> tuple[str, list[Document]]:
        return answer(await retriever.ainvoke(query))

    search.coroutine = asearch
    result: BaseTool = search
    return result
