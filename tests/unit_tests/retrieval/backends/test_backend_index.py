"""What ``BackendIndex`` does for every engine: embedding, weights, statistics, degradation."""

import random
from zlib import crc32

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import InMemoryRecordManager
from langchain_core.indexing import index as index_documents

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import (
    BackendIndex,
    HybridDocumentIndex,
    HybridRetriever,
    QdrantBackend,
    SearchConfig,
)
from langchain_switchyard.retrieval.backends import (
    Backend,
    BackendError,
    ElasticsearchBackend,
    RankBM25Backend,
)
from langchain_switchyard.retrieval.backends.backend import checked_name
from langchain_switchyard.retrieval.backends.conformance_library import LIBRARY, TermDirections
from langchain_switchyard.retrieval.storage.database import IndexUnavailable


class Counted(TermDirections):
    """Remembers what was embedded."""

    def __init__(self):
        self.embedded = []

    def embed_documents(self, texts):
        self.embedded.extend(texts)
        return super().embed_documents(texts)


@pytest.fixture
def backend() -> Backend:
    """Qdrant's embedded engine, which can do everything."""
    return QdrantBackend(":memory:")


def words(count, rng):
    """Random texts over a vocabulary."""
    vocabulary = ["whale", "sea", "ship", "harbour", "鲸鱼", "海洋", "park", "dog", "cat", "tree"]
    return [" ".join(rng.choices(vocabulary, k=8)) + f" n{number}" for number in range(count)]


def library(backend, embeddings=None, **config):
    """The library in an engine."""
    return HybridRetriever.from_documents(
        LIBRARY, embeddings, backend=backend, config=SearchConfig(**config)
    )


def test_what_did_not_change_is_not_embedded_again(backend):
    """Neither the same document nor one whose metadata alone changed."""
    model = Counted()
    retriever = library(backend, model)
    assert len(model.embedded) == 3
    changed = Document(id="dog", page_content=LIBRARY[2].page_content, metadata={"n": 1})
    retriever.add_documents([*LIBRARY[:2], changed])
    assert len(model.embedded) == 3
    assert retriever.search("dogs", filter={"n": 1})[0].legs["dense"].rank == 1
    retriever.add_documents([Document(id="dog", page_content="Dogs bark.")])
    assert model.embedded[3:] == ["Dogs bark."]


def test_the_weight_of_a_model_that_reads_nothing_is_found_and_kept(backend, caplog):
    """The leg check is made on a sample; the next process knows its result."""

    class Blind(Embeddings):
        def embed_documents(self, texts):
            return [self.embed_query(text) for text in texts]

        def embed_query(self, text):
            return np.random.default_rng(crc32(text.encode())).normal(size=16).tolist()

    documents = [Document(id=t, page_content=t) for t in words(80, random.Random(1))]
    retriever = HybridRetriever.from_documents(documents, Blind(), backend=backend)
    assert retriever.index.dense_weight < 0.3
    assert "does not seem to read this text" in caplog.text
    again = HybridRetriever.from_documents([], Blind(), backend=backend)
    assert again.index.dense_weight == retriever.index.dense_weight
    assert "does not seem to read" in again.search("whale sea").notes[0]


def test_the_sample_tells_the_statistics_of_all(backend):
    """Mean and deviation of both legs, as our own index has them."""
    documents = [Document(id=t, page_content=t) for t in words(300, random.Random(2))]
    ours = HybridRetriever.from_documents(documents, TermDirections())
    theirs = HybridRetriever.from_documents(documents, TermDirections(), backend=backend)
    for query in ("whale ship", "海洋 dog n7"):
        vector = theirs.index.dense.query_vector(query)
        for name in ("words", "nearest"):
            arguments = (query, 50) if name == "words" else (query, vector, 50)
            mine = getattr(ours.index.view(None), name)(*arguments)
            other = getattr(theirs.index.view(None), name)(*arguments)
            assert other.mean == pytest.approx(mine.mean, abs=0.02)
            assert other.deviation == pytest.approx(mine.deviation, abs=0.05)


def test_the_sample_follows_what_is_written(backend):
    """Not at every write, but before it says something else."""
    retriever = library(backend, TermDirections())
    assert len(retriever.index.sampled()) == 3
    retriever.add_documents([Document(id=t, page_content=t) for t in words(9, random.Random(3))])
    assert len(retriever.index.sampled()) == 12


@pytest.mark.parametrize("leg", ["nearest", "match"])
async def test_a_leg_that_fails_leaves_the_other_and_is_named(backend, monkeypatch, leg):
    """Whatever the engine."""

    def fail(*_, **__):
        raise BackendError("Qdrant at x: gone")

    retriever = library(backend, TermDirections())
    monkeypatch.setattr(backend, leg, fail)
    missing = {"nearest": "dense", "match": "lexical"}[leg]
    for result in (retriever.search("dogs run"), await retriever.asearch("dogs run")):
        assert result[0].id == "dog"
        assert result.notes == (f"the {missing} leg is missing: BackendError: Qdrant at x: gone",)


async def test_a_leg_that_cannot_score_the_others_hits_still_takes_part(backend, monkeypatch):
    """Its own list stands; the result says what is missing."""

    class Mistaken(TermDirections):
        def embed_query(self, text):
            return super().embed_query("cats sleep" if text == "dogs" else text)

    retriever = library(backend, Mistaken(), depth=1)
    original = backend.nearest

    def fail(vector, count, where):
        if where is not None:
            raise BackendError("too busy")
        return original(vector, count, where)

    monkeypatch.setattr(backend, "nearest", fail)
    for result in (retriever.search("dogs", k=1), await retriever.asearch("dogs", k=1)):
        assert set(result.weights) == {"dense", "lexical"}
        assert (
            "the dense leg did not score the other's hits: BackendError: too busy" in result.notes
        )


