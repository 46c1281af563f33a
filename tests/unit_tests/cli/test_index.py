"""`switchyard index`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def test_unchanged_files_are_not_read_again(run: Callable, docs: Path) -> None:
    """Only what is new, changed or gone."""
    first = run("index", "--docs", "docs", "--json").json
    (docs / "shop.md").write_text("# Shop\n\nAll sold.\n", "utf-8")
    (docs / "kitchen.txt").unlink()
    (docs / "new.md").write_text("# New\n\nNews.\n", "utf-8")
    second = run("index", "--docs", "docs", "--json").json

    assert len(first["added"]) == 3
    assert second["added"] == ["new.md"]
    assert second["updated"] == ["shop.md"]
    assert second["deleted"] == ["kitchen.txt"]
    assert second["unchanged"] == 1


def test_the_report_fits_on_a_line(run: Callable, docs: Path) -> None:
    """For people."""
    ran = run("index", "--docs", "docs")

    assert ran.out.startswith("docs: 3 new, 0 changed, 0 gone, 0 unchanged;")


def test_a_file_that_cannot_be_read_makes_the_exit_code_two(run: Callable, docs: Path) -> None:
    """The others are indexed all the same."""
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 this is no pdf")

    ran = run("index", "--docs", "docs")

    assert ran.code == 2
    assert "3 new" in ran.out
    assert "not indexed: broken.pdf" in ran.err


def test_without_a_folder_it_asks_for_one(run: Callable) -> None:
    """Exit code 2."""
    ran = run("index")

    assert ran.code == 2
    assert "--docs DIR" in ran.err


def test_two_folders_have_two_indexes(run: Callable, docs: Path) -> None:
    """Their answers do not mix."""
    other = docs.parent / "other"
    other.mkdir()
    (other / "a.md").write_text("The garden opens at dawn.\n", "utf-8")

    assert run("index", "--docs", "docs", "--json").json["passages"] > 1
    assert run("index", "--docs", "other", "--json").json["passages"] == 1
