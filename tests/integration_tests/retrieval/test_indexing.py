"""LangChain's indexer suites, and its ``index()`` with a record manager, on a hybrid index."""

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.indexing import InMemoryRecordManager, aindex, index
from langchain_tests.integration_tests import RetrieversIntegrationTests
from langchain_tests.integration_tests.indexer import (
    AsyncDocumentIndexTestSuite,
    DocumentIndexerTestSuite,
)

from langchain_switchyard.retrieval import HybridDocumentIndex, HybridRetriever

STORES = ["lexical", "numpy", "usearch", "chroma", "rank_bm25"]


def target(store, path=None):
    """An empty document index; ``lexical`` has no embedding model."""
    if store == "lexical":
        return HybridDocumentIndex(retriever=HybridRetriever.from_documents([], path=path))
    if store == "rank_bm25":  # Stands for all engines that are not ours.
        return HybridDocumentIndex(retriever=HybridRetriever.from_documents([], backend=store))
    model = DeterministicFakeEmbedding(size=6)
    return HybridDocumentIndex(
        retriever=HybridRetriever.from_documents([], model, path=path, vector_store=store)
    )


@pytest.fixture(params=STORES)
def filled(request, tmp_path):
    """One per kind of store, kept in a folder."""
    made = target(request.param, tmp_path / "index")
    yield made
    made.retriever.close()


class TestDocumentIndex(DocumentIndexerTestSuite):
    """LangChain's suite; nothing overridden."""

    @pytest.fixture
    def index(self, filled):
        """An empty index."""
        return filled


class TestAsyncDocumentIndex(AsyncDocumentIndexTestSuite):
    """The same without blocking; nothing overridden."""

    @pytest.fixture
    async def index(self, filled):
        """An empty index."""
        return filled


class TestDocumentIndexAsRetriever(RetrieversIntegrationTests):
    """A document index is a retriever, too."""

    @property
    def retriever_constructor(self):
        """The class under test."""
        return HybridDocumentIndex

    @property
    def retriever_constructor_params(self):
        """Its arguments: three documents match, as the suite asks for exactly three."""
        texts = ["an example query", "another query, for example", "the third example", "例子"]
        return {"retriever": HybridRetriever.from_texts(texts)}

    @property
    def retriever_query_example(self):
        """Known words."""
        return "example query"


def document(text, source):
    """A document of a source."""
    return Document(page_content=text, metadata={"source": source})


FIRST = [document("红苹果 apple", "a"), document("香蕉 banana", "a"), document("樱桃 cherry", "b")]


def texts(made):
    """What the index holds."""
    return sorted(found.page_content for found in made.invoke("apple banana cherry 苹果", k=10))


@pytest.mark.parametrize("cleanup", ["full", "incremental", "scoped_full"])
def test_langchains_index_follows_a_source(filled, cleanup):
    """Adds once, skips what is known, deletes what is gone."""
    records = InMemoryRecordManager("test")
    run = {"cleanup": cleanup, "source_id_key": "source", "key_encoder": "sha256"}
    assert index(FIRST, records, filled, **run)["num_added"] == 3
    again = index(FIRST, records, filled, **run)
    assert (again["num_added"], again["num_skipped"]) == (0, 3)
    changed = [document("绿苹果 apple", "a"), FIRST[2]]
    assert index(changed, records, filled, **run)["num_deleted"] == 2
    assert texts(filled) == ["樱桃 cherry", "绿苹果 apple"]
    assert len(filled.retriever.index) == 2


async def test_langchains_aindex_follows_a_source(filled):
    """The same, async."""
    records = InMemoryRecordManager("test")
    run = {"cleanup": "full", "source_id_key": "source", "key_encoder": "sha256"}
    assert (await aindex(FIRST, records, filled, **run))["num_added"] == 3
    assert (await aindex(FIRST[:1], records, filled, **run))["num_deleted"] == 2
    found = await filled.ainvoke("apple", k=10)
    assert [each.page_content for each in found][:1] == ["红苹果 apple"]
