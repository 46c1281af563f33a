"""Elasticsearch and OpenSearch: what the suite does not ask: fusion, licences, outages, secrets."""

import logging
import time

import pytest
from langchain_core.documents import Document
from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, SearchConfig
from langchain_switchyard.retrieval.backends import BackendError, ElasticsearchBackend
from langchain_switchyard.retrieval.backends.conformance_library import LIBRARY, TermDirections
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from tests.unit_tests.retrieval.backends.elasticsearch_loopback import Loopback


@pytest.fixture
def server():
    """With a licence for everything."""
    started = Loopback()
    yield started
    started.close()
    assert started.refused == []


@pytest.fixture
def unlicensed():
    """The free licence: no retrievers that fuse."""
    started = Loopback(licensed=False)
    yield started
    started.close()


def filled(server, fusion=None, **kwargs):
    """The library with both legs."""
    return HybridRetriever.from_documents(
        LIBRARY,
        TermDirections(),
        backend=ElasticsearchBackend(server.url, **kwargs),
        config=SearchConfig(fusion=fusion),
    )


@pytest.mark.parametrize("fusion", ["server_rrf", "server_linear"])
async def test_the_server_fuses_when_asked(server, fusion):
    """One request instead of two; filters hold; the hit says who fused."""
    retriever = filled(server, fusion)
    for result in (retriever.search("dogs run"), await retriever.asearch("dogs run")):
        assert result[0].id == "dog"
        assert set(result[0].legs) == {"server"}
        assert result.notes == ()
    assert [d.id for d in retriever.invoke("dogs 合同", filter={"lang": "zh"})] == ["law"]


def test_the_servers_rrf_is_that_formula(server):
    """``1 / (60 + rank)``, summed over both legs."""
    assert filled(server, "server_rrf").search("dogs run")[0].score == pytest.approx(2 / 61)


@pytest.mark.parametrize("fusion", ["server_rrf", "server_linear"])
async def test_without_the_licence_fusion_is_done_here_and_said_so(unlicensed, fusion):
    """The answer is there all the same."""
    retriever = filled(unlicensed, fusion)
    for result in (retriever.search("dogs run"), await retriever.asearch("dogs run")):
        assert result[0].id == "dog"
        assert set(result[0].legs) == {"dense", "lexical"}
        assert "non-compliant" in result.notes[0]


def test_a_fusion_the_server_has_not_is_refused_at_once(server):
    """Naming those it has; OpenSearch has none that need no set-up."""
    with pytest.raises(ConfigurationError, match="server_linear, server_rrf"):
        filled(server, "server_dbsf")
    with pytest.raises(ConfigurationError, match="nothing"):  # Before the server is changed.
        filled(server, "server_rrf", dialect="opensearch")


def test_secrets_go_to_the_server_and_nowhere_else(server, caplog):
    """The key is in the header, and in no message, log or repr."""
    caplog.set_level(logging.DEBUG)
    backend = ElasticsearchBackend(server.url, api_key=SecretStr("very-secret"))
    assert backend.count() == 0
    assert server.seen[-1][2]["authorization"] == "ApiKey very-secret"
    assert "very-secret" not in caplog.text
    assert "very-secret" not in repr(vars(backend))


@pytest.mark.parametrize("dialect", ["elasticsearch", "opensearch"])
def test_a_dead_server_is_a_clear_error_in_bounded_time(dialect):
    """Not a hang, and not the client's own exception; the place without the password."""
    server = Loopback()
    server.close()
    url = server.url.replace("http://", "http://me:very-secret@")
    backend = ElasticsearchBackend(url, dialect=dialect, timeout=2)
    start = time.monotonic()
    with pytest.raises(BackendError, match=f"{dialect} at 127") as caught:
        backend.count()
    assert time.monotonic() - start < 10
    assert "very-secret" not in str(caught.value)


def test_another_model_is_refused(server):
    """With both numbers, before anything is written."""

    class Wide(TermDirections):
        def embed_query(self, text):
            return [*super().embed_query(text), 0.0]

    filled(server)
    with pytest.raises(IndexUnavailable, match="65 numbers, not 64"):
        HybridRetriever.from_documents(
            [Document(page_content="new")], Wide(), backend=ElasticsearchBackend(server.url)
        )


def test_embeddings_can_be_added_later(server):
    """What was written with words only is found by words; what comes after by both."""
    HybridRetriever.from_documents(LIBRARY[:2], backend=ElasticsearchBackend(server.url))
    later = HybridRetriever.from_documents(
        LIBRARY[2:], TermDirections(), backend=ElasticsearchBackend(server.url)
    )
    assert later.search("dogs run")[0].legs["dense"].rank == 1
    assert {d.id for d in later.invoke("dogs cats")} == {"dog", "cat"}


def test_settings_do_not_lose_each_other(server):
    """The mapping's ``_meta`` is replaced as a whole."""
    backend = ElasticsearchBackend(server.url)
    backend.remember("a", "1")
    backend.remember("b", "二")
    assert backend.settings() == {"a": "1", "b": "二"}


def test_what_was_refused_by_the_server_is_an_error_and_not_silence(server):
    """A bulk request answers 200 and hides the failure inside."""
    backend = ElasticsearchBackend(server.url)
    backend.remember("tokenizer", "mixed/1")
    with pytest.raises(BackendError, match="1 documents were refused, the first because of"):
        backend._wire.bulk([{"index": {"_index": "switchyard", "_id": "x" * 600}}, {"id": "x"}])


def test_numbers_and_negative_numbers_keep_their_order(server):
    """As keywords that sort like the numbers."""
    values = [-1e9, -2.5, -1, 0, 0.1, 3, 20, 1e12]
    documents = [
        Document(id=str(value), page_content="number", metadata={"n": value, "n.m": "other"})
        for value in values
    ]
    retriever = HybridRetriever.from_documents(
        documents, backend=ElasticsearchBackend(server.url), k=20
    )
    for value in values:
        found = retriever.invoke("number", filter={"n": {"$gt": value}})
        assert sorted(d.metadata["n"] for d in found) == [each for each in values if each > value]
        found = retriever.invoke("number", filter={"n": {"$lte": value}})
        assert sorted(d.metadata["n"] for d in found) == [each for each in values if each <= value]


@pytest.mark.parametrize(
    "wrong", [{}, {"url": "http://x", "client": object()}, {"url": "http://x", "refresh": "maybe"}]
)
def test_contradictory_arguments_are_refused(wrong):
    """With what to do instead."""
    with pytest.raises(ConfigurationError):
        ElasticsearchBackend(**wrong)
