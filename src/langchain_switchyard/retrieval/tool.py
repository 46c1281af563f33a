"""A retriever as a tool that an agent may call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, InjectedToolArg, tool

from langchain_switchyard.retrieval.documents.citations import as_context
from langchain_switchyard.retrieval.documents.passage_numbers import NUMBER, free_numbers
from langchain_switchyard.search_filter import FilterChoice, SearchFilter

# LangGraph fills an argument of this name; the model never sees it.
_Runtime = Annotated[Any, InjectedToolArg()]


def search_tool(
    retriever: BaseRetriever,
    name: str = "search_documents",
    description: str = "Search the indexed documents; query in their language.",
    *,
    filter: FilterChoice = None,  # noqa: A002 - LangChain's word.
) -> BaseTool:
    """Return a tool whose answer is numbered, cited passages; its artifact is the documents.

    In an agent no two passages of a thread share a number: each search goes on where the last one
    stopped, and searches that a model asks for at once take turns. The documents of the artifact
    say theirs in ``metadata["passage"]``.

    Args:
        retriever: Searches.
        name: What the model calls it by.
        description: Tells the model when to use it; name the subject of the documents.
        filter: Metadata conditions of every search, or what makes them of the ``ToolRuntime``
            (``None`` outside of an agent). The model cannot change them. Where a callable returns
            ``None``, everything can be found.

    Raises:
        ConfigurationError: A filter for a retriever that takes none.
    """
    wanted = SearchFilter(retriever, filter)

    def answer(found: Sequence[Document], runtime: object) -> tuple[str, list[Document]]:
        numbers = free_numbers(runtime, len(found))
        numbered = [
            each.model_copy(update={"metadata": {**each.metadata, NUMBER: number}})
            for each, number in zip(found, numbers, strict=True)
        ]
        shown = as_context(found, numbers=numbers) if found else "Nothing was found."
        return shown, numbered

    @tool(name, description=description, response_format="content_and_artifact")
    def search(query: str, runtime: _Runtime = None) -> tuple[str, list[Document]]:
        """Search."""
        return answer(retriever.invoke(query, **wanted.arguments(runtime)), runtime)

    async def asearch(query: str, runtime: _Runtime = None) -> tuple[str, list[Document]]:
        found = await retriever.ainvoke(query, **wanted.arguments(runtime))
        return answer(found, runtime)

    search.coroutine = asearch
    result: BaseTool = search
    return result
