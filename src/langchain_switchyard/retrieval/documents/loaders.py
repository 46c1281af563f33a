r"""Read files into documents: Markdown, text, HTML, PDF, Word, source code, CSV and JSON.

Every document says where it came from (``source``), and PDFs say the page. HTML and Word become
Markdown, so that their headings, tables and code keep their meaning for the splitter; ``line`` then
counts lines of that text. Rows of CSV and JSON say their ``row``, and the ``line`` of the file that
they begin on. Line ends become ``\n``.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.retrieval.documents.decoding import (
    UnreadableFile,
    decode_text,
    encoding_of_html,
    encoding_of_python,
)
from langchain_switchyard.retrieval.documents.html_text import html_to_markdown
from langchain_switchyard.retrieval.documents.table_rows import (
    csv_rows,
    json_lines_rows,
    json_rows,
)
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
READING = "files/2"
"""How files are read here: with another name, synchronised files are read anew."""


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


def _load_python(content: bytes) -> list[Part]:
    return [(decode_text(content, encoding_of_python(content)), {})]


def _load_html(content: bytes) -> list[Part]:
    text, title = html_to_markdown(decode_text(content, encoding_of_html(content)))
    if content.strip() and not text.strip():
        raise UnreadableFile("it shows no text: a page that scripts fill must be saved as shown")
    return [(text, {"title": title} if title else {})]


def _load_word(content: bytes) -> list[Part]:
    text = word_to_markdown(content)
    if not text.strip():
        raise UnreadableFile("it holds no text: pictures of pages need OCR first")
    return [(text, {})]


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
    ".py": _load_python,
    ".pyi": _load_python,
    ".html": _load_html,
    ".htm": _load_html,
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".json": json_rows,
    ".jsonl": json_lines_rows,
    ".pdf": _load_pdf,
    ".docx": _load_word,
}
