"""See the structure of a text: headings, code, tables, paragraphs, sentences, as offsets.

Everything here cuts without losing a character: pieces lie end to end, white space belongs to the
piece before it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["heading", "code", "table", "text", "blank"]
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
# 第三章 … and 第十二条 head a part of a Chinese text when they start a line.
_CHINESE_HEADING = re.compile(
    r"第[一二三四五六七八九十百千零〇0-9]+(编|篇|章|节)(?=[\s　]|$).{0,60}$"
)
_CHINESE_LEVELS = {"编": 1, "篇": 1, "章": 2, "节": 3}
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*$")
_LIST_ITEM = re.compile(r"\s*([-*+•]|\d+[.)、]|[（(][一二三四五六七八九十\d]+[)）])\s*\S")
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


def blocks_of(text: str, *, headings: bool = True) -> list[Block]:
    """Cut a text into blocks.

    Args:
        text: Markdown or plain text.
        headings: Whether ``#`` lines and Chinese chapter lines are headings.
    """
    blocks: list[Block] = []
    fence, ended = "", True
    for start, end in _lines(text):
        line = text[start:end].rstrip("\n")
        kind, title, level, after = _classify(line, fence, headings=headings)
        last = blocks[-1] if blocks else None
        if last is not None and (kind == "blank" or (not ended and _joins(last, kind, line))):
            blocks[-1] = Block(last.start, end, last.kind, last.title, last.level)
        else:
            blocks.append(Block(start, end, "text" if kind == "blank" else kind, title, level))
        # An empty line ends a block, and so does the closing of a fence.
        ended = kind == "blank" or bool(fence and not after)
        fence = after
    return blocks


def python_blocks(text: str) -> list[Block]:
    """Cut Python source at its top-level definitions and the methods of its classes.

    A definition takes its decorators and the comments right above it along. Source that does not
    parse is treated as one block of code.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return [Block(0, len(text), "code")] if text else []
    starts = {0: ("", 0)}
    offsets = [start for start, _ in _lines(text)]
    for node, name, level in _definitions(tree, 1):
        above = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
        first = min([node.lineno, *above, len(offsets)]) - 1
        while first and text[offsets[first - 1] :].lstrip(" \t").startswith("#"):
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
    for block in blocks:
        if block.level:
            if any(not held.level or held.kind == "code" for held in current):
                sections.append(Section(tuple(path.values()), tuple(current)))
                current = []
            path = {level: title for level, title in path.items() if level < block.level}
            path[block.level] = block.title
        current.append(block)
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


def _classify(line: str, fence: str, *, headings: bool) -> tuple[Kind, str, int, str]:
    """Return the line's kind, a heading's title and level, and the fence open after it."""
    mark = _FENCE.match(line)
    if fence:
        closes = mark is not None and mark[1].startswith(fence) and not line.strip(" `~")
        return "code", "", 0, "" if closes else fence
    if mark is not None:
        return "code", "", 0, mark[1]
    if not line.strip():
        return "blank", "", 0, ""
    heading = _HEADING.match(line) if headings else None
    if heading is not None and heading[2]:
        return "heading", heading[2], len(heading[1]), ""
    chapter = _CHINESE_HEADING.match(line) if headings else None
    if chapter is not None:
        return "heading", line.strip(), _CHINESE_LEVELS[chapter[1]], ""
    return ("table" if _TABLE_ROW.match(line) else "text"), "", 0, ""


def _joins(last: Block, kind: Kind, line: str) -> bool:
    if kind != last.kind or kind == "heading":
        return False
    return kind != "text" or not _LIST_ITEM.match(line)


def _definitions(node: ast.AST, level: int) -> Iterator[tuple[ast.stmt, str, int]]:
    for child in getattr(node, "body", []):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child, child.name, level
            if isinstance(child, ast.ClassDef):
                yield from _definitions(child, level + 1)
