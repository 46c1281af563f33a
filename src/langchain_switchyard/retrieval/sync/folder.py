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
from langchain_switchyard.retrieval.sync.file_patterns import Parts, file_filter
from langchain_switchyard.retrieval.sync.folder_scope import folder_scope
from langchain_switchyard.retrieval.sync.preparation import FileTask, Prepared
from langchain_switchyard.retrieval.sync.report import SyncReport, Tally
from langchain_switchyard.retrieval.sync.workers import Workers, executor_of, prepared

_logger = logging.getLogger(__name__)
# With workers, small files travel together: so many bytes, or so many files.
_GROUP_BYTES, _GROUP_FILES = 256 << 10, 32
_GONE_AT_ONCE = 500


class FolderSync:
    """One synchronisation of one folder; see ``sync_folder``."""

    def __init__(
        self,
        index: Index,
        folder: str | Path,
        splitter: BaseDocumentTransformer | None = None,
        patterns: str | Sequence[str] | None = None,
        *,
        verify: bool = False,
        scope: str | None = None,
    ) -> None:
        """Check the folder."""
        given = Path(folder)
        if not given.is_dir():
            raise ConfigurationError(f"{folder} is not a folder")
        self._preparation = preparation_for(index, splitter or StructureSplitter())
        self._names = folder_scope(index.catalog, given, scope)
        self._index = index
        self._wanted = _readable if patterns is None else file_filter(patterns)
        self._verify = verify
        # How the files were cut last time; told once all of them are.
        place = str(self._names.root) if self._names.prefix else self._names.scope
        self._setting, self._mark = f"cut {place}", self._preparation.file_digest(b"")

    def run(self, progress: Progress | None = None, workers: Workers = None) -> SyncReport:
        """Bring the index up to date; a kill loses at most what was in work."""
        found = dict(self._files())
        present = {name: file for name, file in found.items() if _printable(name) == name}
        keys = [self._names.key(name) for name in present]
        known = self._index.catalog.stamps(self._names.scope, keys)
        gone = self._names.gone(present)
        tally = Tally(progress, len(found) + len(gone))
        for name in sorted(found.keys() - present.keys()):
            self._fail(_printable(name), f"{_printable(name)}: no readable name, rename it", tally)
        with executor_of(workers) as executor:
            tasks = self._tasks(present, known, tally)
            groups = _grouped(tasks, executor)
            for _, results in prepared(groups, self._preparation, executor):
                self._take(results, known, tally)
        self._take_out(gone, tally)
        self._remember()
        self._index.check_legs()
        return tally.report()

    def _take_out(self, gone: Sequence[tuple[str, str]], tally: Tally) -> None:
        for start in range(0, len(gone), _GONE_AT_ONCE):
            part = gone[start : start + _GONE_AT_ONCE]
            for scope in dict(part):
                keys = [key for each, key in part if each == scope]
                commit(self._index, scope, [_out(scope, key) for key in keys])
            for name in (self._names.shown(key) for _, key in part):
                tally.deleted.append(name)
                tally.step(name)

    def _take(self, results: list[Prepared], known: dict[str, Stamp], tally: Tally) -> None:
        commit(self._index, self._names.scope, [each for each in results if not each.failure])
        for each in results:
            name = self._names.shown(each.name)
            if each.failure:
                self._fail(name, each.failure, tally)
                continue
            if each.entries is None:
                tally.unchanged += 1
            else:
                (tally.updated if each.name in known else tally.added).append(name)
            tally.step(name)

    def _files(self) -> Iterator[tuple[str, Path]]:
        root = self._names.root
        own = None if self._index.path is None else self._index.path.resolve()
        for file in root.rglob("*"):
            inside = file.relative_to(root)
            hidden = any(part.startswith(".") for part in inside.parts)
            if hidden or (own is not None and file.is_relative_to(own)) or not file.is_file():
                continue
            if self._wanted(inside.parts):
                yield inside.as_posix(), file

    def _tasks(
        self, present: dict[str, Path], known: dict[str, Stamp], tally: Tally
    ) -> Iterator[FileTask]:
        """What must be read: new, changed in size or time, or no longer whole in the index."""
        sizes = self._index.catalog.origin_sizes([self._origin(key) for key in known])
        verify = self._verify or self._index.catalog.setting(self._setting) != self._mark
        for name, file in sorted(present.items()):
            key = self._names.key(name)
            stamp = known.get(key)
            if stamp is not None and sizes.get(self._origin(key), 0) != stamp.documents:
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
        key, owner = self._names.key(name), str(self._names.root)
        origin = self._origin(key)
        held = frozenset(record.id for record in self._index.catalog.by_origin(origin))
        source = self._names.source(name)
        return FileTask(key, origin, str(file), source, *looks, owner, known=stamp, held=held)

    def _origin(self, key: str) -> str:
        return f"{self._names.scope}/{key}"

    def _remember(self) -> None:
        catalog = self._index.catalog
        if catalog.setting(self._setting) != self._mark or not self._names.recorded():
            with catalog.transaction():
                catalog.remember(self._setting, self._mark)
                self._names.record()

    def _fail(self, name: str, reason: str, tally: Tally) -> None:
        _logger.warning("not indexed: %s", reason)
        tally.failed.append((name, reason))
        tally.step(name)


def _out(scope: str, key: str) -> Prepared:
    return Prepared(key, f"{scope}/{key}", entries=())


def _readable(parts: Parts) -> bool:
    return PurePosixPath(parts[-1]).suffix.lower() in LOADERS


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
    patterns: str | Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
    verify: bool = False,
    workers: Workers = None,
    scope: str | None = None,
) -> SyncReport:
    """Bring ``index`` in step with ``folder``.

    Unchanged files (same size and time) are not even read. Files that are gone disappear from the
    index. Each file is replaced in one step, so that it can be stopped at any time and run again.

    Args:
        index: Where the chunks go.
        folder: Folder to read, with everything below it except hidden files and folders.
        splitter: Cuts documents; by structure, 300 tokens, by default. With another one than last
            time all files are read and cut again.
        patterns: Which files, such as ``"*.md"`` or ``["guides/**/*.md", "*.pdf"]``; all that can
            be read by default. Without a slash it is a name at any depth, with one it begins in
            the folder; ``**`` is any number of folders. Files that were indexed before and no
            longer match are taken out.
        progress: Called with ``(done, total, name)`` after each file.
        verify: Compare contents even where size and time of a file did not change.
        workers: How many processes read, split, tokenise and embed, or an ``Executor`` of yours
            (``ProcessPoolExecutor``, ``RayExecutor``); this process alone by default. The result
            is the same. Processes are started afresh, so a script must call this below ``if
            __name__ == "__main__":``.
        scope: The folder's name in this index, wherever it is mounted or moved to; ``source`` of
            its chunks then begins with it: ``handbook/a.md``. One folder per name. Without one
            (and none given before) files are known by their place: a folder and one inside it
            share them, and a folder that is gone is recognised where half of its files are.

    Raises:
        ConfigurationError: The folder does not exist, patterns or a scope that cannot be meant.
    """
    sync = FolderSync(index, folder, splitter, patterns, verify=verify, scope=scope)
    return sync.run(progress, workers)
