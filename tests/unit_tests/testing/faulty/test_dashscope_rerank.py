"""DashScope's text rerank, asked through its own SDK where installed."""

import http.client
import json

import pytest

from langchain_switchyard.testing import RateLimited

ASK = {
    "model": "qwen3-rerank",
    "query": "违约责任",
    "documents": ["cats", "合同法的违约责任", "违约"],
}


@pytest.fixture
def rerank(provider, monkeypatch):
    """The SDK, pointed at the provider."""
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", provider.dashscope_url)

    def call(**options):
        return dashscope.TextReRank.call(**{**ASK, "api_key": "k", **options})

    return call


def test_shared_words_rank_first(rerank):
    """Places in the request, scores from 0 to 1, highest first."""
    answer = rerank()
    assert answer.status_code == 200
    assert [result.index for result in answer.output.results][-1] == 0
    scores = [result.relevance_score for result in answer.output.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert answer.usage.total_tokens > 0


@pytest.mark.parametrize("wanted", [True, False])
def test_top_n_and_documents_as_asked(provider, wanted):
    """The texts come back on request only; plain HTTP, as the SDK drops them."""
    connection = http.client.HTTPConnection("127.0.0.1", int(provider.root_url.rsplit(":", 1)[1]))
    body = {
        "model": ASK["model"],
        "input": {"query": ASK["query"], "documents": ASK["documents"]},
        "parameters": {"top_n": 1, "return_documents": wanted},
    }
    path = "/api/v1/services/rerank/text-rerank/text-rerank"
    connection.request("POST", path, json.dumps(body))
    (result,) = json.loads(connection.getresponse().read())["output"]["results"]
    connection.close()
    document = {"document": {"text": ASK["documents"][result["index"]]}}
    assert result == {**result, **document} if wanted else "document" not in result


def test_refusals_are_worded_as_for_generation(rerank, provider):
    """Faults of any kind; and a request without documents."""
    provider.script(RateLimited())
    answer = rerank()
    assert (answer.status_code, answer.code) == (429, "Throttling.RateQuota")
    assert rerank(documents=["x", ""]).status_code == 400
    assert rerank(documents=["x"] * 501).status_code == 400
