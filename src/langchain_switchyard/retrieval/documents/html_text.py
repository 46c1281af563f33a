"""HTML to Markdown with the standard library: headings, lists, tables, code keep their meaning."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg", "head"})
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "div", "dl", "dt", "dd", "figure", "footer"),
        *("form", "header", "hr", "main", "nav", "ol", "p", "section", "table", "ul", "tr", "pre"),
    }
)
_STARTS = {"li": "\n- ", "br": "\n"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}


def html_to_markdown(html: str) -> tuple[str, str]:
    """Return the visible text as Markdown, and the page's title (empty if it has none)."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text(), reader.title.strip()


class _Reader(HTMLParser):
    """Collects text; state is what is open around it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._parts: list[str] = []
        self._hidden = 0
        self._code = 0
        self._in_title = False
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "body":
            self._hidden = 0  # HTML lets </head> be left out.
        elif tag == "title":
            self._in_title = True
        elif tag in _HIDDEN:
            self._hidden += 1
        elif tag in _HEADINGS:
            self._parts.append(f"\n\n{_HEADINGS[tag]} ")
        elif tag == "pre":
            self._code += 1
            self._parts.append("\n\n```\n")
        elif tag in _STARTS:
            self._parts.append(_STARTS[tag])
        elif tag == "tr":
            self._cells = 0
            self._parts.append("\n")
        elif tag in {"td", "th"}:
            self._parts.append("| " if not self._cells else " | ")
            self._cells += 1
        elif tag in _BLOCKS:
            self._parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif tag == "pre":
            self._code = max(self._code - 1, 0)
            self._parts.append("\n```\n\n")
        elif tag == "tr":
            self._parts.append(" |" if self._cells else "")
        elif tag in _HEADINGS or (tag in _BLOCKS and tag != "tr"):
            self._parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif self._hidden:
            return
        else:
            self._parts.append(data if self._code else re.sub(r"\s+", " ", data))

    def text(self) -> str:
        joined = "".join(self._parts)
        # Layout leaves trailing blanks and runs of empty lines; code fences keep theirs inside.
        joined = re.sub(r"[ \t]+\n", "\n", joined)
        joined = re.sub(r"\n[ ]+(?=[^\s`|-])", "\n", joined) if "```" not in joined else joined
        return re.sub(r"\n{3,}", "\n\n", joined).strip() + "\n"
