"""Folder synchronisation: only what changed."""

import os
import sys

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, Index, StructureSplitter, sync_folder
from langchain_switchyard.retrieval.storage import index as index_module
from langchain_switchyard.retrieval.sync import preparation as preparation_module


@pytest.fixture
def folder(tmp_path):
    """Three files, one of them below another folder."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text("# Alpha\n\nfirst file\n\n# Other\n\nsteady part\n")
    (folder / "b.txt").write_text("second file 第二个")
    (folder / "deep" / "c.py").write_text("def third():\n    return 3\n")
    (folder / ".hidden.md").write_text("hidden")
    (folder / "image.png").write_bytes(b"\x89PNG")
    return folder


def found(index, query):
    """Sources found."""
    return [hit.document.metadata["source"] for hit in HybridRetriever(index=index).search(query)]


def test_a_folder_is_indexed_once(folder, monkeypatch):
    """The second time nothing is read."""
    index = Index()
    report = sync_folder(index, folder)
    assert report.added == ("a.md", "b.txt", "deep/c.py")
    assert report.failed == ()

    def unexpected(*_):
        raise AssertionError("an unchanged file was read")

    monkeypatch.setattr(preparation_module, "read_bytes", unexpected)
    assert sync_folder(index, folder).unchanged == 3


def test_changes_are_followed(folder, embeddings):
    """Edited, new and deleted files; unchanged chunks are not embedded again."""
    index = Index(embeddings=embeddings)
    sync_folder(index, folder)
    embeddings.embedded.clear()
    (folder / "a.md").write_text("# Alpha\n\nchanged words\n\n# Other\n\nsteady part\n")
    (folder / "b.txt").unlink()
    (folder / "d.md").write_text("delta")
    report = sync_folder(index, folder)
    assert (report.added, report.updated, report.deleted) == (("d.md",), ("a.md",), ("b.txt",))
    assert found(index, "changed")[0] == str(folder / "a.md")
    assert str(folder / "b.txt") not in found(index, "第二个")
    assert not any("steady" in text for text in embeddings.embedded)


def test_touched_files_are_not_indexed_again(folder, monkeypatch):
    """The content decides, and the new time is remembered."""
    index = Index()
    sync_folder(index, folder)
    os.utime(folder / "a.md", (1, 1))
    monkeypatch.setattr(preparation_module, "parse_file", None)
    assert sync_folder(index, folder).unchanged == 3
    monkeypatch.setattr(preparation_module, "read_bytes", None)
    assert sync_folder(index, folder).unchanged == 3


def test_verify_finds_changes_that_kept_size_and_time(folder):
    """For those who distrust clocks."""
    index = Index()
    sync_folder(index, folder)
    file = folder / "b.txt"
    stamp = file.stat()
    file.write_text("sEcond file 第三个")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert sync_folder(index, folder).updated == ()
    assert sync_folder(index, folder, verify=True).updated == ("b.txt",)


def test_a_file_that_cannot_be_read_keeps_its_last_version(folder):
    """It is reported, and the rest goes on."""
    index = Index()
    sync_folder(index, folder)
    (folder / "b.txt").write_bytes(b"\x00\xff\x00\xff")
    (folder / "bad.pdf").write_bytes(b"no pdf")
    (folder / "d.md").write_text("delta")
    report = sync_folder(index, folder)
    assert [name for name, _ in report.failed] == ["b.txt", "bad.pdf"]
    assert report.added == ("d.md",)
    assert found(index, "第二个")[0] == str(folder / "b.txt")


def test_progress_counts_every_file(folder):
    """Deleted ones, too."""
    index, seen = Index(), []
    sync_folder(index, folder)
    (folder / "a.md").unlink()
    sync_folder(index, folder, progress=lambda *step: seen.append(step))
    assert seen == [(1, 3, "b.txt"), (2, 3, "deep/c.py"), (3, 3, "a.md")]


def test_an_interrupted_run_goes_on_where_it_stopped(folder, tmp_path):
    """Each file is in or out, never half; what is in is not done again."""

    def stop(done, *_):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync_folder(Index(tmp_path / "ix"), folder, progress=stop)
    report = sync_folder(Index(tmp_path / "ix"), folder)
    assert (report.unchanged, report.added) == (2, ("deep/c.py",))


def test_an_index_inside_the_folder_is_not_indexed(folder):
    """Nor is anything hidden."""
    index = Index(folder / "index")
    sync_folder(index, folder)
    (folder / "index" / "note.md").write_text("mine")
    assert sync_folder(index, folder).added == ()


def test_patterns_choose_files(folder):
    """What no longer matches is taken out."""
    index = Index()
    sync_folder(index, folder)
    report = sync_folder(index, folder, patterns=["*.md"])
    assert report.deleted == ("b.txt", "deep/c.py")


def test_two_folders_live_side_by_side(folder, tmp_path):
    """Syncing one leaves the other alone."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("elsewhere")
    index = Index()
    sync_folder(index, folder)
    report = sync_folder(index, other)
    assert (report.added, report.deleted) == (("a.md",), ())
    assert sync_folder(index, folder).unchanged == 3


