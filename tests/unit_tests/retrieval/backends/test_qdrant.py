"""Qdrant: what the suite does not ask: its fusion, exactness, folders, outages, secrets."""

import logging
import random
import socket
import time

import pytest
from langchain_core.documents import Document
from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, QdrantBackend, SearchConfig
from langchain_switchyard.retrieval.backends import BackendError
from langchain_switchyard.retrieval.backends.conformance_library import LIBRARY, TermDirections
from langchain_switchyard.retrieval.storage.database import IndexUnavailable


@pytest.mark.parametrize("fusion", ["server_rrf", "server_dbsf"])
async def test_the_server_fuses_when_asked(fusion):
    """One list; filters hold in both legs."""
    retriever = HybridRetriever.from_documents(
        LIBRARY,
        TermDirections(),
        backend=QdrantBackend(":memory:"),
        config=SearchConfig(fusion=fusion),
    )
    for result in (retriever.search("dogs run"), await retriever.asearch("dogs run")):
        assert result[0].id == "dog"
        assert set(result[0].legs) == {"server"}
    assert [d.id for d in retriever.invoke("dogs 合同", filter={"lang": "zh"})] == ["law"]


def test_the_servers_rrf_is_that_of_the_paper():
    """``1 / (60 + rank)`` with ranks from 1."""
    retriever = HybridRetriever.from_documents(
        LIBRARY,
        TermDirections(),
        backend=QdrantBackend(":memory:"),
        config=SearchConfig(fusion="server_rrf"),
    )
    assert retriever.search("dogs run")[0].score == pytest.approx(2 / 61)


def test_scores_are_bm25_while_the_mean_length_holds():
    """Equal to our own index's, for texts of one length."""
    rng = random.Random(5)
    vocabulary = ["whale", "sea", "鲸", "ship", "report", "dog"]
    documents = [
        Document(id=str(n), page_content=" ".join(rng.choices(vocabulary, k=9))) for n in range(60)
    ]
    ours = HybridRetriever.from_documents(documents, k=60)
    theirs = HybridRetriever.from_documents(documents, backend=QdrantBackend(":memory:"), k=60)
    expected = {hit.id: hit.score for hit in ours.search("whale 鲸 report report")}
    found = {hit.id: hit.score for hit in theirs.search("whale 鲸 report report")}
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_folder_keeps_everything(tmp_path):
    """Documents, vectors, settings; under the same name only."""
    path = str(tmp_path / "qdrant")
    first = HybridRetriever.from_documents(
        LIBRARY, TermDirections(), backend=QdrantBackend(path=path)
    )
    first.close()
    again = HybridRetriever.from_documents([], TermDirections(), backend=QdrantBackend(path=path))
    assert again.search("dogs run")[0].legs["dense"].rank == 1
    assert again.index.backend.settings()["tokenizer"] == "mixed/1"
    again.close()
    other = HybridRetriever.from_documents([], backend=QdrantBackend(path=path, name="other"))
    assert len(other.index) == 0
    other.close()


def test_another_model_is_refused():
    """With both numbers; and a collection of words only takes no vectors."""

    class Wide(TermDirections):
        def embed_query(self, text):
            return [*super().embed_query(text), 0.0]

    backend = QdrantBackend(":memory:")
    HybridRetriever.from_documents(LIBRARY, TermDirections(), backend=backend)
    new = [Document(page_content="new")]
    with pytest.raises(IndexUnavailable, match="65 numbers, not 64"):
        HybridRetriever.from_documents(new, Wide(), backend=backend)
    backend = QdrantBackend(":memory:")
    HybridRetriever.from_documents(LIBRARY, backend=backend)
    with pytest.raises(ConfigurationError, match="was made for no vectors"):
        HybridRetriever.from_documents(new, Wide(), backend=backend)


def test_texts_that_are_no_dates_cannot_be_ordered():
    """An error, not a wrong answer; dates can."""
    retriever = HybridRetriever.from_documents(LIBRARY, backend=QdrantBackend(":memory:"))
    assert [d.id for d in retriever.invoke("cats dogs", filter={"day": {"$gt": "2024-04-30"}})] == [
        "cat"
    ]
    with pytest.raises(ConfigurationError, match="cannot order texts"):
        retriever.search("dogs", filter={"lang": {"$gt": "a"}})


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_dead_server_is_a_clear_error_in_bounded_time(caplog):
    """Refused or silent; the key is in no message, log or repr."""
    caplog.set_level(logging.DEBUG)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        backend = QdrantBackend(url, api_key=SecretStr("very-secret"), timeout=1)
        start = time.monotonic()
        with pytest.raises(BackendError, match="Qdrant at http://127"):
            HybridRetriever.from_documents(LIBRARY, backend=backend)
        assert time.monotonic() - start < 10
    with pytest.raises(BackendError, match="Qdrant at http://127"):
        backend.count()
    assert "very-secret" not in caplog.text + repr(vars(backend))


@pytest.mark.parametrize("wrong", [{}, {"url": "http://x", "path": "y"}])
def test_contradictory_arguments_are_refused(wrong):
    """With what to do instead."""
    with pytest.raises(ConfigurationError, match="one of url=, path= and client="):
        QdrantBackend(**wrong)
