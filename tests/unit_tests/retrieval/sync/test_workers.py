"""Other processes prepare, one writer writes: the same index, whoever did the work."""

import pickle
import sqlite3
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import (
    HybridRetriever,
    Index,
    StructureSplitter,
    sync_documents,
    sync_folder,
)
from langchain_switchyard.retrieval.sync import documents as documents_module
from langchain_switchyard.retrieval.sync.preparation import (
    DocumentTask,
    EmbeddingFailed,
    Preparation,
)
from langchain_switchyard.retrieval.sync.workers import executor_of, prepared

MODEL = DeterministicFakeEmbedding(size=8)
DOCUMENTS = [
    Document(id=str(number), page_content=f"文档 number {number}\n\n第二段 {number % 7}")
    for number in range(60)
]


@pytest.fixture(scope="module")
def processes():
    """Two, for all tests: starting them takes longest."""
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        yield executor


@pytest.fixture
def folder(tmp_path):
    """Files of several kinds, one of them broken."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    for number in range(40):
        text = f"# Part {number}\n\nalpha {number} 测试文件。\n\n# 二\n\nbeta\n"
        (folder / f"{number:02}.md").write_text(text, encoding="utf-8")
    (folder / "deep" / "c.py").write_text("def gamma():\n    return 3\n")
    (folder / "bad.pdf").write_bytes(b"no pdf")
    return folder


def contents(index):
    """Everything the catalogue holds: rows, ids, texts, metadata and vectors."""
    return index.catalog.after(0), index.catalog.vectors()


def test_a_folder_gives_the_same_index(folder, tmp_path, processes):
    """To the row and the byte, and so does following its changes."""
    alone, helped = Index(tmp_path / "a", MODEL), Index(tmp_path / "b", MODEL)
    first, second = sync_folder(alone, folder), sync_folder(helped, folder, workers=processes)
    assert first == second
    assert [name for name, _ in second.failed] == ["bad.pdf"]
    assert contents(alone) == contents(helped)
    (folder / "07.md").write_text("# Part 7\n\nanother text\n\n# 二\n\nbeta\n", encoding="utf-8")
    (folder / "08.md").unlink()
    assert sync_folder(alone, folder) == sync_folder(helped, folder, workers=processes)
    assert contents(alone) == contents(helped)
    for query in ("测试 17", "gamma", "another"):
        ours, theirs = (HybridRetriever(index=each).search(query) for each in (alone, helped))
        assert [(hit.id, hit.score) for hit in ours] == [(hit.id, hit.score) for hit in theirs]


@pytest.mark.parametrize("splitter", [None, StructureSplitter(5)])
def test_documents_give_the_same_index(processes, splitter, monkeypatch):
    """Cut or whole."""
    monkeypatch.setattr(documents_module, "_BATCH", 7)
    alone, helped = Index(embeddings=MODEL), Index(embeddings=MODEL)
    for given in (DOCUMENTS, [*DOCUMENTS[10:], Document(id="12", page_content="neu")]):
        first = sync_documents(alone, given, splitter=splitter)
        second = sync_documents(helped, iter(given), splitter=splitter, workers=processes)
        assert first == second
        assert contents(alone) == contents(helped)


def test_results_keep_their_order_whoever_is_first():
    """The last to be asked answers first."""
    order = []

    class Backwards(ThreadPoolExecutor):
        """Holds everything until four calls are there, then runs them from the last."""

        def __init__(self):
            super().__init__(2)
            self._held = []

        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            self._held.append((future, fn, args, kwargs))
            if len(self._held) == 4:
                for future_, fn_, args_, kwargs_ in reversed(self._held):
                    order.append(args_[1][0].name)
                    future_.set_result(fn_(*args_, **kwargs_))
                self._held = []
            return future

    tasks = [[DocumentTask(str(n), str(n), DOCUMENTS[n], "x", "")] for n in range(8)]
    found = [group[0].name for group, _ in prepared(tasks, Preparation(), Backwards())]
    assert order[:4] == ["3", "2", "1", "0"]
    assert found == [str(number) for number in range(8)]


def test_only_a_few_tasks_are_under_way():
    """However many there are."""
    taken = []

    def endless():
        number = 0
        while True:
            taken.append(number)
            yield [DocumentTask(str(number), "", DOCUMENTS[0], "x", "")]
            number += 1

    with ThreadPoolExecutor(3) as executor:
        results = prepared(endless(), Preparation(), executor)
        next(results)
        assert len(taken) == 6
        results.close()


class Failing(Embeddings):
    """Raises what cannot be pickled back."""

    def embed_documents(self, texts):
        """Fail."""
        error = sqlite3.OperationalError("model down")
        error.lock = threading.Lock()
        raise error

    def embed_query(self, text):
        """Not needed."""
        return [1.0]


def test_a_failing_model_is_named_and_nothing_is_written(processes):
    """Whatever it raised over there."""
    index = Index(embeddings=Failing())
    with pytest.raises(EmbeddingFailed, match="OperationalError: model down"):
        sync_documents(index, DOCUMENTS, workers=processes)
    assert len(index) == 0


class Local(Embeddings):
    """A model that cannot leave its process."""

    def __init__(self):
        """Hold something that cannot travel."""
        self._lock = threading.Lock()

    def embed_documents(self, texts):
        """One number each."""
        return [[float(len(text)), 1.0] for text in texts]

    def embed_query(self, text):
        """The same."""
        return self.embed_documents([text])[0]


def test_a_model_that_cannot_travel_works_where_it_is(processes):
    """The others do the rest."""
    index = Index(embeddings=Local())
    sync_documents(index, DOCUMENTS, workers=processes)
    assert len(index.catalog.vectors()) == len(index) == 60


def test_a_splitter_that_cannot_travel_is_refused(processes, folder):
    """With what to do."""
    splitter = StructureSplitter(count=lambda text: len(text) / 4)
    with pytest.raises(ConfigurationError, match="pickled"):
        sync_folder(Index(), folder, splitter, workers=processes)


class Suicidal(Embeddings):
    """Kills the process it works in."""

    def embed_documents(self, texts):
        """Die."""
        import os  # noqa: PLC0415
        import signal  # noqa: PLC0415

        os.kill(os.getpid(), signal.SIGKILL)

    def embed_query(self, text):
        """Not needed."""
        return [1.0]


def test_a_killed_worker_is_an_error_and_the_next_run_goes_on(tmp_path):
    """What was written stays whole."""
    index = Index(tmp_path, MODEL)
    sync_documents(index, DOCUMENTS[:20])
    broken = Index(tmp_path, Suicidal())
    with pytest.raises(BrokenProcessPool):
        sync_documents(broken, DOCUMENTS, workers=1)
    report = sync_documents(index, DOCUMENTS)
    assert (report.unchanged, len(report.added)) == (20, 40)


@pytest.mark.parametrize("workers", [0, -1, True, "4", 1.5])
def test_workers_are_a_number_or_an_executor(workers):
    """Anything else is said so before any work."""
    with pytest.raises(ConfigurationError, match="workers"), executor_of(workers):
        pass


def test_the_callers_executor_stays_open(processes):
    """It is his."""
    with executor_of(processes) as executor:
        assert executor is processes
    assert processes.submit(pickle.dumps, 1).result()
