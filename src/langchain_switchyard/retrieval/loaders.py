r"""Read files into documents: Markdown, text, HTML, PDF, Word and source code.

Every document says where it came from (``source``), and PDFs say the page. HTML and Word become
Markdown, so that their headings, tables and code keep their meaning for the splitter; ``line`` then
counts lines of that text. Line ends become ``\n``.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document

from langchain_switchyard.errors import MissingExtra, SwitchyardError
from langchain_switchyard.retrieval.html_text import html_to_markdown
from langchain_switchyard.retrieval.word_text import word_to_markdown

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
    ".pdf": _load_pdf,
    ".docx": _load_word,
}
