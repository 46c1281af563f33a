"""Cut documents into chunks along their structure, without losing a character.

Headings first, then code blocks, tables and paragraphs, then whole sentences (Chinese ones, too),
then clauses, and single characters only at last. What the headings and paragraphs are depends on
the kind of document: the articles of a law, the turns of a dialogue, the parts and references of a
paper, the definitions of a program. No chunk crosses a heading; code and tables are cut only
between lines, and only when they are much longer than a chunk. The headings above a chunk go into
its metadata, and the index searches them with the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePath

from langchain_core.documents import BaseDocumentTransformer, Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.documents import marks, structure
from langchain_switchyard.retrieval.documents.document_type import DocumentType, detect_type
from langchain_switchyard.retrieval.documents.outline import outline_of
from langchain_switchyard.retrieval.lexical.tokenizer import HAN, HANGUL, KANA

Span = tuple[int, int]
_WIDE = re.compile(f"[{HAN}{KANA}{HANGUL}\u3000-\u303f\uff00-\uffef]")
# Code and tables up to this many chunk sizes stay in one piece.
_WHOLE = 2


def approximate_tokens(text: str) -> float:
    """Return about how many model tokens a text takes: 4 Latin letters or 1.7 Chinese ones each."""
    if text.isascii():
        return len(text) * 0.25
    wide = len(_WIDE.findall(text))
    return wide * 0.585 + (len(text) - wide) * 0.25


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    size: float
    path: tuple[str, ...]


class StructureSplitter(BaseDocumentTransformer):
    """Splits by structure; sizes are in tokens.

    With ``overlap=0`` the chunks of a document add up to its text exactly, and always
    ``text[start_index:start_index + len(chunk)] == chunk``. White space alone gives no chunk.

    Metadata of a chunk: the document's own, ``start_index``, ``line`` (from 1), ``heading``
    (``"Guide > Install"``, if there is one). Its id is made of source, headings and text: it stays
    the same when another part of the file changes.

    Args:
        size: Tokens that a chunk is filled up to (about 1,200 English or 512 Chinese characters for
            300). A rest of less than a third joins the chunk before it; code and tables of up to
            twice the size stay whole.
        overlap: Tokens of whole sentences repeated from the chunk before.
        count: Counts tokens; an estimate by script without it.
        document_type: What the documents are; told from each by ``detect_type`` without it.

    Raises:
        ConfigurationError: Sizes that cannot work, or an unknown type.
    """

    def __init__(
        self,
        size: int = 300,
        overlap: int = 0,
        count: Callable[[str], float] | None = None,
        document_type: DocumentType | str | None = None,
    ) -> None:
        """Check the sizes."""
        if size < 1 or not 0 <= overlap < size:
            raise ConfigurationError(
                f"need 0 <= overlap < size, got size={size}, overlap={overlap}"
            )
        self._size = size
        self._overlap = overlap
        self._count = count or approximate_tokens
        self._type = None if document_type is None else _known(document_type)

    @property
    def name(self) -> str:
        """How it cuts: with another name, documents are cut anew by a synchronisation."""
        counted = getattr(self._count, "__qualname__", type(self._count).__qualname__)
        return f"structure/3 {self._size} {self._overlap} {counted} {self._type or 'any'}"

    def split_documents(self, documents: Iterable[Document]) -> list[Document]:
        """Return the chunks of all documents, in order."""
        return [chunk for document in documents for chunk in self._split(document)]

    def split_text(self, text: str) -> list[str]:
        """Return the chunks of one text."""
        return [chunk.page_content for chunk in self._split(Document(page_content=text))]

    def transform_documents(
        self, documents: Sequence[Document], **kwargs: object
    ) -> Sequence[Document]:
        """Split, as a LangChain transformer."""
        del kwargs
        return self.split_documents(documents)

    def _split(self, document: Document) -> Iterator[Document]:
        text = document.page_content
        if not text.strip():
            return
        given = document.metadata.get("line")
        first_line = given if isinstance(given, int) else 1
        line_starts = [start for start, _ in structure.lines(text, 0, len(text))]
        if "row" in document.metadata and isinstance(given, int):
            line_starts = [0]  # The lines of a row's text are its columns, not the file's lines.
        seen: Counter[tuple[str, ...]] = Counter()
        source = str(document.metadata.get("source", document.id or ""))
        for start, end, path in self._spans(text, source):
            content = text[start:end]
            heading = " > ".join(path)
            identity = (source, str(document.metadata.get("page", "")), heading, content)
            seen[identity] += 1
            metadata = {
                **document.metadata,
                "start_index": start,
                "line": first_line + bisect_right(line_starts, _visible(content, start)) - 1,
            }
            if heading:
                metadata["heading"] = heading
            yield Document(
                id=_chunk_id(*identity, str(seen[identity])),
                page_content=content,
                metadata=metadata,
            )

    def _spans(self, text: str, source: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        blocks = _blocks(text, source, self._type or detect_type(text, source).type)
        for section in structure.sections_of(blocks):
            pieces = [
                piece for block in section.blocks for piece in self._pieces(text, block, section)
            ]
            parts = self._parts(text, section)
            for group in self._packed(pieces):
                yield self._overlapped(text, parts, group[0].start), group[-1].end, section.path

    def _pieces(
        self, text: str, block: structure.Block, section: structure.Section
    ) -> Iterator[_Piece]:
        whole = self._count(text[block.start : block.end])
        kept = block.kind in ("code", "table") and whole <= _WHOLE * self._size
        if whole <= self._size or kept:
            yield _Piece(block.start, block.end, whole, section.path)
        elif block.kind in ("code", "table"):
            for start, end in structure.lines(text, block.start, block.end):
                yield _Piece(start, end, self._count(text[start:end]), section.path)
        else:
            for start, end in structure.sentences(text, block.start, block.end):
                yield from self._fitting(text, start, end, section.path)

    def _fitting(self, text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[_Piece]:
        """A sentence, or its clauses, or at last its characters."""
        size = self._count(text[start:end])
        if size <= self._size:
            yield _Piece(start, end, size, path)
            return
        for first, last in structure.clauses(text, start, end):
            part = self._count(text[first:last])
            step = last - first
            if part > self._size:
                step = max(int(step * self._size / part), 1)
            for place in range(first, last, step):
                stop = min(place + step, last)
                yield _Piece(place, stop, self._count(text[place:stop]), path)

    def _packed(self, pieces: Sequence[_Piece]) -> list[list[_Piece]]:
        groups: list[list[_Piece]] = []
        filled = 0.0
        for piece in pieces:
            if groups and filled + piece.size <= self._size:
                groups[-1].append(piece)
                filled += piece.size
            else:
                groups.append([piece])
                filled = piece.size
        # A small rest says little on its own; it joins what it continues.
        if len(groups) > 1 and filled < self._size / 3:
            rest = groups.pop()
            groups[-1].extend(rest)
        return groups

    def _parts(self, text: str, section: structure.Section) -> list[Span]:
        """What an overlap is made of: lines of code and tables, sentences of everything else."""
        found: list[Span] = []
        for block in section.blocks if self._overlap else ():
            cut = structure.lines if block.kind in ("code", "table") else structure.sentences
            found.extend(cut(text, block.start, block.end))
        return found

    def _overlapped(self, text: str, parts: Sequence[Span], start: int) -> int:
        """Move a chunk's start back by whole parts of its own section."""
        moved, taken = start, 0.0
        for place in range(bisect_left(parts, (start, 0)) - 1, -1, -1):
            first, last = parts[place]
            taken += self._count(text[first : min(last, start)])
            if taken > self._overlap:
                break
            moved = first
        return moved


def _known(document_type: DocumentType | str) -> DocumentType:
    try:
        return DocumentType(document_type)
    except ValueError as error:
        raise ConfigurationError(
            f"unknown document type {document_type!r}: one of {', '.join(DocumentType)}"
        ) from error


def _blocks(text: str, source: str, kind: DocumentType) -> list[structure.Block]:
    if kind is not DocumentType.CODE:
        return structure.blocks_of(text, outline_of(kind, text))
    suffix = PurePath(source).suffix.lower()
    if suffix in (".py", ".pyi") or suffix not in marks.CODE_SUFFIXES:
        return structure.python_blocks(text)
    return structure.code_blocks(text)


def _visible(content: str, start: int) -> int:
    """Offset of the first character that is not white space."""
    return start + len(content) - len(content.lstrip())


def _chunk_id(*parts: str) -> str:
    digest = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "little"))  # So that no two splits look alike.
        digest.update(raw)
    return digest.hexdigest()
