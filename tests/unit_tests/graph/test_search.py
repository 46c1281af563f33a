"""A search in a graph is a retriever run, with scores."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from langchain_switchyard.graph.search import SCORE, Search
from langchain_switchyard.retrieval import HybridRetriever


class Listener(BaseCallbackHandler):
    """Writes down what retriever runs tell."""

    def __init__(self) -> None:
        self.began: list[tuple[str, str, Any]] = []
        self.found: list[list[Document]] = []
        self.failed: list[BaseException] = []

    def on_retriever_start(self, serialized, query, *, name=None, tags=None, **rest):
        self.began.append((name, query, tags))

    def on_retriever_end(self, documents, **rest):
        self.found.append(list(documents))

    def on_retriever_error(self, error, **rest):
        self.failed.append(error)


@pytest.fixture(params=["sync", "async"])
def find(request):
    """Search with somebody listening, either way."""

    async def search(retriever: Any, query: str, k: int, listener: Listener) -> list[Document]:
        looking = Search(retriever)
        if request.param == "sync":
            node = RunnableLambda(lambda asked: looking.find(asked, k))
            return node.invoke(query, {"callbacks": [listener]})

        async def look(asked: str) -> list[Document]:
            return await looking.afind(asked, k)

        return await RunnableLambda(look).ainvoke(query, {"callbacks": [listener]})

    return search


async def test_a_listener_sees_one_run_with_documents_and_scores(
    find, library: HybridRetriever
) -> None:
    """Under the name and the tags that the user gave the retriever."""
    named = library.model_copy(update={"name": "handbook", "tags": ["shop"]})
    listener = Listener()

    found = await find(named, "refunds", 2, listener)

    began = [run for run in listener.began if not run[0].endswith(" leg")]
    assert began == [("handbook", "refunds", ["shop"])]
    assert listener.found[-1] == found
    assert [document.id for document in found] == [hit.id for hit in library.search("refunds", 2)]
    assert [document.metadata[SCORE] for document in found] == [
        hit.score for hit in library.search("refunds", 2)
    ]


async def test_scores_do_not_stay_in_the_index(find, library: HybridRetriever) -> None:
    """The documents of others are not written into."""
    await find(library, "refunds", 2, Listener())
    assert all(SCORE not in document.metadata for document in library.invoke("refunds"))


class Plain(BaseRetriever):
    """No scores, no k."""

    def _get_relevant_documents(self, query, *, run_manager):
        if query == "bad":
            raise RuntimeError("the index is gone")
        return [Document("x", metadata={SCORE: 0.25})]


async def test_any_retriever_and_any_runnable_will_do(find) -> None:
    """They are asked without arguments they might not know."""
    listener = Listener()
    assert len(await find(Plain(), "x", 3, listener)) == 1
    assert len(listener.began) == 1
    chain = RunnableLambda(lambda query: [Document(query)])
    assert (await find(chain, "问", 3, Listener()))[0].page_content == "问"
    wrapped = Plain().with_config(tags=["mine"])
    assert len(await find(wrapped, "x", 3, Listener())) == 1


async def test_a_failing_search_is_a_failed_run_and_an_error(find) -> None:
    """Nothing is swallowed."""
    listener = Listener()
    with pytest.raises(RuntimeError, match="gone"):
        await find(Plain(), "bad", 3, listener)
    assert [str(error) for error in listener.failed] == ["the index is gone"]
