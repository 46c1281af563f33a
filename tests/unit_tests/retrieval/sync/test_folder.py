"""Folder synchronisation: only what changed."""

import os

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, Index, sync_folder
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

    monkeypatch.setattr(preparation_module.Path, "read_bytes", unexpected)
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
    stamps = index.catalog.stamps(str(folder.resolve()), ["a.md"])
    assert stamps["a.md"].modified == 1_000_000_000


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
