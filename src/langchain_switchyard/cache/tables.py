"""The cache's figures as tables: plain text and HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_switchyard.cache.tally import CacheStats


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def tables_of(stats: CacheStats) -> list[Table]:
    """Return what a cache did, by namespace and level; tables without rows are left out."""
    results = [(*place, str(count)) for place, count in sorted(stats.results.items())]
    stale = [(*place, str(count)) for place, count in sorted(stats.stale.items())]
    reasons = [(*place, str(count)) for place, count in sorted(stats.reasons.items())]
    saved = [
        (
            *place,
            str(sum(found.tokens.values())),
            ", ".join(f"{amount:.4f} {name}" for name, amount in found.money.items()) or "-",
            f"{found.seconds:.1f}",
        )
        for place, found in sorted(stats.saved.items())
    ]
    tables = [
        Table(("namespace", "level", "result", "requests"), results),
        Table(("namespace", "level", "tokens saved", "money saved", "seconds saved"), saved),
        Table(("namespace", "level", "served although stale", "requests"), stale),
        Table(("namespace", "why not served or stored", "requests"), reasons),
    ]
    return [table for table in tables if table.rows]


def as_text(tables: Sequence[Table], sums: Sequence[str]) -> str:
    """Return tables in columns, and lines below them."""
    return "\n".join([*(line for table in tables for line in _lines(table)), *sums])


def as_html(tables: Sequence[Table], sums: Sequence[str]) -> str:
    """Return tables as HTML, and lines below them; whatever they hold is shown as text."""
    body = "".join(
        f"<table>{_row(table.head, 'th')}{''.join(_row(row) for row in table.rows)}</table>"
        for table in tables
    )
    return f"{body}<p>{'<br>'.join(html.escape(line) for line in sums)}</p>"


def _lines(table: Table) -> list[str]:
    all_rows = [table.head, *table.rows]
    widths = [max(map(len, column)) for column in zip(*all_rows, strict=True)]
    return [
        *(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in all_rows
        ),
        "",
    ]


def _row(cells: Sequence[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
