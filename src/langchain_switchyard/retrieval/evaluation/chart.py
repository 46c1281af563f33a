"""Means with their intervals, drawn as an SVG image: dots and lines, one row for each retriever."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from langchain_switchyard.retrieval.evaluation.significance import Interval

_FONT = (
    "'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Helvetica Neue', "
    "Arial, sans-serif"
)
# Okabe and Ito's colours, which nearly everybody can tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_PLOT_WIDTH, _FIGURES_WIDTH = 340, 250
_ROW, _HEADING, _MARGIN = 22, 30, 16
_LETTER = 7.2
"""Pixels of a letter; a Chinese character takes two."""


@dataclass(frozen=True, slots=True)
class Row:
    """One dot with its line, and a few words after its figures."""

    name: str
    interval: Interval
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where things are, in pixels."""

    left: float
    top: float
    bottom: float
    low: float
    high: float

    def x(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.left + _PLOT_WIDTH * share


def draw(groups: Mapping[str, Sequence[Row]], note: str = "") -> str:
    """Return an SVG image.

    Args:
        groups: ``measure -> rows``; the same names in the same order in each.
        note: A line below the axis.
    """
    rows = [row for group in groups.values() for row in group]
    labels = max(_width(name) for name in [*groups, *(row.name for row in rows)])
    height = len(groups) * _HEADING + len(rows) * _ROW
    low, high = _range(rows)
    frame = _Frame(labels + 2 * _MARGIN, _MARGIN, _MARGIN + height, low, high)
    width = max(frame.left + _PLOT_WIDTH + _FIGURES_WIDTH, _width(note) + 2 * _MARGIN)
    parts = [*_axis(frame), *_groups(groups, frame), _text(_MARGIN, frame.bottom + 44, note)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
        f'height="{frame.bottom + 60:.0f}" viewBox="0 0 {width:.0f} {frame.bottom + 60:.0f}" '
        f'font-family="{_FONT}" font-size="13" role="img">'
        '<rect width="100%" height="100%" fill="#ffffff"/>' + "".join(parts) + "</svg>"
    )


def _range(rows: Sequence[Row]) -> tuple[float, float]:
    """The axis: tenths around all intervals, so that small differences can be seen."""
    low = math.floor(min(row.interval.low for row in rows) * 10) / 10
    high = math.ceil(max(row.interval.high for row in rows) * 10) / 10
    return low, max(high, low + 0.1)


def _axis(frame: _Frame) -> Iterator[str]:
    for tick in range(round(frame.low * 10), round(frame.high * 10) + 1):
        x = frame.x(tick / 10)
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom + 4}" '
            'stroke="#dddddd"/>'
        )
        yield _text(x, frame.bottom + 20, f"{tick / 10:.1f}", anchor="middle", fill="#555555")


def _groups(groups: Mapping[str, Sequence[Row]], frame: _Frame) -> Iterator[str]:
    y = frame.top
    for measure, rows in groups.items():
        y += _HEADING
        yield _text(_MARGIN, y - 8, measure, weight="bold")
        for number, row in enumerate(rows):
            y += _ROW
            yield from _row(row, y - _ROW / 2, _COLOURS[number % len(_COLOURS)], frame)


def _row(row: Row, y: float, colour: str, frame: _Frame) -> Iterator[str]:
    found = row.interval
    yield _text(_MARGIN + 8, y + 4, row.name)
    yield (
        f'<line x1="{frame.x(found.low):.1f}" x2="{frame.x(found.high):.1f}" y1="{y}" y2="{y}" '
        f'stroke="{colour}" stroke-width="3" stroke-opacity="0.5"/>'
    )
    yield (
        f'<circle cx="{frame.x(found.mean):.1f}" cy="{y}" r="5" fill="{colour}">'
        f"<title>{escape(row.name)}: {found}</title></circle>"
    )
    figures = f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
    told = f"{figures}, {row.note}" if row.note else figures
    yield _text(frame.left + _PLOT_WIDTH + 12, y + 4, told, fill="#333333")


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    fill: str = "#000000",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{fill}">{escape(text)}</text>'
    )


def _width(text: str) -> float:
    return columns(text) * _LETTER


def columns(text: str) -> int:
    """Return how many letters' room a text takes: a Chinese character as much as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
