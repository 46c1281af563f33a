"""Where vectors live: kept as chosen, moved only when asked, and whole after a move that broke."""

import logging

import pytest
from langchain_core.documents import Document

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.retrieval import HybridRetriever, Index, SearchConfig
from langchain_switchyard.retrieval.dense import graph, vector_home
from langchain_switchyard.retrieval.dense.graph import Graph
from langchain_switchyard.retrieval.dense.stores import ChromaStore

DOCUMENTS = [Document(id=f"d{n}", page_content=f"第{n}条 word{n} 合同") for n in range(30)]


@pytest.fixture
def crowded(monkeypatch):
    """Thirty vectors count as many."""
    monkeypatch.setattr(vector_home, "LARGE", 100)


@pytest.fixture
def only_chroma(monkeypatch):
    """An installation without usearch."""
    found = vector_home.find_spec
    monkeypatch.setattr(
        vector_home, "find_spec", lambda name: None if name == "usearch" else found(name)
    )


def filled(path, embeddings, *choice):
    """An index with the documents."""
    index = Index(path, embeddings, *choice)
    index.add_documents(DOCUMENTS)
    return index


def nearest(index, query="word7", k=3):
    """Ids by the dense leg alone."""
    retriever = HybridRetriever(index=index, config=SearchConfig(strategy="dense"))
    return [hit.id for hit in retriever.search(query, k)]


def graphs(path):
    """Files of graphs in the folder of an index."""
    return sorted((path / "graph").glob("*"))


def stored(index):
    """Ids in the Chroma collection; a search of it may miss one."""
    return sorted(index.dense.store._collection.get(include=[])["ids"])


def in_chroma(index):
    """Whether the dense leg asks Chroma."""
    return isinstance(index.dense.store, ChromaStore)


def test_a_small_index_stays_exact_and_makes_no_chroma_folder(tmp_path, embeddings):
    """Also when it is optimised."""
    index = filled(tmp_path, embeddings)
    index.optimize()
    assert not in_chroma(index)
    assert not (tmp_path / "chroma").exists()
    assert not graphs(tmp_path)


def test_a_large_one_moves_to_chroma_and_stays_there(tmp_path, embeddings, crowded, only_chroma):
    """It finds the same, nothing is embedded again, and the next opening needs no word."""
    index = filled(tmp_path, embeddings)
    before = nearest(index)
    assert not in_chroma(index)
    embeddings.embedded.clear()
    index.optimize()
    assert in_chroma(index)
    assert nearest(index) == before
    index.delete(["d7"])
    index.close()
    again = Index(tmp_path, embeddings)
    assert in_chroma(again)
    assert embeddings.embedded == []
    assert nearest(again, k=30)[:2] != before[:2]
    assert stored(again) == sorted(f"d{n}" for n in range(30) if n != 7)
    again.close()


def test_a_move_that_broke_goes_on_at_the_next_opening(
    tmp_path, embeddings, crowded, only_chroma, monkeypatch
):
    """No document is missing from the dense leg, none is there twice."""
    index = filled(tmp_path, embeddings)
    original, calls = ChromaStore.upsert, []

    def broken(store, ids, documents, vectors):
        original(store, ids[:4], documents[:4], vectors[:4])
        calls.append(ids)
        raise OSError("disk")

    monkeypatch.setattr(ChromaStore, "upsert", broken)
    with pytest.raises(OSError, match="disk"):
        index.optimize()
    # The exact leg serves on until then.
    assert nearest(index)[0] == "d7"
    index.close()
    monkeypatch.undo()
    again = Index(tmp_path, embeddings)
    assert len(calls) == 1
    assert in_chroma(again)
    assert stored(again) == sorted(document.id for document in DOCUMENTS)
    assert again.catalog.intents() == []
    again.close()


def test_chroma_chosen_later_gets_the_documents_of_before(tmp_path, embeddings):
    """An index begun with our own matrix is not empty in the new store."""
    filled(tmp_path, embeddings, "numpy").close()
    embeddings.embedded.clear()
    index = Index(tmp_path, embeddings, "chroma")
    assert embeddings.embedded == []
    assert stored(index) == sorted(document.id for document in DOCUMENTS)
    index.close()


def test_what_was_chosen_is_kept_by_the_next_opening_without_a_choice(tmp_path, embeddings):
    """And a choice that is made wins over what is kept."""
    filled(tmp_path, embeddings, "chroma").close()
    kept = Index(tmp_path, embeddings)
    assert in_chroma(kept)
    kept.close()
    chosen = Index(tmp_path, embeddings, "numpy")
    assert not in_chroma(chosen)
    assert nearest(chosen)[0] == "d7"
    chosen.close()


