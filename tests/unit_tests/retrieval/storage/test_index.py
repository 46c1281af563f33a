"""The index: adds, updates, deletes, reopening, other processes, broken stores."""

import datetime as dt
import threading
import time

import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, Index
from langchain_switchyard.retrieval.dense import graph_vectors
from langchain_switchyard.retrieval.lexical import lexical_index as lexical_module
from langchain_switchyard.retrieval.storage.database import IndexUnavailable


def word(number):
    """A word of letters only: digits would be terms of their own, shared by many."""
    return "q" + "".join("bcdfghjklm"[int(digit)] for digit in str(number))


def document(number, text=None, **metadata):
    """A document with an id and a word of its own."""
    return Document(id=f"d{number}", page_content=text or f"{word(number)} 共同", metadata=metadata)


def ids(index, query, **kwargs):
    """Ids found, best first."""
    return [hit.id for hit in HybridRetriever(index=index, k=1_000).search(query, **kwargs)]


STORES = ["numpy", "chroma", "usearch"]


@pytest.fixture(autouse=True)
def many(monkeypatch):
    """Ten vectors beside a graph are many: most of each index is in one."""
    monkeypatch.setattr(graph_vectors, "_LATE", 10)


@pytest.fixture(params=["memory", "folder"])
def place(request, tmp_path):
    """Both kinds of home."""
    return None if request.param == "memory" else tmp_path / "index"


def test_documents_can_be_added_replaced_and_deleted(place):
    """By id; the old text of a replaced document is not found any more."""
    index = Index(place)
    assert index.add_documents([document(1), document(2)]) == ["d1", "d2"]
    index.add_documents([document(1, "fresh")])
    assert ids(index, "fresh") == ["d1"]
    assert ids(index, word(1)) == []
    index.delete(["d1", "d1", "nobody"])
    assert ids(index, "fresh") == []
    assert len(index) == 1


def test_same_text_under_two_ids_is_two_documents(place):
    """Ids decide, not texts."""
    index = Index(place)
    index.add_documents([document(1, "same"), document(2, "same")])
    assert ids(index, "same") == ["d1", "d2"]


def test_documents_without_ids_get_stable_ones(place):
    """Adding the same twice leaves one."""
    index = Index(place)
    first = index.add_documents([Document(page_content="one", metadata={"a": 1})])
    again = index.add_documents([Document(page_content="one", metadata={"a": 1})])
    assert first == again
    assert len(index) == 1


def test_the_last_of_equal_ids_in_one_call_wins(place):
    """As across calls."""
    index = Index(place)
    assert index.add_documents([document(1, "old"), document(1, "new")]) == ["d1", "d1"]
    assert ids(index, "new") == ["d1"]
    assert ids(index, "old") == []


@pytest.mark.parametrize("store", STORES)
def test_reopening_finds_the_same_without_embedding_again(tmp_path, embeddings, store):
    """Both legs come back, and quickly."""
    index = Index(tmp_path, embeddings, store)
    index.add_documents([document(number) for number in range(40)])
    index.delete(["d3"])
    before = ids(index, f"{word(7)} 共同")
    index.close()
    embeddings.embedded.clear()
    start = time.process_time()
    again = Index(tmp_path, embeddings, store)
    assert time.process_time() - start < 0.5
    assert ids(again, f"{word(7)} 共同") == before
    assert "d3" not in before
    # One text, to see that the model is the same.
    assert len(embeddings.embedded) == 1


def test_segments_are_saved_and_mapped(tmp_path, monkeypatch):
    """Past the tail's limit, across deletes and merges."""
    monkeypatch.setattr(lexical_module, "TAIL_LIMIT", 20)
    index = Index(tmp_path)
    for start in range(0, 200, 10):
        index.add_documents([document(number) for number in range(start, start + 10)])
    index.delete([f"d{number}" for number in range(0, 200, 3)])
    expected = [number for number in range(200) if number % 3]
    index.close()
    again = Index(tmp_path)
    assert again.lexical.segments
    assert len(again) == len(expected)
    assert sorted(ids(again, "共同")) == sorted(f"d{number}" for number in expected)
    assert [ids(again, word(number)) for number in (1, 3)] == [["d1"], []]
    again.optimize()
    assert len(again.lexical.segments) == 1
    assert sorted(ids(again, "共同")) == sorted(f"d{number}" for number in expected)
    assert len(list((tmp_path / "segments").iterdir())) == 1


