"""A folder and its place: moved, inside another, given a name."""

import shutil

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever, Index, sync_folder


@pytest.fixture
def folder(tmp_path):
    """Four files, two of them in a folder of their own."""
    folder = tmp_path / "docs"
    (folder / "guide").mkdir(parents=True)
    for name in ("a.md", "b.md", "guide/c.md", "guide/d.txt"):
        (folder / name).write_text(f"# {name}\n\nzebra in {name}\n")
    return folder


def sources(index):
    """Where every chunk says that it is from."""
    hits = HybridRetriever(index=index).search("zebra", k=100)
    return sorted(hit.document.metadata["source"] for hit in hits)


def test_a_folder_that_moved_is_not_indexed_twice(folder, tmp_path):
    """Its chunks say the new place, though a file of it changed and another is gone."""
    index = Index()
    sync_folder(index, folder)
    moved = folder.rename(tmp_path / "elsewhere")
    (moved / "a.md").write_text("# changed\n\nzebra changed a lot\n")
    (moved / "b.md").unlink()
    report = sync_folder(index, moved)
    assert sources(index) == [str(moved / name) for name in ("a.md", "guide/c.md", "guide/d.txt")]
    assert len(report.added) == 3
    assert len(report.deleted) == 4
    assert sync_folder(index, moved).unchanged == 3


def test_a_folder_that_moved_out_of_an_indexed_one_is_not_indexed_twice(folder, tmp_path):
    """Before the one around it is synchronised again, and after."""
    index = Index()
    sync_folder(index, folder)
    moved = (folder / "guide").rename(tmp_path / "manual")
    assert sync_folder(index, moved).deleted == tuple(
        str(folder / "guide" / name) for name in ("c.md", "d.txt")
    )
    assert len(sources(index)) == 4
    assert sync_folder(index, folder).unchanged == 2


def test_another_folder_is_not_taken_for_one_that_is_gone(folder, tmp_path):
    """A drive that is not there keeps its documents, whatever else is indexed."""
    other = tmp_path / "other"
    other.mkdir()
    for name in ("a.md", "x.md"):
        (other / name).write_text("# quite\n\nsomething else, a zebra\n")
    index = Index()
    sync_folder(index, folder)
    folder.rename(tmp_path / "unplugged")
    assert sync_folder(index, other).deleted == ()
    assert len(sources(index)) == 6


def test_a_copy_of_a_folder_is_a_folder_of_its_own(folder, tmp_path):
    """The first is still there."""
    index = Index()
    sync_folder(index, folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert sync_folder(index, tmp_path / "copy").deleted == ()
    assert len(sources(index)) == 8


@pytest.mark.parametrize("order", [("docs", "docs/guide"), ("docs/guide", "docs")])
def test_a_folder_inside_another_is_not_indexed_twice(folder, tmp_path, order):
    """Whichever comes first; and neither takes out what the other wants."""
    index = Index()
    for name in order * 2:
        sync_folder(index, tmp_path / name)
    assert len(sources(index)) == 4
    assert [sync_folder(index, tmp_path / name).unchanged for name in ("docs", "docs/guide")] == [
        4,
        2,
    ]


def test_folders_with_patterns_of_their_own_leave_each_other_alone(folder):
    """What one does not want, the other may."""
    index = Index()
    for _ in range(2):
        sync_folder(index, folder / "guide", patterns="*.txt")
        report = sync_folder(index, folder, patterns="*.md")
        assert report.deleted == ()
    assert len(sources(index)) == 4
    (folder / "guide" / "d.txt").unlink()
    assert sync_folder(index, folder, patterns="*.md").deleted == ("guide/d.txt",)


def test_a_named_folder_may_be_anywhere(folder, tmp_path, embeddings):
    """Nothing is read as new, embedded or cited differently after a move."""
    index = Index(embeddings=embeddings)
    assert len(sync_folder(index, folder, scope="手册").added) == 4
    assert sources(index)[0] == "手册/a.md"
    embeddings.embedded.clear()
    moved = folder.rename(tmp_path / "mounted")
    assert sync_folder(index, moved, scope="手册").unchanged == 4
    assert embeddings.embedded == []
    (moved / "a.md").unlink()
    assert sync_folder(index, moved, scope="手册").deleted == ("a.md",)


def test_a_name_once_given_is_remembered(folder, tmp_path):
    """Forgetting it the next time does not double the folder, even over a restart."""
    path = tmp_path / "index"
    sync_folder(Index(path), folder, scope="handbook")
    index = Index(path)
    assert sync_folder(index, folder).unchanged == 4
    assert len(index) == 4


def test_a_folder_that_is_given_a_name_later_is_not_doubled(folder):
    """What was known by its place is replaced."""
    index = Index()
    sync_folder(index, folder)
    report = sync_folder(index, folder, scope="handbook")
    assert len(report.added) == len(report.deleted) == 4
    assert sources(index) == [
        f"handbook/{name}" for name in ("a.md", "b.md", "guide/c.md", "guide/d.txt")
    ]


def test_names_keep_folders_apart(folder):
    """And from documents that were synchronised under the same name."""
    index = Index()
    retriever = HybridRetriever(index=index)
    sync_folder(index, folder / "guide", scope="one")
    sync_folder(index, folder, scope="two", patterns=["a.md"])
    retriever.sync_documents([], scope="one")
    assert len(index) == 3
    assert retriever.sync_folder(folder / "guide", scope="one").unchanged == 2


@pytest.mark.parametrize("scope", ["", "  "])
def test_an_empty_name_is_refused(folder, scope):
    """It would be a variable that was never set."""
    with pytest.raises(ConfigurationError, match="scope"):
        sync_folder(Index(), folder, scope=scope)


def test_a_stopped_move_goes_on(folder, tmp_path):
    """What is left of the old place is taken out by the next run."""

    def stop(done, *_):
        if done == 3:
            raise KeyboardInterrupt

    index = Index()
    sync_folder(index, folder)
    moved = folder.rename(tmp_path / "elsewhere")
    with pytest.raises(KeyboardInterrupt):
        sync_folder(index, moved, progress=stop)
    sync_folder(index, moved)
    assert len(index) == 4
