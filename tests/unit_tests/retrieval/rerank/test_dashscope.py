"""DashScope's reranking, over HTTP, against a server on this machine that speaks its dialect."""

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from langchain_core.documents import Document
from langchain_core.exceptions import ModelError

from langchain_switchyard.errors import ConfigurationError, MissingExtra, SwitchyardError
from langchain_switchyard.retrieval import DashScopeRerank, RerankFailed
from langchain_switchyard.testing import (
    Arrearage,
    ContentPolicyViolation,
    FaultyProvider,
    HtmlWith200,
    InsufficientQuota,
    InvalidApiKey,
    ModelNotFound,
    NeverAnswers,
    Overloaded,
    RateLimited,
    ResetBeforeHeaders,
    ServerError,
    TruncatedJson,
)

DOCUMENTS = [
    Document(id="cat", page_content="Cats sleep most of the day.", metadata={"lang": "en"}),
    Document(id="law", page_content="合同法规定了违约责任。", metadata={"lang": "zh"}),
    Document(id="copy", page_content="Cats sleep most of the day.", metadata={"lang": "en"}),
]


@pytest.fixture
def provider():
    """A healthy provider; nothing of it is left when the test ends."""
    with FaultyProvider() as running:
        yield running


@pytest.fixture
def make(provider):
    """Rerankers that ask it, closed at the end."""
    made = []

    def build(**options):
        options = {"api_key": "sk-secret", "base_url": provider.dashscope_url, **options}
        made.append(DashScopeRerank(**options))
        return made[-1]

    yield build
    for rerank in made:
        rerank.close()


async def both(rerank, documents, query):
    """The answer of the synchronous and of the asynchronous call."""
    ranked = [
        rerank.compress_documents(documents, query),
        await rerank.acompress_documents(documents, query),
    ]
    await rerank.aclose()
    return ranked


@pytest.mark.parametrize(
    ("query", "order"),
    [("违约责任", ["law", "cat", "copy"]), ("cats sleep", ["cat", "copy", "law"])],
)
async def test_the_service_s_scores_decide(make, query, order):
    """Chinese and English; equal scores keep the given order; ids and metadata are kept."""
    for ranked in await both(make(), DOCUMENTS, query):
        assert [each.id for each in ranked] == order
        assert ranked[0].metadata["relevance_score"] > ranked[2].metadata["relevance_score"]
        assert ranked[0].metadata["lang"]
    assert all("relevance_score" not in each.metadata for each in DOCUMENTS)


def test_the_request_is_what_the_service_documents(make, provider):
    """Path, bearer token, nesting; all scores are asked for, whatever top_n is."""
    assert len(make(model="gte-rerank-v2", top_n=1).compress_documents(DOCUMENTS, "q")) == 1
    (request,) = provider.requests
    assert request.path == "/api/v1/services/rerank/text-rerank/text-rerank"
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert request.body == {
        "model": "gte-rerank-v2",
        "input": {"query": "q", "documents": [each.page_content for each in DOCUMENTS]},
        "parameters": {"top_n": 3, "return_documents": False},
    }


@pytest.mark.parametrize(
    ("fault", "kind", "retryable"),
    [
        (RateLimited(), "rate_limited", True),
        (InsufficientQuota(), "quota_exhausted", False),
        (Arrearage(), "quota_exhausted", False),
        (InvalidApiKey(), "auth", False),
        (ModelNotFound(), "auth", False),
        (ContentPolicyViolation(), "content_filtered", False),
        (ServerError(), "server_error", True),
        (Overloaded(), "server_error", True),
        (HtmlWith200(), "server_error", True),
        (TruncatedJson(), "server_error", True),
        (ResetBeforeHeaders(), "connection", True),
    ],
)
async def test_failures_say_what_happened_and_what_to_do(make, provider, fault, kind, retryable):
    """One error of one root, whatever went wrong; the key is in no message."""
    provider.set_default(fault)
    rerank = make()
    for call in (rerank.compress_documents, rerank.acompress_documents):
        with pytest.raises(RerankFailed) as failed:
            found = call(DOCUMENTS, "q")
            await found
        assert failed.value.kind == kind
        assert failed.value.is_retryable is retryable
        assert isinstance(failed.value, SwitchyardError)
        assert isinstance(failed.value, ModelError)
        assert "sk-secret" not in str(failed.value)
    await rerank.aclose()


async def test_a_silent_service_is_given_up_in_time(make, provider):
    """After the timeout; the message says how to change it."""
    provider.set_default(NeverAnswers())
    rerank = make(timeout=0.05)
    for call in (rerank.compress_documents, rerank.acompress_documents):
        with pytest.raises(RerankFailed, match=r"within 0\.05 s.*timeout=") as failed:
            await call(DOCUMENTS, "q")
        assert failed.value.kind == "timeout"
    await rerank.aclose()


