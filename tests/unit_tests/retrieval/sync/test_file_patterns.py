"""Patterns: which files of a folder are meant."""

import time

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import Index, sync_folder
from langchain_switchyard.retrieval.sync.file_patterns import file_filter

FILES = ["a.md", "b.txt", "docs/c.md", "docs/deep/d.md", "other/docs/e.md", "docs/[1].md"]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("*.md", ["a.md", "docs/c.md", "docs/deep/d.md", "other/docs/e.md", "docs/[1].md"]),
        ("**/*.md", ["a.md", "docs/c.md", "docs/deep/d.md", "other/docs/e.md", "docs/[1].md"]),
        ("**", FILES),
        ("./*.md", ["a.md"]),
        ("docs/*.md", ["docs/c.md", "docs/[1].md"]),
        ("docs/**/*.md", ["docs/c.md", "docs/deep/d.md", "docs/[1].md"]),
        ("**/docs/*.md", ["docs/c.md", "other/docs/e.md", "docs/[1].md"]),
        ("docs/**", ["docs/c.md", "docs/deep/d.md", "docs/[1].md"]),
        ("docs/", ["docs/c.md", "docs/deep/d.md", "docs/[1].md"]),
        ("**/deep/**/d.*", ["docs/deep/d.md"]),
        ("?.t[xy]t", ["b.txt"]),
        (["a.*", "docs/deep/*"], ["a.md", "docs/deep/d.md"]),
    ],
)
def test_a_pattern_means_what_it_means_to_glob(pattern, meant):
    """Two stars are any number of folders, none included; one stays within a name."""
    wanted = file_filter(pattern)
    assert [file for file in FILES if wanted(tuple(file.split("/")))] == meant


@pytest.mark.parametrize("pattern", [[], "", " ", [""], "/home/docs/*.md", "../*.md", [3]])
def test_patterns_that_would_empty_the_index_are_refused(pattern):
    """What matches nothing takes everything out."""
    with pytest.raises(ConfigurationError, match="patterns"):
        file_filter(pattern)


def test_many_stars_take_no_time():
    """However they could be read."""
    wanted = file_filter("**/a/" * 12 + "*.md")
    began = time.process_time()
    assert not wanted(("a",) * 40)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("patterns", ["**/*.md", ["**/*.md"], "*.md"])
def test_files_at_the_top_stay_in_the_index(tmp_path, patterns):
    """Given as a string or in a list."""
    (tmp_path / "deep").mkdir()
    for name in ("a.md", "deep/b.md", "c.txt"):
        (tmp_path / name).write_text(name)
    index = Index()
    sync_folder(index, tmp_path)
    report = sync_folder(index, tmp_path, patterns=patterns)
    assert (report.deleted, report.unchanged) == (("c.txt",), 2)
