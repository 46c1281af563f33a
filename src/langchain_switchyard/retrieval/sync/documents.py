"""Keep an index in step with an iterator of documents: a database, a crawl, an export."""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from langchain_core.documents import BaseDocumentTransformer, Document

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.storage.index import Index, Progress
from langchain_switchyard.retrieval.storage.records import document_id
from langchain_switchyard.retrieval.sync.commit import commit, preparation_for
from langchain_switchyard.retrieval.sync.preparation import DocumentTask, Prepared
from langchain_switchyard.retrieval.sync.report import SyncReport, Tally
from langchain_switchyard.retrieval.sync.workers import Workers, executor_of, prepared

_logger = logging.getLogger(__name__)
Cleanup = Literal["full", "incremental"]
# Documents written in one step: what a kill can cost.
_BATCH = 500


def sync_documents(
    index: Index,
    documents: Iterable[Document],
    scope: str = "documents",
    *,
    cleanup: Cleanup | None = "full",
    source_key: str = "source",
    splitter: BaseDocumentTransformer | None = None,
    progress: Progress | None = None,
    workers: Workers = None,
) -> SyncReport:
    """Bring what ``scope`` holds of ``index`` in step with ``documents``.

    Only what is new or changed, in text or metadata, is split, embedded and written. Documents are
    told apart by their ids, or by their content where they have none. Everything is written in
    steps of 500; stop it, or kill it, at any time and run it again. It blocks: from a coroutine,
    call it by ``asyncio.to_thread``.

    Args:
        index: Where the documents go.
        documents: Read once, and only as far ahead as needed. When reading them fails, nothing is
            cleaned up.
        scope: Whose documents they are: cleanup never touches those of another scope.
        cleanup: What becomes of the scope's documents that are not given any more. ``"full"``
            deletes them all, ``"incremental"`` those whose source was given, ``None`` keeps them.
        source_key: Metadata key that names the source, for incremental cleanup.
        splitter: Cuts documents into chunks; whole without it.
        progress: Called with ``(done, total, id)``; total is 0 where ``documents`` has no length.
        workers: As for ``sync_folder``.

    Returns:
        What was done, by document id. A document that cannot be stored is reported as failed, and
        its last good version stays.

    Raises:
        ConfigurationError: An unknown way to clean up, or a document without a source where
            cleanup needs it.
    """
    if cleanup not in ("full", "incremental", None):
        raise ConfigurationError(f"cleanup is 'full', 'incremental' or None, got {cleanup!r}")
    sync = _DocumentSync(index, scope, cleanup, source_key, splitter)
    return sync.run(documents, progress, workers)


class _DocumentSync:
    """One synchronisation: what was seen of ids and sources so far."""

    def __init__(
        self,
        index: Index,
        scope: str,
        cleanup: Cleanup | None,
        source_key: str,
        splitter: BaseDocumentTransformer | None,
    ) -> None:
        self._index = index
        self._scope = f"documents:{scope}"  # No folder is called so: a folder's scope is its path.
        self._cleanup = cleanup
        self._source_key = source_key
        self._preparation = preparation_for(index, splitter)
        self._seen: set[str] = set()
        self._known: set[str] = set()
        self._sources: set[str] = set()

    def run(
        self, documents: Iterable[Document], progress: Progress | None, workers: Workers
    ) -> SyncReport:
        tally = Tally(progress, operator.length_hint(documents))
        with executor_of(workers) as executor:
            groups = self._groups(iter(documents), tally)
            for _, results in prepared(groups, self._preparation, executor):
                self._take(results, tally)
        self._clean(tally)
        self._index.check_legs()
        return tally.report()

    def _groups(self, documents: Iterator[Document], tally: Tally) -> Iterator[list[DocumentTask]]:
        while batch := list(islice(documents, _BATCH)):
            tasks = self._tasks(batch, tally)
            if tasks:
                yield tasks

    def _tasks(self, batch: Sequence[Document], tally: Tally) -> list[DocumentTask]:
        """What is new, changed, or no longer whole in the index."""
        # Of several documents with one id the last wins, as everywhere.
        made = {task.name: task for each in batch if (task := self._task(each, tally)) is not None}
        catalog = self._index.catalog
        stamps = catalog.stamps(self._scope, list(made))
        sizes = catalog.origin_sizes([task.origin for task in made.values()])
        tasks = []
        for name, task in made.items():
            stamp = stamps.get(name)
            # What this run is about to write of it, the catalogue does not know yet.
            pending = name in self._seen
            self._seen.add(name)
            if stamp is not None or pending:
                self._known.add(name)
            whole = stamp is not None and sizes.get(task.origin, 0) == stamp.documents
            if whole and stamp is not None and stamp.digest == task.digest and not pending:
                tally.unchanged += 1
                tally.step(name)
            else:
                tasks.append(self._with_held(task))
        return tasks

    def _task(self, document: Document, tally: Tally) -> DocumentTask | None:
        source = document.metadata.get(self._source_key)
        if source is None and self._cleanup == "incremental":
            raise ConfigurationError(
                f"incremental cleanup needs metadata {self._source_key!r}, which document "
                f"{_shown(document)} lacks: give it, or use another source_key or cleanup"
            )
        try:
            name = document_id(document)
            digest = self._preparation.document_digest(document)
        except ConfigurationError as error:
            if document.id is not None:
                self._seen.add(document.id)  # Its last good version stays.
            self._fail(_shown(document), str(error), tally)
            return None
        self._sources.add(str(source))
        return DocumentTask(name, self._origin(name), document, digest, str(source or ""))

    def _with_held(self, task: DocumentTask) -> DocumentTask:
        if self._preparation.embeddings is None:
            return task
        records = self._index.catalog.by_origin(task.origin)
        return replace(task, held=frozenset(record.id for record in records))

    def _take(self, results: Sequence[Prepared], tally: Tally) -> None:
        commit(self._index, self._scope, [each for each in results if not each.failure])
        for each in results:
            if each.failure:
                self._fail(each.name, each.failure, tally)
                continue
            (tally.updated if each.name in self._known else tally.added).append(each.name)
            tally.step(each.name)

    def _clean(self, tally: Tally) -> None:
        catalog = self._index.catalog
        if self._cleanup == "full":
            known = catalog.synced_names(self._scope)
        elif self._cleanup == "incremental":
            sources = sorted(self._sources)
            known = [name for each in sources for name in catalog.synced_names(self._scope, each)]
        else:
            known = []
        gone = [name for name in known if name not in self._seen]
        for start in range(0, len(gone), _BATCH):
            part = gone[start : start + _BATCH]
            results = [Prepared(name, self._origin(name), entries=()) for name in part]
            commit(self._index, self._scope, results)
            tally.deleted.extend(part)

    def _origin(self, name: str) -> str:
        return f"{self._scope}/{name}"

    def _fail(self, name: str, reason: str, tally: Tally) -> None:
        _logger.warning("not indexed: %s", reason)
        tally.failed.append((name, reason))
        tally.step(name)


def _shown(document: Document) -> str:
    return document.id or repr(document.page_content[:40])
