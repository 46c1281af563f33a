"""Sources as data: numbers, places, budgets."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.graph import RetrievalState, retrieval_node
from langchain_switchyard.graph.nodes.retrieve import retrieve_node
from langchain_switchyard.graph.policy import AssistantPolicy
from langchain_switchyard.graph.state import AssistantState
from langchain_switchyard.retrieval import HybridRetriever


def state(query: str, **values: object) -> AssistantState:
    """A turn before its sources were looked for."""
    return {
        "query": query,
        "attempts": 0,
        "intent": {"intent_type": "question", "confidence": 0.8, "language": "en", "reason": ""},
        **values,
    }


def test_a_source_says_where_it_stands(library: HybridRetriever) -> None:
    """File, heading, line or page, and how well it fits."""
    node = retrieve_node(library, AssistantPolicy())

    [found] = node.invoke(state("kitchen soup"))["sources"]

    assert found["n"] == 1
    assert found["source"] == "kitchen.pdf"
    assert found["page"] == 2
    assert found["line"] is None
    assert found["score"] > 0


async def test_asynchronous_retrieval_finds_the_same(library: HybridRetriever) -> None:
    """Both ways in share all but the wait."""
    node = retrieve_node(library, AssistantPolicy())

    assert await node.ainvoke(state("refunds")) == node.invoke(state("refunds"))


def test_passages_stop_at_the_token_budget_but_there_is_always_one() -> None:
    """A single huge passage is better than none."""
    texts = [Document(id=str(n), page_content=f"refund {n} " + "word " * 400) for n in range(4)]
    library = HybridRetriever.from_documents(texts)

    two = retrieve_node(library, AssistantPolicy(source_tokens=900)).invoke(state("refund"))
    one = retrieve_node(library, AssistantPolicy(source_tokens=1)).invoke(state("refund"))

    assert len(two["sources"]) == 2
    assert len(one["sources"]) == 1


def test_an_unknown_word_finds_nothing_and_says_that_it_searched(library: HybridRetriever) -> None:
    """No noise."""
    found = retrieve_node(library, AssistantPolicy()).invoke(state("qwertz"))

    assert found == {"sources": [], "searched": True}


class Mine(MessagesState, RetrievalState):
    """A state of somebody else's graph."""

    mood: str


def own_graph(node: Any) -> Any:
    """A graph of one node."""
    graph = StateGraph(Mine)
    graph.add_node("look", node)
    graph.add_edge(START, "look")
    graph.add_edge("look", END)
    return graph.compile()


async def test_the_standalone_node_serves_any_graph(library: HybridRetriever) -> None:
    """It searches for the last question, sets its own key alone, and is seen as a retriever run."""
    graph = own_graph(retrieval_node(library, k=1))
    asked = {"messages": [("user", "hello"), ("ai", "hi"), ("user", "熔断器")], "mood": "calm"}

    events = [event async for event in graph.astream_events(asked, version="v2")]

    [run] = [e for e in events if e["event"] == "on_retriever_end" and "leg" not in e["name"]]
    assert run["name"] == "HybridRetriever"
    assert run["data"]["output"][0].id == "breaker"
    result = graph.invoke(asked)
    assert result.keys() == {"messages", "mood", "sources"}
    [source] = result["sources"]
    assert (source["source"], source["heading"], source["line"]) == ("概念.md", "熔断器", 1)
    assert source["score"] > 0
    assert await graph.ainvoke(asked) == {**result, "messages": ANY}


def test_a_query_in_the_state_comes_before_the_message(library: HybridRetriever) -> None:
    """Whoever rewrites questions puts the result there; or gives a function."""
    state = {"messages": [HumanMessage("refunds")], "query": "kitchen soup"}

    by_key = retrieval_node(library, k=1).invoke(state)
    by_function = retrieval_node(library, k=1, query=lambda s: s["mood"])
    nothing = retrieval_node(library).invoke({"messages": [HumanMessage("  ")]})

    assert by_key["sources"][0]["id"] == "kitchen"
    assert by_function.invoke({"mood": "receipt"})["sources"][0]["id"] == "receipts"
    assert nothing == {"sources": []}


@pytest.mark.parametrize("limits", [{"k": 0}, {"tokens": 0}])
def test_limits_under_which_nothing_is_found_are_refused(
    library: HybridRetriever, limits: dict[str, int]
) -> None:
    """When the graph is built, not when it runs."""
    with pytest.raises(ConfigurationError, match=next(iter(limits))):
        retrieval_node(library, **limits)


@pytest.mark.parametrize(
    "wanted", [{"source": "kitchen.pdf"}, lambda state: {"source": f"{state['mood']}.pdf"}]
)
async def test_a_filter_holds_for_every_search(library: HybridRetriever, wanted: Any) -> None:
    """As a value, or made of the state."""
    node = retrieval_node(library, query=lambda _: "refunds soup", filter=wanted)

    for found in (node.invoke({"mood": "kitchen"}), await node.ainvoke({"mood": "kitchen"})):
        assert [source["id"] for source in found["sources"]] == ["kitchen"]


def test_a_retriever_that_would_not_hear_of_the_filter_is_refused() -> None:
    """LangChain leaves such arguments out, and another tenant's documents would be found."""

    class Deaf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            return [Document(query)]

    for retriever in (Deaf(), Deaf().with_config(tags=["x"])):
        retrieval_node(retriever)
        with pytest.raises(ConfigurationError, match="Deaf takes no filter"):
            retrieval_node(retriever, filter={"tenant": "a"})


def test_other_retrievers_are_given_the_filter_as_they_know_it(library: HybridRetriever) -> None:
    """A vector store's, a bound one, a runnable of one's own."""
    seen: list[Any] = []

    def search(query: str, **wanted: Any) -> list[Document]:
        seen.append(wanted)
        return [Document(query)]

    asked = {"query": "refunds soup"}
    retrieval_node(RunnableLambda(search), filter={"a": 1}).invoke(asked)
    bound = retrieval_node(library.with_config(tags=["x"]), filter={"source": "kitchen.pdf"})

    assert seen == [{"filter": {"a": 1}}]
    assert [source["id"] for source in bound.invoke(asked)["sources"]] == ["kitchen"]