def test_other_processes_can_prepare_what_this_one_writes(backend):
    """With the same result: ids, terms, vectors and the replacement of earlier documents."""
    texts = words(1_100, random.Random(6))
    documents = [Document(id=str(n % 1_000), page_content=text) for n, text in enumerate(texts)]
    here = HybridRetriever.from_documents(documents, TermDirections(), backend=backend)
    there = BackendIndex(QdrantBackend(":memory:"), TermDirections())
    assert there.add_documents(iter(documents), workers=2) == [d.id for d in documents]
    assert len(there) == len(here.index) == 1_000
    other = HybridRetriever(index=there)
    for query in ("whale n7", "海洋 dog n1003"):
        expected = {hit.id: hit.score for hit in here.search(query, k=10)}
        assert {hit.id: hit.score for hit in other.search(query, k=10)} == pytest.approx(expected)


def test_metadata_that_cannot_be_stored_is_refused_by_its_key(backend):
    """Also when another process finds out."""
    document = Document(id="x", page_content="text", metadata={"bad": object})
    index = BackendIndex(backend)
    with pytest.raises(ConfigurationError, match="'bad' of document 'x'"):
        index.add_documents([document])
    assert len(index) == 0


def test_langchains_indexing_can_fill_an_engine(backend):
    """Through the document index, with a record manager."""
    records = InMemoryRecordManager("engine")
    records.create_schema()
    target = HybridDocumentIndex(retriever=library(backend, TermDirections()))
    given = [Document(id="new", page_content="A new text.", metadata={"source": "s"})]
    kwargs = {"cleanup": "full", "source_id_key": "source", "key_encoder": "blake2b"}
    assert index_documents(given, records, target, **kwargs)["num_added"] == 1
    assert index_documents([], records, target, **kwargs)["num_deleted"] == 1
    assert len(target.retriever.index) == 3


def test_another_tokenizer_is_refused(backend):
    """Its terms would silently match nothing."""

    class Words:
        name = "words/1"

        def tokens(self, text):
            return text.split()

    library(backend)
    with pytest.raises(IndexUnavailable, match="indexed with tokenizer 'mixed/1'"):
        BackendIndex(backend, tokenizer=Words())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_model_that_returns_another_number_of_vectors_is_refused(backend, count):
    """Before anything is written under a wrong vector."""

    class Wrong(TermDirections):
        def embed_documents(self, texts):
            return super().embed_documents(texts)[:count] or [[]]

    with pytest.raises(ConfigurationError):
        library(backend, Wrong())
    assert backend.count() == 0


def test_a_backend_leaves_no_room_for_a_path(backend):
    """Or a user would believe in files that are not there."""
    for wrong in ({"path": "folder"}, {"vector_store": "chroma"}):
        with pytest.raises(ConfigurationError, match="leave path and vector_store out"):
            HybridRetriever.from_documents([], backend=backend, **wrong)


def test_an_unknown_backend_is_refused():
    """With the names there are."""
    with pytest.raises(ConfigurationError, match="'rank_bm25', PostgresBackend"):
        HybridRetriever.from_documents([], backend="bm26")


def test_a_folder_cannot_be_synchronised_with_an_engine(backend, tmp_path):
    """And the message says what can be done instead."""
    with pytest.raises(ConfigurationError, match="StructureSplitter and add_documents"):
        library(backend).sync_folder(tmp_path)


def test_rank_bm25_gives_the_packages_own_scores():
    """For every document that shares a term; nothing for the others."""
    package = pytest.importorskip("rank_bm25")
    texts = words(40, random.Random(4))
    retriever = HybridRetriever.from_documents(
        [Document(id=text, page_content=text) for text in texts], backend="rank_bm25", k=40
    )
    tokens = retriever.index.tokenizer.tokens
    reference = package.BM25Okapi([tokens(text) for text in texts])
    expected = dict(zip(texts, reference.get_scores(tokens("whale 鲸鱼")), strict=True))
    found = retriever.search("whale 鲸鱼")
    assert {hit.id: hit.score for hit in found} == pytest.approx(
        {text: score for text, score in expected.items() if {"whale", "鲸鱼"} & set(text.split())}
    )


@pytest.mark.parametrize("name", ["", "Docs", "a/b", "a b", "1a", "_a", "a" * 41, "文档", "a\n"])
@pytest.mark.parametrize("make", [checked_name, lambda n: QdrantBackend(":memory:", n)])
def test_names_are_checked(make, name):
    """Before they get into a path or a statement."""
    with pytest.raises(ConfigurationError, match="is no name for a table, collection or index"):
        make(name)


@pytest.mark.parametrize(
    ("package", "extra", "make"),
    [
        ("rank_bm25", "rank-bm25", RankBM25Backend),
        ("qdrant_client", "qdrant", lambda: QdrantBackend(":memory:")),
        ("elasticsearch", "elasticsearch", lambda: ElasticsearchBackend("http://x")),
        (
            "opensearchpy",
            "opensearch",
            lambda: ElasticsearchBackend("http://x", dialect="opensearch"),
        ),
    ],
)
def test_a_missing_client_names_its_extra(monkeypatch, package, extra, make):
    """With the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ImportError, match=rf"langchain-switchyard\[{extra}\]"):
        make()
