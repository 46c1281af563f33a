"""Rows of CSV and JSON files as documents: ``column: value`` lines, and the line they stand on."""

from __future__ import annotations

import csv
import io
import json
import math
import threading
from collections.abc import Iterator

from langchain_switchyard.retrieval.documents.decoding import UnreadableFile, decode_text

Row = tuple[str, dict[str, object]]
# What a chunk says about where it is from: a column of that name is kept under another.
_RESERVED = frozenset({"source", "page", "row", "line", "start_index", "heading"})
# Longer values are text, and need not be stored a second time for filters.
_LONGEST_VALUE = 200
_BLANK = " \t\n\r"
# The csv module has one limit for the whole process, 128 KiB unless somebody set it.
_CSV_LIMIT = threading.Lock()


def csv_rows(content: bytes) -> list[Row]:
    """One document per row: ``column: value`` lines; the columns are metadata, too."""
    text = decode_text(content)
    head = text.split("\n", 1)[0]
    # Spreadsheets of some countries write semicolons, and many export tabs.
    delimiter = max(",;\t|", key=head.count)
    with _CSV_LIMIT:
        limit = csv.field_size_limit(max(len(text), 1))
        try:
            rows = list(_numbered(csv.reader(io.StringIO(text), delimiter=delimiter)))
        finally:
            csv.field_size_limit(limit)
    names = _column_names(rows[0][1] if rows else [])
    found = []
    for number, (line, row) in enumerate(rows[1:], start=1):
        # Values without a name are no less part of the file.
        known = [*names, *(f"column {n + 1}" for n in range(len(names), len(row)))]
        found.append(_record(dict(zip(known, row, strict=False)), number, line))
    return found


def json_rows(content: bytes) -> list[Row]:
    """One document per element of a list, or one for anything else."""
    text = decode_text(content)
    data = json.loads(text)
    if not isinstance(data, list):
        return [_record(data, 1, 1)]
    places = zip(data, _element_lines(text), strict=True)
    return [_record(row, number, line) for number, (row, line) in enumerate(places, start=1)]


def json_lines_rows(content: bytes) -> list[Row]:
    """One document per line; empty lines are skipped.

    Raises:
        UnreadableFile: A line that is no JSON; the message says which.
    """
    found = []
    for line, text in enumerate(decode_text(content).split("\n"), start=1):
        if text.strip():
            try:
                found.append(_record(json.loads(text), line, line))
            except ValueError as error:
                raise UnreadableFile(f"line {line} is no JSON: {error}") from error
    return found


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that each begins on; those without a field are none."""
    line = 1
    for row in reader:
        if row:
            yield line, row
        # A quoted value may go on for several lines.
        line = reader.line_num + 1  # type: ignore[attr-defined] # csv's reader type is private.


def _column_names(header: list[str]) -> list[str]:
    """Distinct names: of two columns of one name both are kept."""
    names: list[str] = []
    for place, given in enumerate(header, start=1):
        name = given.strip() or f"column {place}"
        names.append(f"{name} {place}" if name in names else name)
    return names


def _element_lines(text: str) -> Iterator[int]:
    """The lines that the elements of a list begin on; the text is known to be valid."""
    decoder = json.JSONDecoder()
    line, counted, place = 1, 0, _past(text, text.index("[") + 1, _BLANK)
    while text[place] != "]":
        line, counted = line + text.count("\n", counted, place), place
        yield line
        place = _past(text, decoder.raw_decode(text, place)[1], _BLANK + ",")


def _past(text: str, place: int, passed: str) -> int:
    while text[place] in passed:
        place += 1
    return place


def _record(row: object, number: int, line: int) -> Row:
    where: dict[str, object] = {"row": number, "line": line}
    if not isinstance(row, dict):
        return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False), where
    named = {str(key): value for key, value in row.items() if value not in (None, "", [], {})}
    text = "\n".join(f"{key}: {_shown(value)}" for key, value in named.items())
    plain = {
        f"{key}_" if key in _RESERVED else key: value
        for key, value in named.items()
        if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    }
    return text, {k: v for k, v in plain.items() if len(str(v)) <= _LONGEST_VALUE} | where


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
