"""From files and documents to entries: read, split, tokenise, embed. Needs no index.

That is nearly all the work of indexing, and what other processes can do. What they send back is
written by one writer in the order it was asked for, so the result does not depend on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from langchain_core.documents import BaseDocumentTransformer, Document
from langchain_core.embeddings import Embeddings

from langchain_switchyard.errors import SwitchyardError
from langchain_switchyard.retrieval.documents.loaders import READING, parse_file, read_bytes
from langchain_switchyard.retrieval.lexical.tokenizer import Tokenizer
from langchain_switchyard.retrieval.storage.catalog import Stamp
from langchain_switchyard.retrieval.storage.entry import Entry, entries_of
from langchain_switchyard.retrieval.storage.records import (
    document_id,
    encode_metadata,
    unit_vectors,
)


class EmbeddingFailed(SwitchyardError):
    """The embedding model failed in a worker; the message says how."""


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file that is new or looks changed.

    Attributes:
        name: What it is remembered as.
        origin: What its chunks belong to in the index.
        path: Where it is.
        source: What its chunks say about where they are from.
        size: Bytes, when it was looked at.
        modified: Its time then, in nanoseconds.
        owner: The folder that it was found in.
        known: The version in the index, if it is whole.
        held: Ids in the index that need not be embedded again.
    """

    name: str
    origin: str
    path: str
    source: str
    size: int
    modified: int
    owner: str = ""
    known: Stamp | None = None
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DocumentTask:
    """A document that is new or changed.

    Attributes:
        name: Its id.
        origin: What its chunks belong to in the index.
        document: The document.
        digest: Of its content.
        source: What it belongs to, for incremental cleanup.
        held: Ids in the index that need not be embedded again.
    """

    name: str
    origin: str
    document: Document
    digest: str
    source: str
    held: frozenset[str] = frozenset()


Task = FileTask | DocumentTask


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of a task.

    Attributes:
        name: The task's.
        origin: The task's.
        stamp: What to remember; ``None`` when it failed.
        entries: What to write; ``None`` when the index has it already.
        failure: Why it failed.
    """

    name: str
    origin: str
    stamp: Stamp | None = None
    entries: tuple[Entry, ...] | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How tasks become entries. Without tokeniser or model the writer does their part.

    Attributes:
        splitter: Cuts documents; ``None`` leaves them whole.
        tokenizer: The index's.
        embeddings: The index's.
    """

    splitter: BaseDocumentTransformer | None = None
    tokenizer: Tokenizer | None = None
    embeddings: Embeddings | None = None

    def __call__(self, tasks: Sequence[Task]) -> list[Prepared]:
        """Do the tasks; one that fails says why and leaves the others alone.

        Raises:
            EmbeddingFailed: The model failed; that is nobody's fault here, and may pass.
        """
        done = [self._prepare(task) for task in tasks]
        return done if self.embeddings is None else self._embedded(tasks, done, self.embeddings)

    def digest(self, content: bytes, reading: str = "") -> str:
        """Return what tells one version of a content from another, read and cut as it is here."""
        how = getattr(self.splitter, "name", type(self.splitter).__qualname__) + reading
        return blake2b(content, digest_size=16, key=blake2b(how.encode()).digest()).hexdigest()

    def file_digest(self, content: bytes) -> str:
        """Return the same for a file's bytes."""
        return self.digest(content, READING)

    def document_digest(self, document: Document) -> str:
        """Return the digest of a document's text and metadata.

        Raises:
            ConfigurationError: Metadata that cannot be stored; the message names the key.
        """
        metadata = encode_metadata(document).encode()
        size = len(metadata).to_bytes(8, "little")  # So that text never looks like metadata.
        return self.digest(size + metadata + document.page_content.encode())

    def _prepare(self, task: Task) -> Prepared:
        try:
            return self._file(task) if isinstance(task, FileTask) else self._document(task)
        except (SwitchyardError, OSError) as error:
            return Prepared(task.name, task.origin, failure=str(error))

    def _file(self, task: FileTask) -> Prepared:
        file = Path(task.path)
        content = read_bytes(file)
        stamp = Stamp(self.file_digest(content), 0, task.owner, task.size, task.modified)
        if task.known is not None and task.known.digest == stamp.digest:
            stamp = replace(stamp, documents=task.known.documents)
            return Prepared(task.name, task.origin, stamp)
        chunks = self._split(parse_file(file.name, content, task.source))
        return self._done(task, stamp, entries_of(chunks, task.origin))

    def _document(self, task: DocumentTask) -> Prepared:
        stamp = Stamp(task.digest, 0, task.source)
        if self.splitter is None:
            named = [task.document.model_copy(update={"id": task.name})]
        else:
            named = _named(self._split([task.document]), task.name)
        return self._done(task, stamp, entries_of(named, task.origin))

    def _split(self, documents: list[Document]) -> Sequence[Document]:
        if self.splitter is None:
            return documents
        return self.splitter.transform_documents(documents)

    def _done(self, task: Task, stamp: Stamp, entries: list[Entry]) -> Prepared:
        if self.tokenizer is not None:
            entries = [replace(e, terms=tuple(self.tokenizer.tokens(e.text))) for e in entries]
        stamp = replace(stamp, documents=len(entries))
        return Prepared(task.name, task.origin, stamp, tuple(entries))

    def _embedded(
        self, tasks: Sequence[Task], done: Sequence[Prepared], model: Embeddings
    ) -> list[Prepared]:
        """Embed everything new in one call: models are fastest with full batches."""
        held = frozenset[str]().union(*(task.held for task in tasks))
        fresh = [e for each in done for e in each.entries or () if e.id not in held]
        if not fresh:
            return list(done)
        try:
            vectors = unit_vectors(model.embed_documents([entry.text for entry in fresh]))
        except Exception as error:
            # Not every exception survives the way back from another process.
            raise EmbeddingFailed(f"{type(error).__name__}: {error}") from error
        made = {e.id: replace(e, vector=v) for e, v in zip(fresh, vectors, strict=True)}
        return [
            each
            if each.entries is None
            else replace(each, entries=tuple(made.get(e.id, e) for e in each.entries))
            for each in done
        ]


def _named(chunks: Sequence[Document], name: str) -> list[Document]:
    """Chunks with ids that no other document's chunks can have, whatever the splitter gave."""
    seen: Counter[str] = Counter()
    named = []
    for chunk in chunks:
        own = document_id(chunk)
        seen[own] += 1
        parts = f"{len(name)} {name} {own} {seen[own]}"
        digest = blake2b(parts.encode(), digest_size=16).hexdigest()
        named.append(chunk.model_copy(update={"id": digest}))
    return named
