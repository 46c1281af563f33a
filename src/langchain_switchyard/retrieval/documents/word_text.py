"""Word documents (.docx) to Markdown with the standard library: headings, lists and tables."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from langchain_switchyard.errors import SwitchyardError
from langchain_switchyard.retrieval.documents.word_styles import Styles, W

_DOCUMENT, _STYLES = "word/document.xml", "word/styles.xml"
# A zip can claim to unpack to anything; no honest document's text is larger.
_MOST_BYTES = 200 << 20
# Word can be told to write "strict" documents, which differ in this.
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Said a second time for programs of old; taken out, or moved elsewhere, by a tracked change.
_NOT_READ = frozenset({f"{_MC}Fallback", f"{W}del", f"{W}moveFrom", f"{W}pPr", f"{W}rPr"})
# What only stands around paragraphs, rows and cells: content controls, changes, alternatives.
_AROUND = frozenset(
    {
        *(f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo")),
        *(f"{_MC}{name}" for name in ("AlternateContent", "Choice")),
    }
)
_MARKS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}


class DamagedWordFile(SwitchyardError):
    """The file is no readable Word document."""


def word_to_markdown(content: bytes) -> str:
    """Return the document's text.

    Raises:
        DamagedWordFile: Not a Word file, too large, or with a document type declaration.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            document = _part(archive, _DOCUMENT)
            styles = _part(archive, _STYLES) if _STYLES in archive.namelist() else None
    except (zipfile.BadZipFile, KeyError) as error:
        raise DamagedWordFile(f"no Word document: {error}") from error
    body = document.find(f"{W}body")
    return "" if body is None else "\n\n".join(_blocks(body, Styles(styles))) + "\n"


def _part(archive: zipfile.ZipFile, name: str) -> ET.Element:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise DamagedWordFile("the document is too large")
    raw = archive.read(name)
    # Word writes UTF-8; in another encoding a declaration would not be seen.
    if b"<!DOCTYPE" in raw or b"\x00" in raw[:100]:
        raise DamagedWordFile("document type declarations are refused (they can expand endlessly)")
    raw = raw.replace(_STRICT, W[1:-1].encode())
    return ET.fromstring(raw)  # noqa: S314 - no DOCTYPE, so no entities.


def _blocks(body: ET.Element, styles: Styles) -> Iterator[str]:
    items: list[str] = []
    for element in _inside(body, ("p", "tbl")):
        text, listed = _block(element, styles)
        if items and not listed:
            yield "\n".join(items)
            items = []
        if listed:
            items.append(text)
        elif text:
            yield text
    if items:
        yield "\n".join(items)


def _block(element: ET.Element, styles: Styles) -> tuple[str, bool]:
    """The Markdown of a paragraph or a table, and whether it is an item of a list."""
    if element.tag == f"{W}tbl":
        return "\n".join(_row(row) for row in _inside(element, ("tr",))), False
    text = _text(element).strip()
    meaning = styles.meaning(element)
    if not text:
        return "", False
    if meaning.level:
        return "#" * min(meaning.level, 6) + " " + " ".join(text.split()), False
    return (f"- {text}", True) if meaning.listed else (text, False)


def _row(row: ET.Element) -> str:
    cells = (" ".join(_text(cell).split()).replace("|", "\\|") for cell in _inside(row, ("tc",)))
    return f"| {' | '.join(cells)} |"


def _inside(element: ET.Element, names: tuple[str, ...]) -> Iterator[ET.Element]:
    """Children of some kinds, in order; what only stands around them is looked through."""
    wanted = {f"{W}{name}" for name in names}
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if child.tag in wanted:
            yield child
        elif child.tag in _AROUND:
            waiting.extend(reversed(child))


def _text(element: ET.Element) -> str:
    """All that is written in an element; a paragraph in it, as in a text box, is a line."""
    parts: list[str] = []
    waiting: list[ET.Element | str] = list(reversed(element))
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == f"{W}t":
            parts.append(node.text or "")
        elif node.tag in _MARKS:
            parts.append(_MARKS[node.tag])
        elif node.tag not in _NOT_READ:
            if node.tag == f"{W}p":
                parts.append("\n")
                waiting.append("\n")
            waiting.extend(reversed(node))
    return "".join(parts)
