"""An iterator of documents, followed: nothing done twice, nothing left behind."""

import asyncio

import pytest
from langchain_core.documents import Document
from langchain_text_splitters import RecursiveCharacterTextSplitter

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import (
    HybridRetriever,
    Index,
    StructureSplitter,
    section,
    sync_documents,
)
from langchain_switchyard.retrieval.sync import documents as documents_module


def document(name, text, source="a", **metadata):
    """One with an id."""
    return Document(id=name, page_content=text, metadata={"source": source, **metadata})


APPLE, PEAR, PLUM = document("1", "苹果 apple"), document("2", "pear"), document("3", "plum", "b")


def held(index):
    """Ids and texts in the index."""
    names = index.catalog.after(0)
    return {record.id: record.text for record in names}


@pytest.fixture(params=["memory", "folder"])
def index(request, tmp_path, embeddings):
    """Both kinds of home."""
    return Index(None if request.param == "memory" else tmp_path / "ix", embeddings)


def test_only_what_changed_is_embedded(index, embeddings):
    """New, changed and gone documents; the rest is counted."""
    first = sync_documents(index, [APPLE, PEAR, PLUM])
    assert first.added == ("1", "2", "3")
    embeddings.embedded.clear()
    again = sync_documents(index, [APPLE, document("2", "ripe pear"), document("4", "fig")])
    assert (again.added, again.updated, again.deleted) == (("4",), ("2",), ("3",))
    assert again.unchanged == 1
    assert sorted(embeddings.embedded) == ["fig", "ripe pear"]
    assert held(index) == {"1": "苹果 apple", "2": "ripe pear", "4": "fig"}


def test_a_change_of_metadata_alone_is_a_change_but_needs_no_embedding(index, embeddings):
    """Filters must see it."""
    sync_documents(index, [APPLE])
    embeddings.embedded.clear()
    report = sync_documents(index, [document("1", "苹果 apple", lang="zh")])
    assert report.updated == ("1",)
    assert embeddings.embedded == []
    found = HybridRetriever(index=index).search("apple", filter={"lang": "zh"})
    assert [hit.id for hit in found] == ["1"]


@pytest.mark.parametrize(
    ("cleanup", "left"),
    [("full", {"1"}), ("incremental", {"1", "3"}), (None, {"1", "2", "3"})],
)
def test_cleanup_decides_what_becomes_of_the_rest(index, cleanup, left):
    """All of it, that of the given sources, or none of it goes."""
    sync_documents(index, [APPLE, PEAR, PLUM])
    report = sync_documents(index, [APPLE], cleanup=cleanup)
    assert set(held(index)) == left
    assert set(report.deleted) == {"1", "2", "3"} - left


def test_nothing_given_deletes_everything_only_when_all_is_cleaned_up(index):
    """Without any source there is nothing to clean incrementally."""
    sync_documents(index, [APPLE])
    assert sync_documents(index, [], cleanup="incremental").deleted == ()
    assert sync_documents(index, []).deleted == ("1",)


def test_scopes_and_folders_and_single_documents_are_left_alone(index, tmp_path):
    """Cleanup stays inside its scope."""
    index.add_documents([document("single", "by hand")])
    sync_documents(index, [PLUM], "other")
    sync_documents(index, [APPLE])
    sync_documents(index, [])
    assert set(held(index)) == {"single", "3"}


def test_a_document_taken_out_by_hand_comes_back(index):
    """The index is compared, not only what is remembered of it."""
    sync_documents(index, [APPLE, PEAR])
    index.delete(["1"])
    assert sync_documents(index, [APPLE, PEAR]).updated == ("1",)
    assert set(held(index)) == {"1", "2"}


def test_documents_without_ids_are_told_apart_by_content(index):
    """A changed one is a new one, and the old one goes."""
    old = [Document(page_content="one"), Document(page_content="two")]
    sync_documents(index, old)
    assert sync_documents(index, old).unchanged == 2
    report = sync_documents(index, [Document(page_content="one"), Document(page_content="2")])
    assert (report.unchanged, len(report.added), len(report.deleted)) == (1, 1, 1)
    assert sorted(held(index).values()) == ["2", "one"]


def test_a_source_that_breaks_while_read_deletes_nothing(index):
    """What it did not say is not gone."""
    sync_documents(index, [APPLE, PEAR])

    def broken():
        yield document("1", "new apple")
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        sync_documents(index, broken())
    assert set(held(index)) == {"1", "2"}


def test_a_stopped_run_goes_on_where_it_stopped(index, embeddings, monkeypatch):
    """What is in is not done again."""
    monkeypatch.setattr(documents_module, "_BATCH", 10)
    given = [document(str(number), f"text {number}") for number in range(35)]

    def stop(done, *_):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync_documents(index, given, progress=stop)
    embeddings.embedded.clear()
    report = sync_documents(index, iter(given))
    assert (report.unchanged, len(report.added)) == (20, 15)
    assert len({text for text in embeddings.embedded if " " in text}) == 15


def test_documents_are_read_only_as_far_as_needed(index, monkeypatch):
    """An endless source is not a full memory."""
    monkeypatch.setattr(documents_module, "_BATCH", 10)
    read = []

    def endless():
        number = 0
        while True:
            read.append(number)
            yield document(str(number), "text")
            number += 1

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync_documents(index, endless(), progress=stop)
    assert len(read) == 10