def test_what_was_written_beside_chroma_is_there_when_it_is_used_again(tmp_path, embeddings):
    """Added and deleted while the index was opened with the exact leg."""
    filled(tmp_path, embeddings, "chroma").close()
    beside = Index(tmp_path, embeddings, "numpy")
    beside.add_documents([Document(id="new", page_content="word77")])
    beside.delete(["d7"])
    beside.close()
    # Opened once more without it, and still nothing is forgotten.
    Index(tmp_path, embeddings, "numpy").close()
    again = Index(tmp_path, embeddings)
    assert stored(again) == sorted(["new", *(f"d{n}" for n in range(30) if n != 7)])
    again.close()


def test_a_choice_of_the_exact_leg_is_never_moved(tmp_path, embeddings, crowded):
    """However large it grows; nor is an index in memory, which has no place to move to."""
    for index in (filled(tmp_path, embeddings, "numpy"), filled(None, embeddings)):
        index.optimize()
        assert not in_chroma(index)
        assert not graphs(tmp_path)
        index.close()


def test_without_both_engines_a_large_index_stays_and_says_what_would_help(
    tmp_path, embeddings, crowded, monkeypatch, caplog
):
    """The extra is named; searching goes on."""
    index = filled(tmp_path, embeddings)
    monkeypatch.setattr(vector_home, "find_spec", lambda _: None)
    with caplog.at_level(logging.WARNING):
        index.optimize()
    assert "langchain-switchyard[usearch]" in caplog.text
    assert nearest(index)[0] == "d7"


def test_a_large_one_becomes_a_graph_and_stays_one(tmp_path, embeddings, crowded):
    """It finds the same, nothing is embedded again, and the next opening needs no word."""
    index = filled(tmp_path, embeddings)
    before = nearest(index, k=30)
    embeddings.embedded.clear()
    index.optimize()
    assert len(graphs(tmp_path)) == 1
    assert nearest(index, k=30) == before
    index.delete(["d7"])
    index.close()
    again = Index(tmp_path, embeddings)
    assert embeddings.embedded == []
    assert nearest(again, k=30) == [i for i in before if i != "d7"]
    again.close()


def test_a_graph_without_its_engine_is_compared_exactly_and_says_what_would_help(
    tmp_path, embeddings, only_chroma, caplog
):
    """The index opens and answers."""
    index = filled(tmp_path, embeddings, "usearch")
    index.optimize()
    index.close()
    with caplog.at_level(logging.WARNING):
        again = Index(tmp_path, embeddings)
    assert "langchain-switchyard[usearch]" in caplog.text
    assert nearest(again)[0] == "d7"
    again.close()


def test_a_graph_that_is_asked_for_without_its_engine_is_an_error(
    tmp_path, embeddings, monkeypatch
):
    """With the extra in it."""

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(graph, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"langchain-switchyard\[usearch\]"):
        Index(tmp_path, embeddings, "usearch")


def test_from_chroma_to_a_graph_and_back_nothing_is_lost(tmp_path, embeddings):
    """Chroma gets what was written while it was not attached."""
    filled(tmp_path, embeddings, "chroma").close()
    index = Index(tmp_path, embeddings, "usearch")
    index.add_documents([Document(id="new", page_content="word77 合同")])
    index.delete(["d7"])
    index.optimize()
    index.close()
    kept = Index(tmp_path, embeddings)
    assert not in_chroma(kept)
    assert set(nearest(kept, k=40)) == {"new", *(f"d{n}" for n in range(30) if n != 7)}
    kept.close()
    back = Index(tmp_path, embeddings, "chroma")
    assert in_chroma(back)
    assert stored(back) == sorted(["new", *(f"d{n}" for n in range(30) if n != 7)])
    back.close()


def test_optimize_that_breaks_while_saving_leaves_the_exact_leg(tmp_path, embeddings, monkeypatch):
    """And the next one succeeds, without what the first left behind."""
    index = filled(tmp_path, embeddings, "usearch")

    def broken(graph, folder, name):
        folder.mkdir()
        (folder / f"{name}.draft").write_bytes(b"half")
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(Graph, "save", broken)
        with pytest.raises(OSError, match="disk"):
            index.optimize()
    assert nearest(index)[0] == "d7"
    index.close()
    again = Index(tmp_path, embeddings)
    again.optimize()
    assert [path.suffix for path in graphs(tmp_path)] == [".usearch"]
    assert nearest(again)[0] == "d7"
    again.close()
