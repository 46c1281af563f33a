"""Another model on stored vectors is refused, with what to do; the same one is asked once."""

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.retrieval import HybridRetriever, Index
from langchain_switchyard.retrieval.backends import QdrantBackend
from langchain_switchyard.retrieval.dense.same_model import SameModel
from langchain_switchyard.retrieval.storage.database import IndexUnavailable
from langchain_switchyard.retrieval.sync.preparation import Preparation

DOCUMENTS = [Document(id=str(n), page_content=f"word{n} whales swim {n}") for n in range(12)]


class Other(Embeddings):
    """Vectors of the same length with another meaning."""

    def __init__(self, model):
        self.model = model

    def embed_documents(self, texts):
        return [vector[::-1] for vector in self.model.embed_documents(texts)]

    def embed_query(self, text):
        return self.model.embed_query(text)[::-1]


class Rounded(Other):
    """The same model as a provider gives it: never the same bits."""

    def embed_documents(self, texts):
        return [[round(number, 1) for number in v] for v in self.model.embed_documents(texts)]

    def embed_query(self, text):
        return self.model.embed_query(text)


async def test_another_model_of_the_same_length_is_refused(tmp_path, embeddings):
    """At the first search, sync and async, and at the first addition."""
    HybridRetriever.from_documents(DOCUMENTS, embeddings, path=tmp_path).close()
    other = HybridRetriever.open(tmp_path, Other(embeddings))
    for _ in range(2):
        with pytest.raises(IndexUnavailable, match="index anew"):
            other.search("word3")
    with pytest.raises(IndexUnavailable, match="not the embedding model"):
        await other.ainvoke("word3")
    fresh = HybridRetriever.open(tmp_path, Other(embeddings))
    with pytest.raises(IndexUnavailable, match="not the embedding model"):
        fresh.add_documents([Document(page_content="new")])
    assert len(fresh.index) == 12
    words = HybridRetriever.open(tmp_path)
    assert words.invoke("word3", k=1)[0].id == "3"


async def test_the_same_model_is_asked_for_one_text_once(tmp_path, embeddings):
    """Not at opening, and not again; small differences are its right."""
    HybridRetriever.from_documents(DOCUMENTS, embeddings, path=tmp_path).close()
    for model in (embeddings, Rounded(embeddings)):
        embeddings.embedded.clear()
        again = HybridRetriever.open(tmp_path, model)
        assert embeddings.embedded == []
        assert again.invoke("word3", k=1)[0].id == "3"
        assert (await again.ainvoke("word4", k=1))[0].id == "4"
        assert len(embeddings.embedded) == 1


def test_a_new_index_compares_nothing(embeddings):
    """What it holds is this model's, however much that changes its mind."""
    retriever = HybridRetriever.from_documents(DOCUMENTS[:3], embeddings)
    assert embeddings.embedded == [document.page_content for document in DOCUMENTS[:3]]
    retriever.index.dense.embeddings.model = Other(embeddings)
    assert len(retriever.search("word1")) == 3


def test_engines_hold_the_model_to_its_vectors_too(embeddings):
    """The same comparison with what is stored there."""
    backend = QdrantBackend(":memory:")
    HybridRetriever.from_documents(DOCUMENTS, embeddings, backend=backend)
    other = HybridRetriever.from_documents([], Other(embeddings), backend=backend)
    with pytest.raises(IndexUnavailable, match="not the embedding model"):
        other.search("word3")
    same = HybridRetriever.from_documents([], embeddings, backend=backend)
    assert same.search("word3").notes == ()


def test_a_model_that_is_down_is_a_missing_leg_and_no_other_model(tmp_path, embeddings):
    """It is compared when it answers again."""

    class Down(Other):
        def embed_documents(self, texts):
            raise ConnectionError("model is down")

    HybridRetriever.from_documents(DOCUMENTS, embeddings, path=tmp_path).close()
    again = HybridRetriever.open(tmp_path, Down(embeddings))
    assert any("model is down" in note for note in again.search("word3").notes)


def test_other_processes_get_the_model_alone(embeddings):
    """The index cannot travel."""
    model = Index(None, embeddings).dense.embeddings
    assert isinstance(model, SameModel)
    rebuild, parts = model.__reduce__()
    assert rebuild(*parts) is embeddings
    assert Preparation(None, Index(None).lexical.tokenizer, model).embeddings is model
