"""Reads the tables of Markdown as statements: each row told in plain words, its header as labels.

```text
| exit code | means       |
|-----------|-------------|
| 130       | interrupted |     ->  exit code: 130, means: interrupted
```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CELL_BORDER = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_WIDE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_SEPARATOR = re.compile(r"[,;，；]")


@dataclass(frozen=True)
class Row:
    """One row below the header.

    Attributes:
        text: What it says, in one line: each cell after the name of its column.
        cells: Its own words alone.
        header: The names of the columns; empty where the header is not known.
    """

    text: str
    cells: str
    header: str


def table_height(lines: Sequence[str], at: int) -> int:
    """Return how many lines a table takes that begins at a line; 0: none begins there.

    A table begins with a header and the rule below it, or with a row that opens with a bar: a piece
    cut out of a text may lack the header.

    Args:
        lines: Of the text, without space around them.
        at: Where it might begin.
    """
    has_header = _is_header(lines, at)
    if not has_header and not lines[at].startswith("|"):
        return 0
    end = at + 1
    while end < len(lines) and _goes_on(lines[end], framed=not has_header):
        end += 1
    return end - at


def read_rows(lines: Sequence[str]) -> list[Row]:
    """Return the rows of one table, without header and rule; none says nothing."""
    header: list[str] = []
    if _is_header(lines, 0):
        header = [_plain(cell) for cell in _cells(lines[0])]
        lines = lines[2:]
    rows = (_row(_cells(line), header) for line in lines if not _is_rule(line))
    return [row for row in rows if any(letter.isalnum() for letter in row.cells)]


def _is_header(lines: Sequence[str], at: int) -> bool:
    return "|" in lines[at] and at + 1 < len(lines) and _is_rule(lines[at + 1])


def _is_rule(line: str) -> bool:
    return "|" in line and _RULE.fullmatch(line) is not None


def _goes_on(line: str, *, framed: bool) -> bool:
    return line.startswith("|") if framed else "|" in line


def _cells(line: str) -> list[str]:
    inner = line.removeprefix("|")
    # A bar at the end closes the last cell, unless it is escaped and part of it.
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(inner)]


def _plain(label: str) -> str:
    return label.strip("*_ :：")


def _row(cells: Sequence[str], header: Sequence[str]) -> Row:
    own = " ".join(cell for cell in cells if cell)
    is_wide = _WIDE.search(" ".join([*header, own])) is not None
    colon = "：" if is_wide else ": "
    labels = [*header, *[""] * len(cells)]
    parts = [
        f"{label}{colon}{cell}" if label and label != cell else cell
        for label, cell in zip(labels, cells, strict=False)
        if cell
    ]
    # Commas inside a cell would blur where it ends.
    has_commas = any(_SEPARATOR.search(cell) for cell in cells)
    comma = {True: ("；", "; "), False: ("，", ", ")}[has_commas][0 if is_wide else 1]
    return Row(comma.join(parts), own, " ".join(header))
