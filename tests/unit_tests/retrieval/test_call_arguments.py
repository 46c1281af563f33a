"""Calls that cannot mean what they say are refused, with what was probably meant."""

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError, SwitchyardError
from langchain_switchyard.retrieval import HybridDocumentIndex, HybridRetriever, SearchConfig
from langchain_switchyard.retrieval.storage.database import IndexUnavailable

DOCUMENTS = [Document(id=name, page_content=f"{name} cats") for name in ("cat", "c", "a", "t")]


@pytest.fixture(params=[None, "rank_bm25"])
def retriever(request):
    """An index of our own, and an engine."""
    return HybridRetriever.from_documents(DOCUMENTS, backend=request.param)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"filters": {"lang": "zh"}}, "mean filter"),
        ({"search_kwargs": {"k": 1}}, "k and filter"),
        ({"top_k": 3}, "mean k"),
        ({"whatever": 3}, "SearchConfig"),
    ],
)
async def test_misspelt_arguments_are_named(retriever, given, meant):
    """A filter that nobody reads would let everything through."""
    with pytest.raises(ConfigurationError, match=meant):
        retriever.invoke("cats", **given)
    with pytest.raises(ConfigurationError, match=meant):
        await retriever.ainvoke("cats", **given)
    with pytest.raises(ConfigurationError, match=meant):
        retriever.bind(**given).invoke("cats")


def test_what_langchain_passes_is_no_mistake(retriever):
    """It hands on its own words with the caller's."""
    assert retriever.invoke("cats", {"tags": ["x"], "run_name": "y"}, verbose=True, k=1)
    assert len(retriever.bind(k=2).invoke("cats", filter={})) == 2


@pytest.mark.parametrize("k", ["3", 2.5, -1, True, [1]])
def test_a_count_that_is_none_is_refused(retriever, k):
    """Whole numbers from 0 on."""
    with pytest.raises(ConfigurationError, match="how many hits"):
        retriever.invoke("cats", k=k)
    assert retriever.invoke("cats", k=0) == []


@pytest.mark.parametrize("query", [None, 5, ["cats"]])
def test_a_query_is_a_text(retriever, query):
    """Nothing else is guessed at."""
    with pytest.raises(ConfigurationError, match="a query is a text"):
        retriever.invoke(query)


async def test_an_empty_query_finds_nothing_in_any_leg(embeddings):
    """The nearest of everything is no answer to nothing."""
    retriever = HybridRetriever.from_documents(DOCUMENTS, embeddings)
    for query in ("", " \n　"):
        assert retriever.search(query) == []
        assert await retriever.ainvoke(query) == []
    assert retriever.invoke("cats \ud800")


def test_a_text_instead_of_a_list_of_ids_deletes_nothing(retriever):
    """Its letters could be ids."""
    for refuse in (
        retriever.delete,
        retriever.index.delete,
        retriever.index.get,
        HybridDocumentIndex(retriever=retriever).delete,
        HybridDocumentIndex(retriever=retriever).get,
    ):
        with pytest.raises(ConfigurationError, match=r"write \['cat'\]"):
            refuse("cat")
    with pytest.raises(ConfigurationError, match="an id is a text"):
        retriever.delete([5])
    assert len(retriever.index) == 4
    retriever.delete(name for name in ["cat"])
    assert len(retriever.index) == 3


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (["hi"], "expected a Document"),
        ("hi", "a list"),
        (DOCUMENTS[0], "a list"),
        ([Document(id="bad", page_content="a \ud800 b")], "'bad' holds half a character"),
        ([Document(page_content="bad \ud800")], "half a character"),
        ([Document(id="b", page_content="b", metadata={"x": "\ud800"})], "metadata 'x'.*'b'"),
    ],
)
def test_what_is_no_document_is_named_and_nothing_is_written(retriever, documents, message):
    """Before anything else happens."""
    with pytest.raises(ConfigurationError, match=message):
        retriever.add_documents(documents)
    assert len(retriever.index) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"vector_weight": "0.7"},
        {"vector_weight": float("inf"), "keyword_weight": 1},
        {"keyword_weight": float("nan")},
        {"vector_weight": True},
        {"depth": 2.5},
    ],
)
def test_a_configuration_takes_numbers(wrong):
    """At once, not at the first search."""
    with pytest.raises(ConfigurationError):
        SearchConfig(**wrong)


def test_opening_a_folder_without_an_index_is_an_error_that_names_it(tmp_path):
    """A typo must not look like an empty index; a new one is made when that is said."""
    typo = tmp_path / "typo"
    with pytest.raises(IndexUnavailable, match=r"typo.*create=True"):
        HybridRetriever.open(typo)
    assert not typo.exists()
    HybridRetriever.open(typo, create=True).close()
    assert HybridRetriever.open(typo).invoke("x") == []


def test_a_file_is_no_folder(tmp_path):
    """Nor is what lies below one."""
    file = tmp_path / "file"
    file.write_text("x")
    for path in (file, file / "below"):
        with pytest.raises(IndexUnavailable, match="file"):
            HybridRetriever.from_documents([], path=path)


def test_a_closed_index_says_so(tmp_path):
    """In memory and in a folder, to those who search and to those who write."""
    for path in (None, tmp_path):
        retriever = HybridRetriever.from_documents(DOCUMENTS, path=path)
        retriever.close()
        retriever.close()
        with pytest.raises(SwitchyardError, match="closed"):
            retriever.invoke("cats")
        with pytest.raises(SwitchyardError, match="closed"):
            retriever.add_documents(DOCUMENTS)


def test_the_length_is_what_a_search_would_see(tmp_path):
    """Also of what another process, or another retriever, wrote."""
    first = HybridRetriever.from_documents([], path=tmp_path)
    second = HybridRetriever.open(tmp_path)
    first.add_documents(DOCUMENTS)
    assert len(second.index) == 4


def test_an_unknown_store_is_refused_with_and_without_a_model(embeddings):
    """A typo must not wait for the model to be noticed."""
    for model in (None, embeddings):
        with pytest.raises(ConfigurationError, match="faiss"):
            HybridRetriever.from_documents(DOCUMENTS, model, vector_store="faiss")


def test_a_model_that_returns_empty_vectors_is_refused(embeddings):
    """They would be near everything."""
    embeddings.embed_documents = lambda texts: [[] for _ in texts]
    with pytest.raises(ConfigurationError, match="no usable vectors"):
        HybridRetriever.from_documents(DOCUMENTS, embeddings)