def test_a_missing_folder_is_an_error(tmp_path):
    """Not an empty folder, which would delete everything."""
    with pytest.raises(ConfigurationError, match="not a folder"):
        sync_folder(Index(), tmp_path / "nowhere")


def test_chunks_taken_out_by_hand_come_back(folder):
    """The index is compared, not only what is remembered of the file."""
    index = Index()
    sync_folder(index, folder)
    (hit,) = HybridRetriever(index=index, k=1).search("第二个")
    index.delete([hit.id])
    assert sync_folder(index, folder).updated == ("b.txt",)
    assert found(index, "第二个")[0] == str(folder / "b.txt")


def test_another_splitter_cuts_every_file_anew(folder):
    """Also those that did not change, and only once."""
    index = Index()
    sync_folder(index, folder)
    smaller = StructureSplitter(size=2)
    assert len(sync_folder(index, folder, smaller).updated) == 3
    assert sync_folder(index, folder, smaller).unchanged == 3


def test_a_stopped_change_of_splitter_goes_on(folder):
    """Files that were not reached are cut anew by the next run."""

    def stop(*_):
        raise KeyboardInterrupt

    index, smaller = Index(), StructureSplitter(size=2)
    sync_folder(index, folder)
    with pytest.raises(KeyboardInterrupt):
        sync_folder(index, folder, smaller, progress=stop)
    report = sync_folder(index, folder, smaller)
    assert (len(report.updated), report.unchanged) == (2, 1)


def test_an_index_without_embeddings_follows_the_same_folder(folder, embeddings, tmp_path):
    """Vectors are made up for when a model comes."""
    sync_folder(Index(tmp_path / "ix"), folder)
    index = Index(tmp_path / "ix", embeddings)
    assert len(index.catalog.vectors()) == len(index)
    assert sync_folder(index, folder).unchanged == 3


@pytest.mark.parametrize("workers", [None, 1])
def test_one_bad_file_spoils_nothing_for_the_others(folder, workers):
    """Empty, huge, binary, broken, unreadable and vanished ones, each with its reason."""
    (folder / "empty.md").write_bytes(b"")
    with (folder / "huge.txt").open("wb") as handle:
        handle.truncate(1 << 30)
    (folder / "binary.txt").write_bytes(os.urandom(64) + b"\0" * 64)
    (folder / "broken.json").write_bytes(b'{"a": ')
    (folder / "broken.docx").write_bytes(b"PK")
    (folder / "gone.md").symlink_to(folder / "nowhere.md")
    index = Index()
    report = sync_folder(index, folder, workers=workers)
    reasons = dict(report.failed)
    assert set(reasons) == {"huge.txt", "binary.txt", "broken.json", "broken.docx"}
    assert all(name in reason for name, reason in reasons.items())
    assert report.added == ("a.md", "b.txt", "deep/c.py", "empty.md")
    assert sync_folder(index, folder, workers=workers).unchanged == 4


def test_a_missing_extra_costs_the_files_that_need_it_only(folder, monkeypatch):
    """And is named in the report."""
    (folder / "a.pdf").write_bytes(b"%PDF-1.4")
    monkeypatch.setitem(sys.modules, "pypdf", None)
    report = sync_folder(Index(), folder)
    ((name, reason),) = report.failed
    assert name == "a.pdf"
    assert "langchain-switchyard[pdf]" in reason
    assert len(report.added) == 3


def test_a_file_name_that_is_no_text_is_reported(folder):
    """Old archives unpack to such names."""
    try:
        (folder / os.fsdecode(b"\xc4\xe3.md")).write_text("hello")
    except OSError:
        pytest.skip("this file system has names of text only")
    report = sync_folder(Index(), folder)
    ((name, reason),) = report.failed
    assert "\\udcc4" in name
    assert "rename" in reason
    assert len(report.added) == 3


def test_the_dense_leg_is_weighed_once_all_files_are_in(folder, embeddings, monkeypatch):
    """Not after every file, and not only when the index is opened again."""
    for number in range(80):
        (folder / f"{number}.md").write_text(f"# T{number}\n\nsome words about {number} and more\n")
    checks, index = [], Index(embeddings=embeddings)
    original = index_module.check_legs

    def counted(*args):
        checks.append(len(index))
        return original(*args)

    monkeypatch.setattr(index_module, "check_legs", counted)
    sync_folder(index, folder)
    assert checks == [len(index)]
    assert index.check is not None
