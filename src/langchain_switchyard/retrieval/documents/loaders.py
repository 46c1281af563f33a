r"""Read files into documents: Markdown, text, HTML, PDF, Word, source code, CSV and JSON.

Every document says where it came from (``source``), and PDFs say the page. HTML and Word become
Markdown, so that their headings, tables and code keep their meaning for the splitter; ``line`` then
counts lines of that text. Line ends become ``\n``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document

from langchain_switchyard.errors import MissingExtra, SwitchyardError
from langchain_switchyard.retrieval.documents.html_text import html_to_markdown
from langchain_switchyard.retrieval.documents.word_text import word_to_markdown

Loader = Callable[[bytes], list[tuple[str, dict[str, object]]]]
_CODE = [
    *(".py", ".pyi", ".js", ".ts", ".jsx", ".tsx", ".java", ".go", ".rs", ".c", ".h", ".cc"),
    *(".cpp", ".hpp", ".cs", ".rb", ".php", ".sh", ".sql", ".kt", ".swift"),
]
_TEXT = [".md", ".markdown", ".txt", ".rst", ".log", ".toml", ".yaml", ".yml", ".ini", ".cfg"]


class UnreadableFile(SwitchyardError):
    """A file cannot be turned into text; the message says which and why."""


def load_file(path: str | Path, source: str | None = None) -> list[Document]:
    """Read one file.

    Args:
        path: The file.
        source: What ``metadata["source"]`` says; the path by default.

    Raises:
        UnreadableFile: Unknown type, damaged content, or an encoding that cannot be told.
        MissingExtra: A PDF without pypdf (extra ``pdf``).
        OSError: The file cannot be opened.
    """
    file = Path(path)
    return parse_file(file.name, file.read_bytes(), source or str(file))


def parse_file(name: str, content: bytes, source: str) -> list[Document]:
    """Turn a file's bytes into documents; its type is told by the name's ending."""
    loader = LOADERS.get(Path(name).suffix.lower())
    if loader is None:
        known = " ".join(sorted(LOADERS))
        raise UnreadableFile(f"{source}: no loader for this type; known: {known}")
    try:
        parts = loader(content)
    except (UnreadableFile, MissingExtra):
        raise
    except Exception as error:
        # Parsers of damaged files raise whatever they please; the message must name the file.
        raise UnreadableFile(f"{source} cannot be read: {type(error).__name__}: {error}") from error
    return [
        Document(page_content=text, metadata={"source": source, **metadata})
        for text, metadata in parts
        if text.strip()
    ]


def decode_text(content: bytes) -> str:
    """Decode UTF-8, UTF-16 with a mark, or GB18030 (which covers GBK and GB2312).

    Raises:
        UnreadableFile: None of them fits, or it is a binary file.
    """
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise UnreadableFile("the text is neither UTF-8, UTF-16 nor GB18030")


def _load_text(content: bytes) -> list[tuple[str, dict[str, object]]]:
    return [(decode_text(content), {})]


def _load_csv(content: bytes) -> list[tuple[str, dict[str, object]]]:
    """One document per row: ``column: value`` lines; the columns are metadata, too."""
    reader = csv.DictReader(io.StringIO(decode_text(content)))
    return [_record(row, {"row": number}) for number, row in enumerate(reader, start=1)]


def _load_json(content: bytes) -> list[tuple[str, dict[str, object]]]:
    """One document per element of a list, or one for anything else."""
    data = json.loads(decode_text(content))
    rows = data if isinstance(data, list) else [data]
    return [_record(row, {"row": number}) for number, row in enumerate(rows, start=1)]


def _load_json_lines(content: bytes) -> list[tuple[str, dict[str, object]]]:
    """One document per line; empty lines are skipped."""
    lines = enumerate(decode_text(content).split("\n"), start=1)
    return [_record(json.loads(line), {"row": number}) for number, line in lines if line.strip()]


def _record(row: object, where: dict[str, object]) -> tuple[str, dict[str, object]]:
    if not isinstance(row, dict):
        return json.dumps(row, ensure_ascii=False) if not isinstance(row, str) else row, where
    named = {str(key): value for key, value in row.items() if value not in (None, "", [], {})}
    text = "\n".join(f"{key}: {_shown(value)}" for key, value in named.items())
    plain = {key: value for key, value in named.items() if isinstance(value, str | int | float)}
    # Short values serve filters; a long one is the text and need not be stored twice.
    return text, {k: v for k, v in plain.items() if len(str(v)) <= 200} | where


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _load_html(content: bytes) -> list[tuple[str, dict[str, object]]]:
    text, title = html_to_markdown(decode_text(content))
    return [(text, {"title": title} if title else {})]


def _load_word(content: bytes) -> list[tuple[str, dict[str, object]]]:
    return [(word_to_markdown(content), {})]


def _load_pdf(content: bytes) -> list[tuple[str, dict[str, object]]]:
    try:
        from pypdf import PdfReader  # noqa: PLC0415 - optional: only PDFs need it.
    except ImportError as error:
        raise MissingExtra("reading PDF files", "pdf") from error
    reader = PdfReader(io.BytesIO(content))
    return [
        (page.extract_text(), {"page": number}) for number, page in enumerate(reader.pages, start=1)
    ]


LOADERS: dict[str, Loader] = {
    **dict.fromkeys([*_TEXT, *_CODE], _load_text),
    ".html": _load_html,
    ".htm": _load_html,
    ".csv": _load_csv,
    ".json": _load_json,
    ".jsonl": _load_json_lines,
    ".pdf": _load_pdf,
    ".docx": _load_word,
}
