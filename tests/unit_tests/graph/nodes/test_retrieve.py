"""Sources as data: numbers, places, budgets."""

from __future__ import annotations

from langchain_core.documents import Document

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
