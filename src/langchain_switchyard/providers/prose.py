"""Reads Markdown-like text as prose: whole sentences under their headings.

Hard-wrapped lines of a paragraph or a list item belong together; headings, list items, tables and
blank lines separate. The rows of a table are told as statements, a question is what the words after
it answer, and code holds no sentences, fenced or not; a whole block of it stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_switchyard.providers.code_lines import Code, split_code
from langchain_switchyard.providers.tables import Row, read_rows, table_height

_SENTENCE_END = re.compile(
    r"(?<=[。！？；])(?![”’」』）*])|(?<=[。！？][”’」』）])|(?<=[。！？]\*\*)"
    r"|(?:(?<=[.!?])|(?<=[.!?][\"')\]])|(?<=[.!?]\*\*))\s+(?=[\"'(\[*`A-Z0-9\u4e00-\u9fff])"
)
_HEADING = re.compile(r"#{1,6}\s+(.*)")
BULLET = re.compile(r"^(?:[-*+•]|\d{1,3}[.)、])\s+")
"""How a list item begins."""
_WIDE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_QUESTION_END = re.compile(r"[?？][\"'”’」』）)*_\]]*$")
_SETTING = re.compile(r"[A-Za-z_][\w.]*\s*=\s*\S")
"""How a line begins that sets something: it does not run on from the line before."""


@dataclass(frozen=True)
class Line:
    """One sentence, list item, table row or block of code.

    Attributes:
        text: What it says.
        heading: The heading it stands under; empty before the first one.
        row: The row of a table that it is, if it is one.
        asked: The question it stands after, as in a list of questions and answers.
        is_code: Whether it is a block of code: nothing to be found by itself.
    """

    text: str
    heading: str
    row: Row | None = None
    asked: str = ""
    is_code: bool = False

    @property
    def words(self) -> str:
        """What it says by itself: of a row, its cells; of code, nothing."""
        if self.is_code:
            return ""
        return self.text if self.row is None else self.row.cells

    @property
    def context(self) -> str:
        """What tells what it is about: heading, names of columns, the question before it."""
        header = "" if self.row is None else self.row.header
        return f"{self.heading} {header} {self.asked}"

    @property
    def is_question(self) -> bool:
        """Whether it asks instead of telling."""
        return _QUESTION_END.search(self.text) is not None

    @property
    def announces(self) -> bool:
        """Whether a list, a table or code must follow."""
        return self.text.rstrip().endswith((":", "："))

    @property
    def is_item(self) -> bool:
        """Whether it stands on a line of its own."""
        return self.is_code or self.row is not None or BULLET.match(self.text) is not None


def read_prose(text: str) -> Iterator[Line]:
    """All sentences of a text, in order."""
    heading = asked = ""
    is_open = False
    for block in _blocks(list(split_code(text))):
        if isinstance(block, Row | Code):
            row = block if isinstance(block, Row) else None
            yield Line(block.text, heading, row, asked, is_code=row is None)
            continue
        title = _HEADING.fullmatch(block)
        if title is not None:
            heading = title.group(1)
            is_open = _QUESTION_END.search(heading) is not None
            asked = heading if is_open else ""
            continue
        # A question is answered by the paragraph it ends or stands before, and by lists.
        is_item = BULLET.match(block) is not None
        asked = asked if is_open or is_item else ""
        is_open = is_open and is_item
        for line in _sentences(block, heading, asked):
            yield line
            asked = line.text if line.is_question else line.asked
            is_open = line.is_question or (is_open and is_item)


def is_wide(text: str) -> bool:
    """Whether a text is written in Chinese (or another wide script) rather than in Latin."""
    wide = len(_WIDE.findall(text))
    return wide > 0 and wide * 3 >= sum(letter.isalpha() for letter in text)


def _sentences(block: str, heading: str, asked: str) -> Iterator[Line]:
    for sentence in _SENTENCE_END.split(block):
        if any(letter.isalnum() for letter in sentence):
            line = Line(sentence.strip(), heading, asked=asked)
            yield line
            asked = line.text if line.is_question else asked


def _blocks(parts: Sequence[str | Code]) -> Iterator[str | Row | Code]:
    """Paragraphs and list items with their lines joined; headings, rows of tables, code."""
    lines = ["" if isinstance(part, Code) else part for part in parts]
    block = ""
    at = 0
    while at < len(lines):
        line, part = lines[at], parts[at]
        height = table_height(lines, at)
        is_heading = _HEADING.fullmatch(line) is not None
        if block and (not line or height or is_heading or _begins_anew(line)):
            yield block
            block = ""
        if height:
            yield from read_rows(lines[at : at + height])
        elif is_heading or isinstance(part, Code):
            yield part
        elif line:
            block = _joined(block, line)
        at += height or 1
    if block:
        yield block


def _begins_anew(line: str) -> bool:
    return BULLET.match(line) is not None or _SETTING.match(line) is not None


def _joined(block: str, line: str) -> str:
    if not block:
        return line
    # Chinese is wrapped anywhere and has no space to put back.
    is_seamless = _WIDE.match(block[-1]) or _WIDE.match(line[0])
    return block + ("" if is_seamless else " ") + line
