"""See the structure of a text: headings, code, tables, paragraphs, sentences, as offsets.

Everything here cuts without losing a character: pieces lie end to end, white space belongs to the
piece before it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from langchain_switchyard.retrieval.documents import marks
from langchain_switchyard.retrieval.documents.outline import Heading, Outline

Kind = Literal["heading", "code", "table", "text"]
# Characters; a longer indented line is a paragraph.
_WIDEST_CODE = 200
# Marks are at the beginning of a line, which may be a whole book.
_LOOKED_AT = 300
_SENTENCE = re.compile(
    r"""[。！？；!?;]+[”’」』"'）)]*\s*|\.["'”’)]*(?:\s+|$)|…+[”’」』"']*\s*|\n+\s*"""
)
_CLAUSE = re.compile(r"[，、,：:]\s*|\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of lines of one kind.

    Attributes:
        start: Offset of the first character.
        end: Offset after the last character, blank lines that follow included.
        kind: What it is.
        title: Text of a heading.
        level: Depth of a heading from 1; 0 otherwise.
    """

    start: int
    end: int
    kind: Kind
    title: str = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under one heading.

    Attributes:
        path: Titles from the outermost heading to the section's own.
        blocks: In order; the heading itself first.
    """

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


def blocks_of(text: str, outline: Outline) -> list[Block]:
    """Cut a text into blocks.

    Args:
        text: Anything but a program.
        outline: Which lines are headings, and which begin a unit.
    """
    reader = _Reader(outline, _table_lines(text))
    for start, end in _lines(text):
        reader.take(start, end, text[start:end].rstrip("\n"))
    return reader.blocks


def python_blocks(text: str) -> list[Block]:
    """Cut Python source at its top-level definitions and the methods of its classes.

    A definition takes its decorators and the comments right above it along. Source that does not
    parse is cut like any other code.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code_blocks(text)
    starts = {0: ("", 0)}
    offsets = [start for start, _ in _lines(text)]
    for node, name, level in _definitions(tree, 1):
        above = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
        first = min([node.lineno, *above, len(offsets)]) - 1
        while first and text[offsets[first - 1] : offsets[first]].lstrip(" \t").startswith("#"):
            first -= 1
        starts[offsets[first]] = (name, level)
    places = [*sorted(starts), len(text)]
    return [
        Block(start, end, "code", *starts[start]) for start, end in pairwise(places) if end > start
    ]


def code_blocks(text: str) -> list[Block]:
    """Cut other source code where an empty line is followed by one that is not indented.

    That is where definitions begin in most languages; a ``#`` there is a comment, not a heading.
    """
    starts, after_blank = [0], False
    for start, end in _lines(text):
        line = text[start:end]
        if after_blank and line.strip() and not line[0].isspace() and line[0] not in ")}]":
            starts.append(start)
        after_blank = not line.strip()
    places = [*starts, len(text)]
    return [Block(start, end, "code") for start, end in pairwise(places) if end > start]


def sections_of(blocks: list[Block]) -> list[Section]:
    """Group blocks under their headings; a heading without a body joins the section after it."""
    sections: list[Section] = []
    path: dict[int, str] = {}
    current: list[Block] = []
    has_body = False
    for block in blocks:
        if block.level:
            if has_body:
                sections.append(Section(tuple(path.values()), tuple(current)))
                current, has_body = [], False
            path = {level: title for level, title in path.items() if level < block.level}
            path[block.level] = block.title
        current.append(block)
        has_body = has_body or block.kind != "heading"
    if current:
        sections.append(Section(tuple(path.values()), tuple(current)))
    return sections


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield whole sentences of ``text[start:end]``, their closing marks and space included."""
    return _cut(_SENTENCE, text, start, end)


def clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield pieces of a sentence that end at a comma or a space."""
    return _cut(_CLAUSE, text, start, end)


def lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the lines of ``text[start:end]``, line ends included."""
    for first, last in _lines(text[start:end]):
        yield start + first, start + last


def _cut(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    place = start
    for found in pattern.finditer(text, start, end):
        if found.end() > place:
            yield place, found.end()
            place = found.end()
    if place < end:
        yield place, end


def _lines(text: str) -> Iterator[tuple[int, int]]:
    place = 0
    while place < len(text):
        # Only \n: str.splitlines also cuts at form feeds and others, which editors do not count.
        stop = text.find("\n", place)
        end = len(text) if stop < 0 else stop + 1
        yield place, end
        place = end


class _Reader:
    """Reads line by line; remembers the open fence and whether the last block is complete."""

    def __init__(self, outline: Outline, tables: frozenset[int]) -> None:
        self.blocks: list[Block] = []
        self._outline = outline
        self._tables = tables
        self._fence = ""
        self._ended = True

    def take(self, start: int, end: int, line: str) -> None:
        last = self.blocks[-1] if self.blocks else None
        if not line.strip() and not self._fence:
            # An empty line belongs to what it follows, and ends it.
            self._ended = self._outline.blank_ends or last is None or last.kind != "text"
            self._extend(start, end, last)
            return
        fenced = bool(self._fence)
        kind, heading = self._kind(start, line, last)
        if (
            last is not None
            and not self._ended
            and heading is None
            and self._joins(last, kind, line)
        ):
            self._extend(start, end, last)
        elif heading is None:
            self.blocks.append(Block(start, end, kind))
        else:
            self.blocks.append(Block(start, end, kind, heading.title, heading.level))
        self._ended = fenced and not self._fence  # The closing of a fence ends it, too.

    def _extend(self, start: int, end: int, last: Block | None) -> None:
        if last is None:
            self.blocks.append(Block(start, end, "text"))
        else:
            self.blocks[-1] = replace(last, end=end)

    def _kind(self, start: int, line: str, last: Block | None) -> tuple[Kind, Heading | None]:
        mark = marks.FENCE.match(line)
        if self._fence:
            if mark is not None and mark[1].startswith(self._fence) and not line.strip(" `~"):
                self._fence = ""
            return "code", None
        if mark is not None:
            self._fence = mark[1]
            return "code", None
        if start in self._tables:
            return "table", None
        if self._indented(line, last):
            return "code", None
        heading = self._outline.heading(line[:_LOOKED_AT])
        return ("heading" if heading is not None and heading.bare else "text"), heading

    def _indented(self, line: str, last: Block | None) -> bool:
        """Markdown's other way to write code: four blanks, after an empty line or more of it."""
        if not line.startswith(("    ", "\t")) or len(line) > _WIDEST_CODE:
            return False
        return self._ended or (last is not None and last.kind == "code")

    def _joins(self, last: Block, kind: Kind, line: str) -> bool:
        if kind != last.kind or kind == "heading":
            return False
        return kind != "text" or not self._outline.begins(line[:_LOOKED_AT])


def _table_lines(text: str) -> frozenset[int]:
    """Where the lines of tables start: with bars at both ends, or around a rule of dashes."""
    spans = list(_lines(text))
    found: set[int] = set()
    for number, (start, end) in enumerate(spans):
        line = text[start:end].strip()
        if marks.TABLE_ROW.match(line):
            found.add(start)
        elif "|" in line and marks.table_rule(line):
            head = spans[number - 1] if number else None
            if head is not None and "|" in text[head[0] : head[1]]:
                found.update((head[0], start))
        elif "|" in line and number and spans[number - 1][0] in found:
            found.add(start)
    return frozenset(found)


def _definitions(node: ast.AST, level: int) -> Iterator[tuple[ast.stmt, str, int]]:
    for child in getattr(node, "body", []):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child, child.name, level
            if isinstance(child, ast.ClassDef):
                yield from _definitions(child, level + 1)