def test_a_reader_sees_what_another_writer_does(tmp_path, embeddings, monkeypatch):
    """Adds, deletes and merges, in both legs, without reopening."""
    monkeypatch.setattr(lexical_module, "TAIL_LIMIT", 10)
    reader, writer = Index(tmp_path, embeddings), Index(tmp_path, embeddings)
    writer.add_documents([document(number) for number in range(25)])
    assert ids(reader, word(7))[0] == "d7"
    writer.delete(["d7"])
    assert "d7" not in ids(reader, word(7))
    writer.add_documents([document(number) for number in range(30, 55)])
    writer.optimize()
    assert ids(reader, word(40))[0] == "d40"
    assert len(reader) == len(writer) == 49
    reader.add_documents([document(99)])
    assert ids(writer, word(99))[0] == "d99"


def test_another_tokenizer_is_refused(tmp_path):
    """Its terms would silently not match."""
    Index(tmp_path).close()
    with pytest.raises(IndexUnavailable, match=r"mixed/1.*jieba/2"):
        Index(tmp_path, tokenizer="jieba")


def test_a_folder_with_something_else_is_refused(tmp_path):
    """Not overwritten."""
    (tmp_path / "catalog.sqlite3").write_bytes(b"something else entirely" * 100)
    with pytest.raises(IndexUnavailable):
        Index(tmp_path)


def test_another_model_is_refused(tmp_path, embeddings):
    """Vectors of another length cannot be compared, and say so at every search."""
    index = Index(tmp_path, embeddings)
    index.add_documents([document(1)])
    index.close()
    other = Index(tmp_path, type(embeddings)(dimensions=8))
    for _ in range(2):
        with pytest.raises(IndexUnavailable, match="256"):
            other.dense.query_vector("x")


def test_documents_added_without_a_model_are_embedded_when_one_comes(tmp_path, embeddings):
    """Only those that lack a vector."""
    index = Index(tmp_path)
    index.add_documents([document(1), document(2)])
    index.close()
    again = Index(tmp_path, embeddings)
    assert len(embeddings.embedded) == 2
    assert set(again.dense.search(word(1), again.dense.query_vector(word(1)), 5, None).rows) == {
        1,
        2,
    }


@pytest.mark.parametrize("failing", ["add", "delete"])
def test_a_store_that_fails_midway_is_put_right_at_the_next_opening(
    tmp_path, embeddings, failing, monkeypatch
):
    """The legs agree again, whatever was half done."""
    index = Index(tmp_path, embeddings, "chroma")
    index.add_documents([document(1), document(2)])
    store = index.dense.store

    def broken(*_):
        raise ConnectionError("gone")

    original = store.upsert
    if failing == "add":
        # The store takes the vectors, then the connection breaks: nobody knows that it did.
        monkeypatch.setattr(store, "upsert", lambda *a: (original(*a), broken()))
        with pytest.raises(ConnectionError):
            index.add_documents([document(1, "changed"), document(3)])
    else:
        monkeypatch.setattr(store, "delete", broken)
        with pytest.raises(ConnectionError):
            index.delete(["d2"])
    monkeypatch.undo()
    index.close()
    again = Index(tmp_path, embeddings, "chroma")
    in_store = again.dense.store.search("", again.dense.query_vector(word(1)), 10, None)
    assert {name for name, _ in in_store} == set(again.catalog.rows_of(["d1", "d2", "d3"]))
    assert dict(in_store)["d1"] == pytest.approx(
        again.dense.search("", again.dense.query_vector(word(1)), 1, None).scores[0], abs=1e-5
    )
    assert again.catalog.intents() == []


def test_a_failing_model_leaves_the_index_unchanged(tmp_path, embeddings, monkeypatch):
    """Nothing of the batch appears in any leg."""
    index = Index(tmp_path, embeddings)

    def broken(_):
        raise TimeoutError("model")

    monkeypatch.setattr(embeddings, "embed_documents", broken)
    with pytest.raises(TimeoutError):
        index.add_documents([document(1)])
    assert len(index) == 0
    assert ids(index, word(1), k=5) == []


