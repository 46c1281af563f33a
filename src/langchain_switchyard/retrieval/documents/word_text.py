"""Word documents (.docx) to Markdown with the standard library: headings, lists and tables."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from langchain_switchyard.errors import SwitchyardError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# A zip can claim to unpack to anything; no honest document's text is larger.
_MOST_BYTES = 200 << 20


class DamagedWordFile(SwitchyardError):
    """The file is no readable Word document."""


def word_to_markdown(content: bytes) -> str:
    """Return the document's text.

    Raises:
        DamagedWordFile: Not a Word file, too large, or with a document type declaration.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo("word/document.xml").file_size > _MOST_BYTES:
                raise DamagedWordFile("the document is too large")
            raw = archive.read("word/document.xml")
    except (zipfile.BadZipFile, KeyError) as error:
        raise DamagedWordFile(f"no Word document: {error}") from error
    # Word writes UTF-8; in another encoding a declaration would not be seen.
    if b"<!DOCTYPE" in raw or b"\x00" in raw[:100]:
        raise DamagedWordFile("document type declarations are refused (they can expand endlessly)")
    body = ET.fromstring(raw).find(f"{_W}body")  # noqa: S314 - no DOCTYPE, so no entities.
    return "" if body is None else "\n\n".join(_blocks(body)) + "\n"


def _blocks(body: ET.Element) -> Iterator[str]:
    for element in body:
        if element.tag == f"{_W}p":
            text = _text(element).strip()
            if text:
                yield _prefix(element) + text
        elif element.tag == f"{_W}tbl":
            yield "\n".join(_row(row) for row in element.findall(f"{_W}tr"))
        elif element.tag == f"{_W}sdt":  # A content control, such as a table of contents.
            content = element.find(f"{_W}sdtContent")
            yield from () if content is None else _blocks(content)


def _row(row: ET.Element) -> str:
    cells = [_text(cell).strip().replace("\n", " ") for cell in row.findall(f"{_W}tc")]
    return "| " + " | ".join(cells) + " |"


def _prefix(paragraph: ET.Element) -> str:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = (style.get(f"{_W}val") or "").lower() if style is not None else ""
    level = "".join(char for char in name if char.isdigit())
    # Word numbers its heading styles: "Heading2", "标题 2", or just "2" in Chinese templates.
    if level and (name.startswith(("heading", "标题")) or name == level):
        return "#" * min(int(level), 6) + " "
    if name == "title":
        return "# "
    return "- " if paragraph.find(f"{_W}pPr/{_W}numPr") is not None else ""


def _text(element: ET.Element) -> str:
    parts = []
    for node in element.iter():
        if node.tag == f"{_W}t":
            parts.append(node.text or "")
        elif node.tag == f"{_W}tab":
            parts.append("\t")
        elif node.tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
    return "".join(parts)
