"""Reads Markdown-like text as prose: whole sentences under their headings.

Hard-wrapped lines of a paragraph or a list item belong together; headings, list items, table rows
and blank lines separate. Code blocks hold no sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SENTENCE_END = re.compile(
    r"(?<=[。！？；])(?![”’」』）])|(?<=[。！？][”’」』）])"
    r"|(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[*`A-Z0-9\u4e00-\u9fff])"
)
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_FENCE = re.compile(r"(?:```|~~~)")
BULLET = re.compile(r"^(?:[-*+•]|\d{1,3}[.)、])\s+")
"""How a list item begins."""
_WIDE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(frozen=True)
class Line:
    """One sentence, list item or table row."""

    text: str
    heading: str
    """The heading it stands under; empty before the first one."""
    is_row: bool = False
    """Whether it is a row of a table: true words, but no sentence."""


def read_prose(text: str) -> Iterator[Line]:
    """All sentences of a text, in order."""
    heading = ""
    for block in _blocks(text):
        title = _HEADING.fullmatch(block)
        if title is not None:
            heading = title.group(1)
        elif block.startswith("|"):
            if any(letter.isalnum() for letter in block):
                yield Line(block, heading, is_row=True)
        else:
            for sentence in _SENTENCE_END.split(block):
                if any(letter.isalnum() for letter in sentence):
                    yield Line(sentence.strip(), heading)


def is_wide(text: str) -> bool:
    """Whether a text is written in Chinese (or another wide script) rather than in Latin."""
    wide = len(_WIDE.findall(text))
    return wide > 0 and wide * 3 >= sum(letter.isalpha() for letter in text)


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and list items with their lines joined; headings and table rows as they are."""
    block, in_code = "", False
    for raw in text.splitlines():
        line = raw.strip()
        if _FENCE.match(line):
            in_code = not in_code
            line = ""
        elif in_code:
            continue
        alone = bool(_HEADING.fullmatch(line)) or line.startswith("|")
        if not line or alone or BULLET.match(line):
            if block:
                yield block
            block = ""
        if alone:
            yield line
        elif line:
            block = _joined(block, line)
    if block:
        yield block


def _joined(block: str, line: str) -> str:
    if not block:
        return line
    # Chinese is wrapped anywhere and has no space to put back.
    is_seamless = _WIDE.match(block[-1]) or _WIDE.match(line[0])
    return block + ("" if is_seamless else " ") + line
