"""Tables for terminals and notebooks."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned by what a terminal shows: a Chinese character is two cells wide."""
    lines = [tuple(columns), *rows]
    widths = [max(_cells(line[index]) for line in lines) for index in range(len(columns))]
    return "\n".join(
        "  ".join(
            text + " " * (width - _cells(text)) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same for a notebook; every cell is escaped."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
