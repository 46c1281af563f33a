"""HTML to Markdown with the standard library: headings, lists, tables, code keep their meaning.

Tags may be left out wherever HTML allows it, and pages that break its rules are read much as a
browser shows them: nothing that is seen is lost.
"""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

from langchain_switchyard.retrieval.documents.html_sheet import Sheet, Table

# What is never shown. (A head is no such thing: what cannot be in it is in the body.)
_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg"})
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "caption", "dd", "details", "dialog", "div"),
        *("dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "main"),
        *("legend", "nav", "p", "section", "summary", "center", "body"),
    }
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_CELLS = frozenset({"td", "th"})
_ROW_ENDS = frozenset({"tr", "thead", "tbody", "tfoot"})
# What begins with one of these is no drawing any more, even if its end was forgotten.
_BREAKS_OUT = _BLOCKS | _LISTS | _HEADINGS.keys() | {"table", "pre", "li", "img", "br"}


def html_to_markdown(html: str) -> tuple[str, str]:
    """Return the visible text as Markdown, and the page's title (empty if it has none)."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text(), " ".join(reader.title.split())


class _Reader(HTMLParser):
    """Writes onto sheets: the page, and one per open cell of a table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._in_title = False
        self._hidden: Counter[str] = Counter()
        self._sheets = [Sheet()]
        self._tables: list[Table] = []

    @property
    def _sheet(self) -> Sheet:
        return self._sheets[-1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body" or (self._hidden["svg"] and tag in _BREAKS_OUT):
            self._hidden.clear()
        if tag in _HIDDEN:
            self._hidden[tag] += 1
        elif tag == "title":
            self._in_title = not self._hidden.total()
        elif not self._hidden.total():
            self._in_title = False
            self._open(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Only drawings can close themselves; HTML takes the stroke of <div/> for nothing.
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def _open(self, tag: str, attrs: dict[str, str | None]) -> None:
        sheet = self._sheet
        if tag in _HEADINGS:
            sheet.begin_heading(_HEADINGS[tag])
        elif tag in _LISTS:
            sheet.begin_list(numbered=tag == "ol")
        elif tag == "li":
            sheet.begin_item()
        elif tag == "pre":
            sheet.begin_code()
        elif tag == "br":
            sheet.new_line()
        elif tag == "img":
            sheet.word(attrs.get("alt") or "")
        elif tag == "option":
            sheet.write(" ")
        elif tag in _BLOCKS:
            sheet.new_block()
        else:
            self._open_table_part(tag)

    def _open_table_part(self, tag: str) -> None:
        if tag == "table":
            self._sheet.new_block()
            self._tables.append(Table())
        elif tag in _CELLS:
            self._end_cell()
            if self._tables:
                self._tables[-1].cell_open = True
                self._sheets.append(Sheet())
            else:
                self._sheet.write(" ")  # Outside of any table it is a stretch of text.
        elif tag in _ROW_ENDS:
            self._end_row()

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in _HIDDEN:
            self._hidden[tag] = max(self._hidden[tag] - 1, 0)
        elif not self._hidden.total():
            self._close(tag)

    def _close(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._sheet.end_heading()
        elif tag in _LISTS:
            self._sheet.end_list()
        elif tag == "li":
            self._sheet.end_item()
        elif tag == "pre":
            self._sheet.end_code()
        elif tag == "table":
            self._end_table()
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _ROW_ENDS:
            self._end_row()
        elif tag in _BLOCKS:
            self._sheet.new_block()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._hidden.total():
            self._sheet.write(data)

    def text(self) -> str:
        """All of it; what was left open is closed."""
        while self._tables:
            self._end_table()
        return self._sheet.text() + "\n"

    def _end_cell(self) -> None:
        if self._tables and self._tables[-1].cell_open:
            self._tables[-1].end_cell(self._sheets.pop())

    def _end_row(self) -> None:
        self._end_cell()
        if self._tables:
            self._tables[-1].end_row(self._sheet)

    def _end_table(self) -> None:
        self._end_row()
        if self._tables:
            self._tables.pop()
            self._sheet.new_block()
