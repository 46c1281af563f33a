"""Judgements as people have them: numbers as ids, lists and sets of relevant documents."""

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, aevaluate, evaluate, tune
from langchain_switchyard.retrieval.evaluation.judged import judged

QUERIES = {number: f"word{number}" for number in range(60)}


@pytest.mark.parametrize(
    "judgements",
    [
        {number: {number: 1} for number in QUERIES},
        {number: [str(number)] for number in QUERIES},
        {str(number): {str(number)} for number in QUERIES},
    ],
)
async def test_every_form_measures_the_same(judgements, embeddings):
    """Also by tuning, and without blocking."""
    documents = [Document(id=str(n), page_content=text) for n, text in QUERIES.items()]
    retriever = HybridRetriever.from_documents(documents, embeddings)
    found = evaluate(retriever, QUERIES, judgements)
    assert found["ndcg@10"].mean == 1
    assert found.queries[:2] == ("0", "1")
    assert (await aevaluate(retriever, QUERIES, judgements))["ndcg@10"].mean == 1
    assert tune(retriever, QUERIES, judgements, weights=[0.5]).weight is None


@pytest.mark.parametrize(
    ("queries", "judgements", "message"),
    [
        (["word1"], {"1": ["1"]}, "queries are a mapping"),
        ({"1": "word1"}, [("1", "1")], "judgements are a mapping"),
        ({"1": "word1"}, {"1": "1"}, "query '1'"),
        ({"1": "word1"}, {"1": 5}, "query '1'"),
        ({"1": "word1"}, {"2": ["1"]}, "no query"),
    ],
)
def test_other_forms_are_named(queries, judgements, message):
    """With what they should be."""
    with pytest.raises(ConfigurationError, match=message):
        judged(queries, judgements)