def test_any_langchain_store_can_be_the_dense_leg(embeddings):
    """It embeds by itself; ids join the legs."""
    store = InMemoryVectorStore(embeddings)
    index = Index(vector_store=store)
    index.add_documents([document(1, "apple pie"), document(2, "blue sky")])
    (first, *_) = HybridRetriever(index=index).search("apple")
    assert first.id == "d1"
    assert set(first.legs) == {"lexical", "dense"}
    index.delete(["d1"])
    assert "d1" not in ids(index, "apple")
    assert len(store.store) == 1


def test_dates_survive_and_other_objects_are_refused(place):
    """The message names the key."""
    index = Index(place)
    when = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
    index.add_documents([document(1, when=when, day=dt.date(2024, 5, 1))])
    assert index.get(["d1"])[0].metadata == {"when": when, "day": dt.date(2024, 5, 1)}
    with pytest.raises(ConfigurationError, match="'what'"):
        index.add_documents([document(2, what=object())])
    assert len(index) == 1


def test_returned_documents_are_copies(place):
    """Changing one does not change the index."""
    index = Index(place)
    index.add_documents([document(1, tags=["a"])])
    index.get(["d1"])[0].metadata["tags"].append("b")
    assert index.get(["d1"])[0].metadata == {"tags": ["a"]}


def test_progress_is_told_per_batch():
    """With how many there are in all."""
    seen = []
    Index().add_documents([document(1), document(2)], progress=lambda *step: seen.append(step))
    assert seen == [(2, 2, "d2")]


def test_headings_and_titles_are_searched_but_not_in_the_text():
    """Context of a chunk."""
    index = Index()
    index.add_documents([document(1, "run it", heading="Guide > Installation", title="Manual")])
    for word in ("installation", "guide", "manual"):
        assert ids(index, word) == ["d1"]
    assert index.get(["d1"])[0].page_content == "run it"


def test_many_may_open_a_new_folder_at_once(tmp_path):
    """One prepares it, the others find it ready."""
    opened, errors = [], []
    start = threading.Barrier(8)

    def enter():
        start.wait()
        try:
            opened.append(Index(tmp_path / "new"))
        except Exception as error:  # noqa: BLE001 - reported below.
            errors.append(error)

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    opened[0].add_documents([document(1)])
    assert all(ids(index, word(1)) == ["d1"] for index in opened)


def test_writers_take_turns(tmp_path):
    """Two indexes on one folder, many writes from threads: all of them arrive, in both."""
    first, second = Index(tmp_path), Index(tmp_path)

    def write(index, numbers):
        for number in numbers:
            index.add_documents([document(number)])

    threads = [
        threading.Thread(target=write, args=(first, range(30))),
        threading.Thread(target=write, args=(second, range(30, 60))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in (first, second):
        assert sorted(ids(index, "共同")) == sorted(f"d{number}" for number in range(60))


@pytest.mark.parametrize("failing", ["add_terms", "delete"])
def test_an_interruption_after_the_commit_leaves_no_gap(place, embeddings, failing, monkeypatch):
    """Memory is built anew from what was committed, in both legs."""
    index = Index(place, embeddings)
    index.add_documents([document(1), document(2)])
    original = getattr(index.lexical, failing)

    def interrupted(*args):
        original(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(index.lexical, failing, interrupted)
    with pytest.raises(KeyboardInterrupt):
        index.add_documents([document(1, "fresh words"), document(3)])
    monkeypatch.undo()
    assert ids(index, "fresh", k=1) == ["d1"]
    assert ids(index, word(3), k=1) == ["d3"]
    assert sorted(ids(index, "共同")) == ["d1", "d2", "d3"]
    assert len(index) == 3


def test_a_mask_made_before_a_write_leaves_newer_documents_out(embeddings):
    """A writer between filter and search must not break the search."""
    index = Index(embeddings=embeddings)
    index.add_documents([document(1, lang="zh")])
    mask = index.mask({"lang": "zh"})
    index.add_documents([document(2, lang="zh")])
    rows, _ = index.lexical.match("共同").top(5, mask)
    assert rows.tolist() == [1]
    assert index.dense.search("", index.dense.query_vector("共同"), 5, mask).rows.tolist() == [1]
