r"""Read files into documents: Markdown, text, HTML, PDF, Word, source code, CSV and JSON.

Every document says where it came from (``source``), and PDFs say the page. HTML and Word become
Markdown, so that their headings, tables and code keep their meaning for the splitter; ``line`` then
counts lines of that text. Line ends become ``\n``.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.retrieval.documents.decoding import UnreadableFile, decode_text
from langchain_switchyard.retrieval.documents.html_text import html_to_markdown
from langchain_switchyard.retrieval.documents.word_text import word_to_markdown

Part = tuple[str, dict[str, object]]
Loader = Callable[[bytes], list[Part]]
_CODE = [
    *(".py", ".pyi", ".js", ".ts", ".jsx", ".tsx", ".java", ".go", ".rs", ".c", ".h", ".cc"),
    *(".cpp", ".hpp", ".cs", ".rb", ".php", ".sh", ".sql", ".kt", ".swift"),
]
_TEXT = [".md", ".markdown", ".txt", ".rst", ".log", ".toml", ".yaml", ".yml", ".ini", ".cfg"]


# Larger files are logs and dumps: read whole they could take the machine's memory.
MAX_BYTES = 256 << 20
# What a chunk says about where it is from: a column of that name is kept under another.
_RESERVED = frozenset({"source", "page", "row", "line", "start_index", "heading"})


def load_file(path: str | Path, source: str | None = None) -> list[Document]:
    """Read one file.

    Args:
        path: The file.
        source: What ``metadata["source"]`` says; the path by default.

    Raises:
        UnreadableFile: Unknown type, damaged content, an encoding that cannot be told, or more
            than 256 MiB.
        MissingExtra: A PDF without pypdf (extra ``pdf``).
        OSError: The file cannot be opened.
    """
    file = Path(path)
    return parse_file(file.name, read_bytes(file), source or str(file))


def read_bytes(file: Path) -> bytes:
    """Return what a file holds.

    Raises:
        UnreadableFile: More than 256 MiB.
        OSError: The file cannot be opened.
    """
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise UnreadableFile(
            f"{file} is larger ({size >> 20} MiB) than {MAX_BYTES >> 20} MiB: cut it into files"
        )
    return file.read_bytes()


def parse_file(name: str, content: bytes, source: str) -> list[Document]:
    """Turn a file's bytes into documents; its type is told by the name's ending."""
    loader = LOADERS.get(Path(name).suffix.lower())
    if loader is None:
        known = " ".join(sorted(LOADERS))
        raise UnreadableFile(f"{source}: no loader for this type; known: {known}")
    try:
        parts = loader(content)
    except MissingExtra:
        raise
    except UnreadableFile as error:
        raise UnreadableFile(f"{source} cannot be read: {error}") from error
    except Exception as error:
        # Parsers of damaged files raise whatever they please; the message must name the file.
        raise UnreadableFile(f"{source} cannot be read: {type(error).__name__}: {error}") from error
    return [
        Document(page_content=text, metadata={"source": source, **metadata})
        for text, metadata in parts
        if text.strip()
    ]


def _load_text(content: bytes) -> list[Part]:
    return [(decode_text(content), {})]


def _load_csv(content: bytes) -> list[Part]:
    """One document per row: ``column: value`` lines; the columns are metadata, too."""
    text = decode_text(content)
    head = text.split("\n", 1)[0]
    # Spreadsheets of some countries write semicolons, and many export tabs.
    delimiter = max(",;\t|", key=head.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    names = _column_names(next(rows, []))
    found = []
    for number, row in enumerate((row for row in rows if row), start=1):
        # Values without a name are no less part of the file.
        known = [*names, *(f"column {n + 1}" for n in range(len(names), len(row)))]
        found.append(_record(dict(zip(known, row, strict=False)), {"row": number}))
    return found


def _column_names(header: list[str]) -> list[str]:
    """Distinct names: of two columns of one name both are kept."""
    names: list[str] = []
    for place, given in enumerate(header, start=1):
        name = given.strip() or f"column {place}"
        names.append(f"{name} {place}" if name in names else name)
    return names


def _load_json(content: bytes) -> list[Part]:
    """One document per element of a list, or one for anything else."""
    data = json.loads(decode_text(content))
    rows = data if isinstance(data, list) else [data]
    return [_record(row, {"row": number}) for number, row in enumerate(rows, start=1)]


def _load_json_lines(content: bytes) -> list[Part]:
    """One document per line; empty lines are skipped."""
    found = []
    for number, line in enumerate(decode_text(content).split("\n"), start=1):
        if line.strip():
            try:
                found.append(_record(json.loads(line), {"row": number}))
            except ValueError as error:
                raise UnreadableFile(f"line {number} is no JSON: {error}") from error
    return found


def _record(row: object, where: dict[str, object]) -> tuple[str, dict[str, object]]:
    if not isinstance(row, dict):
        return json.dumps(row, ensure_ascii=False) if not isinstance(row, str) else row, where
    named = {str(key): value for key, value in row.items() if value not in (None, "", [], {})}
    text = "\n".join(f"{key}: {_shown(value)}" for key, value in named.items())
    plain = {
        f"{key}_" if key in _RESERVED else key: value
        for key, value in named.items()
        if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    }
    # Short values serve filters; a long one is the text and need not be stored twice.
    return text, {k: v for k, v in plain.items() if len(str(v)) <= 200} | where


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _load_html(content: bytes) -> list[Part]:
    text, title = html_to_markdown(decode_text(content))
    return [(text, {"title": title} if title else {})]


def _load_word(content: bytes) -> list[Part]:
    return [(word_to_markdown(content), {})]


def _load_pdf(content: bytes) -> list[Part]:
    try:
        from pypdf import PdfReader  # noqa: PLC0415 - optional: only PDFs need it.
    except ImportError as error:
        raise MissingExtra("reading PDF files", "pdf") from error
    reader = PdfReader(io.BytesIO(content))
    found: list[Part] = [
        (page.extract_text(), {"page": number}) for number, page in enumerate(reader.pages, start=1)
    ]
    if found and not any(text.strip() for text, _ in found):
        raise UnreadableFile(f"no text on any of its {len(found)} pages: a scan needs OCR first")
    return found


LOADERS: dict[str, Loader] = {
    **dict.fromkeys([*_TEXT, *_CODE], _load_text),
    ".html": _load_html,
    ".htm": _load_html,
    ".csv": _load_csv,
    ".tsv": _load_csv,
    ".json": _load_json,
    ".jsonl": _load_json_lines,
    ".pdf": _load_pdf,
    ".docx": _load_word,
}
