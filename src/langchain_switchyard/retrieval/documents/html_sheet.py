"""What HTML is written onto: lines of Markdown with the space between them, and rows of tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SPACE = re.compile(r"\s+")
_FENCES = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)
# Deeper lists are not indented further.
_DEEPEST = 5


class Sheet:
    """Collects text. A gap is written only once text follows it, so that none is written twice."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.has_structure = False
        self._parts: list[str] = []
        self._gap = 0
        self._before = ""  # What comes before the next text: a heading's or an item's mark.
        self._heading = False
        self._lists: list[int | None] = []  # The number of the last item, where they have one.
        self._in_item = 0
        self._code: list[str] = []
        self._code_depth = 0

    def write(self, text: str) -> None:
        """Add text; white space means what it means in HTML."""
        if self._code_depth:
            self._code.append(text)
            return
        text = _SPACE.sub(" ", text)
        fresh = not self._parts or self._gap or self._before
        if (fresh or self._parts[-1].endswith(" ")) and text.startswith(" "):
            text = text[1:]
        if text:
            self._flush()
            self._parts.append(text)

    def word(self, text: str) -> None:
        """Add a word with space around it: a picture's text."""
        if text.strip():
            self.write(f" {text.strip()} ")

    def new_line(self) -> None:
        """Go on in the next line; two of them are the end of a paragraph."""
        if self._code_depth:
            self._code.append("\n")
        elif self._heading:
            self.write(" ")
        elif not self._before:
            self._gap = min(self._gap + 1, self._widest())

    def new_block(self) -> None:
        """End a paragraph. An item's first one begins on the item's own line."""
        if self._code_depth:
            return
        if self._heading:
            self.write(" ")
        elif not self._before:
            self._gap = self._widest()

    def begin_heading(self, level: int) -> None:
        """Begin a heading."""
        self.end_heading()
        self._gap, self._before = 2, "#" * level + " "
        self._heading = self.has_structure = True

    def end_heading(self) -> None:
        """End it; one without text leaves nothing."""
        if self._heading:
            self._heading, self._before, self._gap = False, "", 2

    def begin_list(self, *, numbered: bool) -> None:
        """Begin a list, perhaps in an item of another."""
        self._gap = max(self._gap, 1 if self._lists else 2)
        self._lists.append(0 if numbered else None)

    def end_list(self) -> None:
        """End a list, with its last item."""
        if self._lists:
            self._lists.pop()
            self._in_item = min(self._in_item, len(self._lists))
        self._before = ""
        self._gap = max(self._gap, 1 if self._lists else 2)

    def begin_item(self) -> None:
        """Begin an item; the end of the one before may have been left out."""
        mark = "- "
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] += 1
            mark = f"{self._lists[-1]}. "
        depth = max(len(self._lists), 1)
        self._in_item = depth
        self._gap = max(self._gap, 1)
        self._before = "  " * (min(depth, _DEEPEST) - 1) + mark

    def end_item(self) -> None:
        """End an item."""
        self._in_item = max(len(self._lists) - 1, 0)
        self._before = ""
        self._gap = max(self._gap, 1)

    def begin_code(self) -> None:
        """Begin text that stays exactly as it is."""
        self._code_depth += 1
        self.has_structure = True

    def end_code(self) -> None:
        """End it; its fence is longer than any inside."""
        self._code_depth = max(self._code_depth - 1, 0)
        code = "".join(self._code).strip("\n")
        if self._code_depth or not code.strip():
            return
        self._code = []
        longest = max((len(found) for found in _FENCES.findall(code)), default=2)
        fence = "`" * max(longest + 1, 3)
        self._before = ""
        self.block(f"{fence}\n{code}\n{fence}")

    def line(self, text: str) -> None:
        """Add a line as it is, such as a table's row."""
        self._gap = max(self._gap, 1)
        self._flush()
        self._parts.append(text)
        self._gap = 1
        self.has_structure = True

    def block(self, text: str) -> None:
        """Add ready Markdown as blocks of its own, at the beginning of the line."""
        if text:
            self._gap = 2
            self._flush()
            self._parts.append(text)
            self._gap = 2
            self.has_structure = True

    def text(self) -> str:
        """Return all of it."""
        if self._code_depth:
            self._code_depth = 1
            self.end_code()
        return "".join(self._parts).strip("\n ")

    def _widest(self) -> int:
        """A paragraph of an item stays with it."""
        return 1 if self._in_item else 2

    def _flush(self) -> None:
        if self._parts and self._gap:
            self._parts[-1] = self._parts[-1].rstrip(" ")
            self._parts.append("\n" * self._gap)
            # After an empty line, indented text would be code.
            if self._in_item and not self._before and self._gap == 1:
                self._parts.append("  " * min(self._in_item, _DEEPEST))
        self._parts.append(self._before)
        self._gap, self._before = 0, ""


@dataclass(slots=True)
class Table:
    """A table that is being read.

    Attributes:
        cell_open: Whether a cell is.
        cells: The cells of the row so far.
    """

    cell_open: bool = False
    cells: list[Sheet] = field(default_factory=list)

    def end_cell(self, sheet: Sheet) -> None:
        """Take a cell in."""
        self.cell_open = False
        self.cells.append(sheet)

    def end_row(self, onto: Sheet) -> None:
        """Write the row: on one line, or as blocks where the table is only there for layout."""
        texts = [cell.text() for cell in self.cells]
        layout = any(cell.has_structure for cell in self.cells)
        if layout or (len(texts) == 1 and "\n" in texts[0]):
            for text in texts:
                onto.block(text)
        elif any(texts):
            cells = (" ".join(text.split()).replace("|", "\\|") for text in texts)
            onto.line(f"| {' | '.join(cells)} |")
        self.cells = []
