"""The evaluation kit on rankings one can check by hand."""

import asyncio

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.retrieval.evaluation.evaluate import aevaluate, evaluate


def test_a_retriever_is_measured_on_its_judged_queries():
    """Queries without judgements are left out."""
    texts = [Document(id=name, page_content=name) for name in ("apple", "pear")]
    retriever = HybridRetriever.from_documents(texts)
    queries = {"1": "apple", "2": "pear", "3": "unjudged"}
    result = evaluate(retriever, queries, {"1": {"apple": 1}, "2": {"apple": 1}, "3": {"x": 0}})
    assert result.queries == ("1", "2")
    assert result["recall@100"].mean == 0.5
    assert "ndcg@10" in str(result)


def test_differences_are_paired():
    """A constant gain has no spread, however much the queries differ."""
    queries = {str(number): str(number) for number in range(30)}
    judgements = {name: {name: 1} for name in queries}
    good = evaluate(lambda query: [query], queries, judgements)
    half = evaluate(lambda query: ["other", query], queries, judgements)
    gain = good.difference(half, "mrr@10")
    assert (gain.mean, gain.low, gain.high) == (0.5, 0.5, 0.5)
    with pytest.raises(ConfigurationError, match="same queries"):
        good.difference(evaluate(lambda query: [query], {"1": "1"}, judgements), "map")


def test_no_judged_query_is_an_error():
    """Most likely the ids do not fit."""
    with pytest.raises(ConfigurationError, match="ids"):
        evaluate(lambda _: [], {"1": "x"}, {"2": {"a": 1}})


APPLES = [Document(id=name, page_content=name) for name in ("apple", "pear", "苹果")]
FRUIT = {"1": "apple", "2": "苹果"}, {"1": {"apple": 2}, "2": {"苹果": 1}}


def test_whatever_can_be_asked_can_be_measured():
    """A retriever, a runnable, and functions that return ids, documents or hits."""
    retriever = HybridRetriever.from_documents(APPLES)
    asked = [
        retriever,
        RunnableLambda(retriever.invoke),
        lambda query: retriever.search(query, k=50),
        retriever.invoke,
        lambda query: [document.id for document in retriever.invoke(query)],
    ]
    assert [evaluate(each, *FRUIT)["map"].mean for each in asked] == [1.0] * 5


def test_a_retriever_with_a_configuration_is_asked_as_deeply():
    """Not only for the few that it returns by default."""
    retriever = HybridRetriever.from_texts([f"apple {n}" for n in range(50)], k=1)
    ids = [hit.id for hit in retriever.search("apple", k=50)]
    wrapped = retriever.with_config(tags=["mine"]).with_retry()
    queries, judgements = {"1": "apple"}, {"1": dict.fromkeys(ids, 1)}
    result = evaluate(wrapped, queries, judgements, measures=["recall@100"])
    assert result["recall@100"].mean == 1


class Narrow(BaseRetriever):
    """One with an argument of its own, and none called k."""

    found: list[Document]

    def _get_relevant_documents(self, query, *, run_manager, flavour="sweet"):
        return self.found


def test_a_retriever_without_k_is_cut_at_the_depth():
    """It is not handed an argument that it does not know."""
    deep = Narrow(found=[Document(id=f"x{n}", page_content="") for n in range(5)] + APPLES)
    assert evaluate(deep, *FRUIT, depth=5, measures=["recall@100"])["recall@100"].mean == 0
    assert evaluate(deep, *FRUIT, depth=9, measures=["recall@100"])["recall@100"].mean == 1


def test_documents_without_ids_are_refused():
    """Rather than all counted as one document called None."""
    nameless = Narrow(found=[Document(page_content="apple")])
    with pytest.raises(ConfigurationError, match="id"):
        evaluate(nameless, *FRUIT)


def test_measures_can_be_chosen():
    """Only those are computed; what was not measured is named."""
    result = evaluate(lambda query: [query], *FRUIT, measures=["precision@1", "nDCG@3"])
    assert list(result.scores) == ["precision@1", "nDCG@3"]
    with pytest.raises(ConfigurationError, match=r"precision@1, nDCG@3"):
        result["map"]


async def test_asynchronous_evaluation_finds_the_same_a_few_at_a_time():
    """In the order of the queries, and never more at once than allowed."""
    under_way, most = 0, 0

    async def search(query: str) -> list[str]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(int(query) % 7):
            await asyncio.sleep(0)
        under_way -= 1
        return ["x"] * (int(query) % 3) + [query]

    queries = {str(number): str(number) for number in range(30)}
    judgements = {name: {name: 1} for name in queries}
    found = await aevaluate(
        RunnableLambda(lambda _: [], search), queries, judgements, concurrency=4
    )
    again = evaluate(lambda q: ["x"] * (int(q) % 3) + [q], queries, judgements)
    assert found.queries == again.queries
    assert found.scores["mrr@10"].tolist() == again.scores["mrr@10"].tolist()
    assert most == 4
