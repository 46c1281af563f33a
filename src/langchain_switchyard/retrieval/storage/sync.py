"""Keep an index in step with a folder: only what changed is read, split and indexed again."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from langchain_core.documents import Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.documents.chunking import StructureSplitter
from langchain_switchyard.retrieval.documents.loaders import LOADERS, UnreadableFile, parse_file
from langchain_switchyard.retrieval.storage.entry import entries_of
from langchain_switchyard.retrieval.storage.index import Index, Progress

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a synchronisation did, by file.

    Attributes:
        added: New files.
        updated: Files whose content changed.
        deleted: Files that are gone.
        unchanged: Number of files left alone.
        failed: ``(file, reason)`` of files that could not be read; their last good version stays.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: int = 0
    failed: tuple[tuple[str, str], ...] = ()


class FolderSync:
    """One synchronisation of one folder.

    Args:
        index: Where the chunks go.
        folder: Folder to read, with everything below it except hidden files and folders.
        splitter: Cuts documents; by structure, 300 tokens, by default.
        patterns: Which files, such as ``["*.md"]``; all that can be read by default. Files that
            were indexed before and no longer match are taken out.
        verify: Compare contents even where size and time of a file did not change.

    Raises:
        ConfigurationError: The folder does not exist.
    """

    def __init__(
        self,
        index: Index,
        folder: str | Path,
        splitter: StructureSplitter | None = None,
        patterns: Sequence[str] | None = None,
        *,
        verify: bool = False,
    ) -> None:
        """Check the folder."""
        self._given = Path(folder)
        if not self._given.is_dir():
            raise ConfigurationError(f"{folder} is not a folder")
        self._root = self._given.resolve()
        self._index = index
        self._splitter = splitter or StructureSplitter()
        self._patterns = patterns
        self._verify = verify

    def run(self, progress: Progress | None = None) -> SyncReport:
        """Bring the index up to date, file by file; a kill loses at most the file in work.

        Args:
            progress: Called with ``(done, total, name)`` after each file.
        """
        known = self._index.catalog.files(str(self._root))
        present = {self._name(file): file for file in self._files()}
        gone = [name for name in known if name not in present]
        outcomes: dict[str, list[str]] = {"added": [], "updated": [], "unchanged": []}
        failed: list[tuple[str, str]] = []
        total = len(present) + len(gone)
        for done, (name, file) in enumerate(sorted(present.items()), start=1):
            try:
                outcomes[self._take(name, file, known.get(name))].append(name)
            except (UnreadableFile, OSError) as error:
                _logger.warning("not indexed: %s", error)
                failed.append((name, str(error)))
            if progress is not None:
                progress(done, total, name)
        for done, name in enumerate(gone, start=len(present) + 1):
            self._drop(name)
            if progress is not None:
                progress(done, total, name)
        return SyncReport(
            added=tuple(outcomes["added"]),
            updated=tuple(outcomes["updated"]),
            deleted=tuple(gone),
            unchanged=len(outcomes["unchanged"]),
            failed=tuple(failed),
        )

    def _files(self) -> Iterable[Path]:
        own = None if self._index.path is None else self._index.path.resolve()
        for file in self._root.rglob("*"):
            inside = file.relative_to(self._root)
            hidden = any(part.startswith(".") for part in inside.parts)
            if hidden or (own is not None and file.is_relative_to(own)) or not file.is_file():
                continue
            if self._wanted(PurePosixPath(inside.as_posix())):
                yield file

    def _wanted(self, name: PurePosixPath) -> bool:
        if self._patterns is None:
            return name.suffix.lower() in LOADERS
        return any(name.match(pattern) for pattern in self._patterns)

    def _name(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()

    def _take(self, name: str, file: Path, known: tuple[int, int, str] | None) -> str:
        """Index one file if it changed; return ``added``, ``updated`` or ``unchanged``."""
        state = file.stat()
        same_stamp = known is not None and known[:2] == (state.st_size, state.st_mtime_ns)
        if same_stamp and not self._verify:
            return "unchanged"
        content = file.read_bytes()
        digest = blake2b(content, digest_size=16).hexdigest()
        stamp = (state.st_size, state.st_mtime_ns, digest)
        catalog, root = self._index.catalog, str(self._root)
        if known is not None and known[2] == digest:
            with catalog.transaction():
                catalog.write_file(root, name, stamp)
            return "unchanged"
        documents = parse_file(file.name, content, str(self._given / name))
        chunks = self._splitter.split_documents(documents)
        self._replace(name, chunks, stamp)
        return "added" if known is None else "updated"

    def _drop(self, name: str) -> None:
        self._replace(name, [], None)

    def _replace(
        self, name: str, chunks: Sequence[Document], stamp: tuple[int, int, str] | None
    ) -> None:
        root = str(self._root)
        origin = f"{root}/{name}"

        def record() -> None:
            # In the same transaction as the chunks: the file is either old or new, never half.
            self._index.catalog.write_file(root, name, stamp)

        self._index.replace_origins({origin: entries_of(chunks, origin)}, record)


def sync_folder(
    index: Index,
    folder: str | Path,
    splitter: StructureSplitter | None = None,
    patterns: Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
    verify: bool = False,
) -> SyncReport:
    """Bring ``index`` in step with ``folder``; see ``FolderSync`` for the arguments.

    Unchanged files (same size and time) are not even read. Files that are gone disappear from the
    index. Each file is replaced in one step, so that it can be stopped at any time and run again.
    """
    return FolderSync(index, folder, splitter, patterns, verify=verify).run(progress)