async def test_keep_order_gives_the_documents_as_they_were_and_says_so(make, provider, caplog):
    """No score is invented; top_n still holds."""
    provider.set_default(ServerError())
    for ranked in await both(make(on_error="keep_order", top_n=2), DOCUMENTS, "q"):
        assert [each.id for each in ranked] == ["cat", "law"]
        assert "relevance_score" not in ranked[0].metadata
        assert "given order stands" in ranked.notes[0]
    assert "given order stands" in caplog.text


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/api/v1", "http://[", "ftp://x/y"])
async def test_an_address_that_leads_nowhere_is_no_connection(base_url):
    """Refused, malformed, or no HTTP at all: the message names what to check."""
    rerank = DashScopeRerank(api_key="k", base_url=base_url)
    for call in (rerank.compress_documents, rerank.acompress_documents):
        with pytest.raises(RerankFailed, match="check base_url") as failed:
            await call(DOCUMENTS, "q")
        assert failed.value.kind == "connection"
    await rerank.aclose()


def test_keep_order_hides_no_bug_of_the_caller(make):
    """Only failures of the service degrade."""
    with pytest.raises(AttributeError):
        make(on_error="keep_order").compress_documents([None], "q")


def test_long_lists_go_out_in_several_requests(make, provider):
    """Scores are each document's own, so lists can be cut; every document comes back once."""
    documents = [Document(id=str(n), page_content=f"text {n}") for n in range(1_001)]
    documents[700].page_content = "违约责任"
    ranked = make().compress_documents(documents, "违约责任")
    assert [len(request.body["input"]["documents"]) for request in provider.requests] == [
        500, 500, 1,
    ]  # fmt: skip
    assert ranked[0].id == "700"
    assert sorted(each.id for each in ranked) == sorted(each.id for each in documents)


def test_a_request_holds_no_more_tokens_than_the_model_takes(make, provider):
    """The older model takes a quarter of the newer one's."""
    documents = [Document(id=str(n), page_content="word " * 3_000) for n in range(10)]
    make(model="gte-rerank-v2").compress_documents(documents, "word")
    assert len(provider.requests) == 2


def test_blank_documents_are_not_sent_and_not_lost(make, provider):
    """The service refuses them; they score nothing."""
    documents = [Document(id="blank", page_content=" \n"), *DOCUMENTS]
    ranked = make().compress_documents(documents, "cats")
    assert [each.id for each in ranked] == ["cat", "copy", "blank", "law"]
    assert len(provider.requests[0].body["input"]["documents"]) == 3
    provider.reset()
    assert make().compress_documents([], "cats") == []
    assert [each.id for each in make().compress_documents(documents[:1], "cats")] == ["blank"]
    assert provider.requests == []


def test_a_reranker_outlives_its_event_loops(make):
    """Connections of a loop that ended are not used by the next."""
    rerank = make()

    async def ask():
        ranked = await rerank.acompress_documents(DOCUMENTS, "cats")
        await rerank.aclose()
        return [each.id for each in ranked]

    assert asyncio.run(ask()) == asyncio.run(ask()) == ["cat", "copy", "law"]


def test_connections_are_kept_between_calls(make, provider):
    """One handshake, not one per question."""
    rerank = make()
    for _ in range(3):
        rerank.compress_documents(DOCUMENTS, "cats")
    assert provider.connections_accepted == 1


@pytest.mark.parametrize("name", ["DASHSCOPE_API_KEY", "TONGYI_API_KEY"])
def test_the_key_comes_from_the_environment(monkeypatch, provider, name):
    """Either name; it is a secret from then on."""
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    monkeypatch.delenv("TONGYI_API_KEY", raising=False)
    monkeypatch.setenv(name, " sk-from-env ")
    rerank = DashScopeRerank(base_url=provider.dashscope_url)
    rerank.compress_documents(DOCUMENTS, "q")
    assert provider.requests[0].headers["authorization"] == "Bearer sk-from-env"
    assert "sk-from-env" not in repr(rerank) + rerank.model_dump_json()


def test_without_a_key_nothing_is_made(monkeypatch):
    """The message names the variables."""
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    monkeypatch.setenv("TONGYI_API_KEY", "  ")
    for options in ({}, {"api_key": None}, {"api_key": ""}):
        with pytest.raises(ConfigurationError, match="DASHSCOPE_API_KEY or TONGYI_API_KEY"):
            DashScopeRerank(**options)


def test_a_missing_library_names_the_extra(monkeypatch):
    """The command to type is in the message."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[rerank\]"):
        DashScopeRerank(api_key="k")


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{"index": 0, "relevance_score": 0.5}],
        [{"index": n, "relevance_score": 0.5} for n in (0, 1, 1)],
        [{"index": n, "relevance_score": 0.5} for n in (0, 1, 3)],
        [{"index": n} for n in range(3)],
        [{"index": n, "relevance_score": None} for n in range(3)],
        [{"index": n, "relevance_score": float("nan")} for n in range(3)],
        "none",
        None,
    ],
)
def test_an_answer_that_does_not_score_everything_is_no_answer(results):
    """A document the service forgot must not vanish, nor one be scored twice."""

    class Wrong(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"output": {"results": results}}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        rerank = DashScopeRerank(api_key="k", base_url=f"http://127.0.0.1:{server.server_port}")
        try:
            with pytest.raises(RerankFailed, match="server_error"):
                rerank.compress_documents(DOCUMENTS, "q")
        finally:
            rerank.close()
            server.shutdown()
