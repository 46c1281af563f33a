"""Tables told row by row, in the words of their header."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.providers.tables import read_rows, table_height

CODES = ["| exit code | means |", "|---|---|", "| 0 | it went well |", "| 130 | interrupted |"]
CELL = st.text("abc 住宿,:", min_size=1).map(str.strip).filter(bool)


def told(lines: list[str]) -> list[str]:
    """What the rows say."""
    return [row.text for row in read_rows(lines)]


def test_a_row_names_its_columns():
    """In plain words; the header itself says nothing."""
    assert told(CODES) == [
        "exit code: 0, means: it went well",
        "exit code: 130, means: interrupted",
    ]


def test_a_chinese_row_has_chinese_marks():
    """As its reader expects."""
    assert told(["| 项目 | 上限 |", "|---|---|", "| 住宿 | 450 元 |"]) == [
        "项目：住宿，上限：450 元"
    ]


def test_commas_inside_cells_do_not_blur_their_borders():
    """Then semicolons part them."""
    rows = told(["| plan | covers |", "|---|---|", "| Plus | defects, drops |"])
    assert rows == ["plan: Plus; covers: defects, drops"]


def test_a_table_without_outer_bars_is_one():
    """Alignment marks and all."""
    lines = ["Plan | Price", "--- | ---:", "Pro | $59", "", "After | all"]
    assert table_height(lines, 0) == 3
    assert told(lines[:3]) == ["Plan: Pro, Price: $59"]


def test_rows_cut_off_from_their_header_are_told_without_it():
    """A passage may begin in the middle of a table."""
    lines = ["| 130 | interrupted |", "| 1 | failed |", "That is all."]
    assert table_height(lines, 0) == 2
    assert told(lines[:2]) == ["130, interrupted", "1, failed"]


def test_prose_with_a_bar_is_no_table():
    """Only a rule below, or a bar in front, makes one."""
    assert table_height(["either a | b", "or both"], 0) == 0
    assert table_height(["text", "---"], 0) == 0


def test_empty_cells_labels_and_escaped_bars_are_read_as_meant():
    """Nothing is told of nothing."""
    lines = ["| | **Kept** |", "|---|---|", "| idle `a\\|b` | |", "| | |", "| x | y | more |"]
    assert told(lines) == ["idle `a|b`", "x, Kept: y, more"]


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n))))
def test_every_cell_is_told_literally(table: list[list[str]]) -> None:
    """A row holds its cells, in their order, beside nothing but labels and marks."""
    lines = ["| " + " | ".join(row) + " |" for row in table]
    rows = read_rows(["| h |", "|---|", *lines])
    said = [row for row in table if any(letter.isalnum() for cell in row for letter in cell)]
    assert [row.cells.split() for row in rows] == [" ".join(row).split() for row in said]
    for row, cells in zip(rows, said, strict=True):
        at = 0
        for cell in cells:
            at = row.text.index(cell, at) + len(cell)
