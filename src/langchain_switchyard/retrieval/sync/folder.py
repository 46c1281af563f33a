"""Keep an index in step with a folder: only what changed is read, split and indexed again."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path, PurePosixPath

from langchain_core.documents import BaseDocumentTransformer

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.documents.chunking import StructureSplitter
from langchain_switchyard.retrieval.documents.loaders import LOADERS
from langchain_switchyard.retrieval.storage.catalog import Stamp
from langchain_switchyard.retrieval.storage.index import Index, Progress
from langchain_switchyard.retrieval.sync.commit import commit, preparation_for
from langchain_switchyard.retrieval.sync.preparation import FileTask, Prepared
from langchain_switchyard.retrieval.sync.report import SyncReport, Tally
from langchain_switchyard.retrieval.sync.workers import Workers, executor_of, prepared

_logger = logging.getLogger(__name__)
# With workers, small files travel together: so many bytes, or so many files.
_GROUP_BYTES, _GROUP_FILES = 256 << 10, 32


class FolderSync:
    """One synchronisation of one folder; see ``sync_folder``."""

    def __init__(
        self,
        index: Index,
        folder: str | Path,
        splitter: BaseDocumentTransformer | None = None,
        patterns: Sequence[str] | None = None,
        *,
        verify: bool = False,
    ) -> None:
        """Check the folder."""
        self._given = Path(folder)
        if not self._given.is_dir():
            raise ConfigurationError(f"{folder} is not a folder")
        self._root = self._given.resolve()
        self._scope = str(self._root)
        self._index = index
        self._preparation = preparation_for(index, splitter or StructureSplitter())
        self._patterns = patterns
        self._verify = verify
        # How the files were cut last time; told once all of them are.
        self._setting, self._mark = f"cut {self._scope}", self._preparation.digest(b"")

    def run(self, progress: Progress | None = None, workers: Workers = None) -> SyncReport:
        """Bring the index up to date; a kill loses at most what was in work."""
        found = {self._name(file): file for file in self._files()}
        present = {name: file for name, file in found.items() if _printable(name) == name}
        known = self._index.catalog.stamps(self._scope, list(present))
        names = self._index.catalog.synced_names(self._scope)
        gone = [name for name in names if name not in present]
        tally = Tally(progress, len(found) + len(gone))
        for name in sorted(found.keys() - present.keys()):
            self._fail(_printable(name), f"{_printable(name)}: no readable name, rename it", tally)
        with executor_of(workers) as executor:
            tasks = self._tasks(present, known, tally)
            groups = _grouped(tasks, executor)
            for _, results in prepared(groups, self._preparation, executor):
                self._take(results, known, tally)
        for name in gone:
            commit(self._index, self._scope, [Prepared(name, self._origin(name), entries=())])
            tally.deleted.append(name)
            tally.step(name)
        catalog = self._index.catalog
        if catalog.setting(self._setting) != self._mark:
            with catalog.transaction():
                catalog.remember(self._setting, self._mark)
        self._index.check_legs()
        return tally.report()

    def _take(self, results: list[Prepared], known: dict[str, Stamp], tally: Tally) -> None:
        commit(self._index, self._scope, [each for each in results if not each.failure])
        for each in results:
            if each.failure:
                self._fail(each.name, each.failure, tally)
                continue
            if each.entries is None:
                tally.unchanged += 1
            else:
                (tally.updated if each.name in known else tally.added).append(each.name)
            tally.step(each.name)

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

    def _origin(self, name: str) -> str:
        return f"{self._scope}/{name}"

    def _tasks(
        self, present: dict[str, Path], known: dict[str, Stamp], tally: Tally
    ) -> Iterator[FileTask]:
        """What must be read: new, changed in size or time, or no longer whole in the index."""
        sizes = self._index.catalog.origin_sizes([self._origin(name) for name in known])
        verify = self._verify or self._index.catalog.setting(self._setting) != self._mark
        for name, file in sorted(present.items()):
            stamp = known.get(name)
            if stamp is not None and sizes.get(self._origin(name), 0) != stamp.documents:
                stamp = None  # Somebody took chunks of it out: it is put in anew.
            try:
                state = file.stat()
            except OSError as error:
                self._fail(name, str(error), tally)
                continue
            looks = (state.st_size, state.st_mtime_ns)
            if stamp is not None and looks == (stamp.size, stamp.modified) and not verify:
                tally.unchanged += 1
                tally.step(name)
            else:
                yield self._task(name, file, looks, stamp)

    def _task(self, name: str, file: Path, looks: tuple[int, int], stamp: Stamp | None) -> FileTask:
        origin = self._origin(name)
        held = frozenset(record.id for record in self._index.catalog.by_origin(origin))
        source = str(self._given / name)
        return FileTask(name, origin, str(file), source, *looks, known=stamp, held=held)

    def _fail(self, name: str, reason: str, tally: Tally) -> None:
        _logger.warning("not indexed: %s", reason)
        tally.failed.append((name, reason))
        tally.step(name)


def _printable(name: str) -> str:
    """A file's name with bytes that are no UTF-8 spelt out; nothing can store those."""
    return name.encode("utf-8", "backslashreplace").decode()


def _grouped(tasks: Iterable[FileTask], executor: Executor | None) -> Iterator[list[FileTask]]:
    """Files that travel and are written together; one by one where nothing travels."""
    group: list[FileTask] = []
    for task in tasks:
        group.append(task)
        full = len(group) >= _GROUP_FILES or sum(each.size for each in group) >= _GROUP_BYTES
        if executor is None or full:
            yield group
            group = []
    if group:
        yield group


def sync_folder(
    index: Index,
    folder: str | Path,
    splitter: BaseDocumentTransformer | None = None,
    patterns: Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
    verify: bool = False,
    workers: Workers = None,
) -> SyncReport:
    """Bring ``index`` in step with ``folder``.

    Unchanged files (same size and time) are not even read. Files that are gone disappear from the
    index. Each file is replaced in one step, so that it can be stopped at any time and run again.

    Args:
        index: Where the chunks go.
        folder: Folder to read, with everything below it except hidden files and folders.
        splitter: Cuts documents; by structure, 300 tokens, by default. With another one than last
            time all files are read and cut again.
        patterns: Which files, such as ``["*.md"]``; all that can be read by default. Files that
            were indexed before and no longer match are taken out.
        progress: Called with ``(done, total, name)`` after each file.
        verify: Compare contents even where size and time of a file did not change.
        workers: How many processes read, split, tokenise and embed, or an ``Executor`` of yours
            (``ProcessPoolExecutor``, ``RayExecutor``); this process alone by default. The result
            is the same. Processes are started afresh, so a script must call this below ``if
            __name__ == "__main__":``.

    Raises:
        ConfigurationError: The folder does not exist.
    """
    sync = FolderSync(index, folder, splitter, patterns, verify=verify)
    return sync.run(progress, workers)