def test_of_one_id_given_twice_the_last_wins(index, monkeypatch):
    """In one batch and in two, also when it goes back to what the index had."""
    monkeypatch.setattr(documents_module, "_BATCH", 2)
    old, new = document("1", "old"), document("1", "new")
    sync_documents(index, [old, new])
    assert held(index) == {"1": "new"}
    sync_documents(index, [old, PEAR, new])
    assert held(index) == {"1": "new", "2": "pear"}


def test_a_document_that_cannot_be_stored_is_reported_and_keeps_its_last_version(index):
    """The others go on, and cleanup does not take it for gone."""
    sync_documents(index, [APPLE, PEAR])
    report = sync_documents(index, [document("1", "x", what=object()), document("2", "new pear")])
    ((name, reason),) = report.failed
    assert name == "1"
    assert "'what'" in reason
    assert held(index) == {"1": "苹果 apple", "2": "new pear"}


def test_progress_knows_the_total_where_there_is_one(index):
    """And says 0 where there is none."""
    seen = []
    sync_documents(index, [APPLE, PEAR], progress=lambda *step: seen.append(step))
    sync_documents(index, iter((PLUM,)), progress=lambda *step: seen.append(step), cleanup=None)
    assert seen[:2] == [(1, 2, "1"), (2, 2, "2")]
    assert seen[2][0] == 1


def test_incremental_cleanup_needs_a_source(index):
    """Silently keeping everything would not be what was asked for."""
    with pytest.raises(ConfigurationError, match=r"'source'.*source_key"):
        sync_documents(index, [Document(id="1", page_content="x")], cleanup="incremental")


def test_an_unknown_cleanup_is_refused(index):
    """By name."""
    with pytest.raises(ConfigurationError, match="'full', 'incremental' or None"):
        sync_documents(index, [APPLE], cleanup="everything")


TEXT = "# 一\n\n第一部分。\n\n# Two\n\nsecond part\n"


@pytest.mark.parametrize(
    "splitter",
    [StructureSplitter(), RecursiveCharacterTextSplitter(chunk_size=20, chunk_overlap=0)],
)
def test_documents_can_be_cut_and_change_as_a_whole(index, embeddings, splitter):
    """Chunks that stay the same keep their vectors; equal texts of two documents stay two."""
    given = [document("1", TEXT), document("2", TEXT)]
    sync_documents(index, given, splitter=splitter)
    assert sync_documents(index, given, splitter=splitter).unchanged == 2
    texts = list(held(index).values())
    assert len(texts) == 2 * len(set(texts)) >= 4
    embeddings.embedded.clear()
    changed = document("1", TEXT.replace("second", "other"))
    assert sync_documents(index, [changed, given[1]], splitter=splitter).updated == ("1",)
    assert len(embeddings.embedded) == 1
    assert sync_documents(index, [given[1]], splitter=splitter).deleted == ("1",)
    assert sorted(held(index).values()) == sorted(set(texts))


def test_another_splitter_cuts_everything_anew(index):
    """Otherwise old and new chunks would be mixed for ever."""
    given = [document("1", TEXT)]
    sync_documents(index, given, splitter=StructureSplitter(300))
    before = len(held(index))
    assert sync_documents(index, given, splitter=StructureSplitter(3)).updated == ("1",)
    assert len(held(index)) > before
    assert sync_documents(index, given, splitter=StructureSplitter(3)).unchanged == 1


def test_chunks_of_a_document_know_their_section(index):
    """As those of a file do."""
    sync_documents(index, [document("1", TEXT)], splitter=StructureSplitter(3))
    (hit,) = HybridRetriever(index=index, k=1).search("second")
    assert section(index, hit.document).page_content == "# Two\n\nsecond part\n"


def test_an_index_is_asked_for_by_name(index):
    """A retriever is an easy mistake."""
    with pytest.raises(ConfigurationError, match=r"HybridRetriever.*\.index"):
        sync_documents(HybridRetriever(index=index), [APPLE])


def test_a_source_that_spans_batches_is_not_taken_for_gone(index, embeddings, monkeypatch):
    """Nothing of it is deleted, nor embedded twice."""
    monkeypatch.setattr(documents_module, "_BATCH", 3)
    given = [document(str(number), f"text {number}") for number in range(10)]
    sync_documents(index, given, cleanup="incremental")
    embeddings.embedded.clear()
    report = sync_documents(index, given, cleanup="incremental")
    assert (report.unchanged, report.deleted) == (10, ())
    assert embeddings.embedded == []


async def test_it_can_be_called_beside_an_event_loop(index):
    """From a thread, as its documentation says, while another searches."""
    retriever = HybridRetriever(index=index)
    given = [document(str(number), f"text {number}") for number in range(50)]
    report, *_ = await asyncio.gather(
        asyncio.to_thread(sync_documents, index, given),
        *(retriever.ainvoke("text") for _ in range(5)),
    )
    assert len(report.added) == 50
    assert len(await retriever.ainvoke("text", k=50)) == 50
