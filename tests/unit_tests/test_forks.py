"""Processes that fork after they have searched and embedded: nothing hangs, nothing is shared."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest

from langchain_switchyard.forks import Forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

BEGIN = """
import asyncio, os, sys, threading, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from langchain_core.documents import Document
from langchain_switchyard.retrieval.backends.conformance_library import TermDirections
from langchain_switchyard.retrieval import BatchedEmbeddings, HybridRetriever, Index, SearchConfig
from langchain_switchyard.retrieval import VectorCache
folder = Path(sys.argv[1])
documents = [Document(id=f"d{n}", page_content=f"cats number{n} sleep") for n in range(30)]
model = TermDirections()

def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed"

def first(retriever, query):
    return retriever.invoke(query, k=1)[0].id

async def afirst(retriever, query):
    return (await retriever.ainvoke(query, k=1))[0].id
"""

SEARCHES = """
retriever = HybridRetriever.from_documents(documents, model, path={path})
assert first(retriever, "number3") == "d3"
assert asyncio.run(afirst(retriever, "number4")) == "d4"

def work():
    assert first(retriever, "number5") == "d5"
    assert asyncio.run(afirst(retriever, "number6")) == "d6"
    limited = retriever.model_copy(update={{"config": SearchConfig(leg_timeout=5)}})
    assert limited.search("number7").notes == ()
    retriever.add_documents([Document(id="child", page_content="okapi")])
    assert first(retriever, "okapi") == "child"

in_child(work)
assert first(retriever, "number8") == "d8"
"""

CASES = {
    "an index in memory is searched in the child": SEARCHES.format(path=None),
    "an index in a folder is searched and written on both sides": SEARCHES.format(path="folder")
    + """
assert first(retriever, "okapi") == "child"
retriever.add_documents([Document(id="parent", page_content="quokka")])
in_child(lambda: first(retriever, "quokka") == "parent" or sys.exit(1))
assert sorted(d.id for d in retriever.index.get(["child", "parent"])) == ["child", "parent"]
""",
    "batched embeddings and their cache begin anew in the child": """
batched = BatchedEmbeddings(model, cache=VectorCache(folder / "vectors.sqlite3"))
known = batched.embed_query("x")[0]

def work():
    assert abs(batched.embed_query("x")[0] - known) < 1e-6
    assert len(batched.embed_documents(["y", "z"])) == 2
    assert len(asyncio.run(batched.aembed_query("w"))) == 64

in_child(work)
assert len(batched.embed_query("y")) == 64
""",
    "a fork while threads write and search waits for them": """
retriever = HybridRetriever.from_documents(documents, model, path=folder)
going = True

def write():
    number = 0
    while going:
        number += 1
        retriever.add_documents([Document(id=f"w{number % 5}", page_content=f"w {number}")])
        retriever.search("cats")

def first(retriever, query):
    # Not by invoke(), inside which LangChain imports: Python's own import locks survive no fork.
    return retriever.search(query, k=1)[0].id

threads = [threading.Thread(target=write, daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()

def work():
    assert first(retriever, "number5") == "d5"
    retriever.add_documents([Document(id="child", page_content="okapi")])
    assert first(retriever, "okapi") == "child"

for _ in range(3):
    in_child(work)
going = False
for thread in threads:
    thread.join()
assert first(retriever, "okapi") == "child"
assert len(retriever.index) == 36
assert len(Index(folder, model)) == 36
""",
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_after_a_fork(case, tmp_path):
    """In a process of its own, which is given a minute."""
    done = subprocess.run(  # noqa: S603 - our own interpreter.
        [sys.executable, "-c", BEGIN + textwrap.dedent(case), tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Owner:
    """Notes what it is told."""

    def __init__(self, told):
        self.told = told

    def before_fork(self):
        self.told.append("before")

    def forked(self):
        self.told.append("forked")


def test_locks_are_held_over_a_fork_and_given_back():
    """In the parent and in the child, reentrant ones and others."""
    forks, told = Forks(), []
    owner = Owner(told)
    locks = [forks.guarded(threading.Lock()), forks.guarded(threading.RLock())]
    forks.tend(owner)
    forks.before()
    assert not locks[0].acquire(blocking=False)
    assert told == ["before"]
    forks.after()
    assert told == ["before"]
    forks.before()
    forks.in_child()
    assert told == ["before", "before", "forked"]
    assert all(lock.acquire(blocking=False) for lock in locks)


def test_a_fork_does_not_wait_for_ever(caplog):
    """A lock that stays held is named a risk; nobody is asked to let go of anything."""
    forks, told = Forks(patience=0.0), []
    owner = Owner(told)
    held = forks.guarded(threading.Lock())
    forks.tend(owner)
    with held:
        forks.before()
        assert told == []
        assert "stuck" in caplog.text
        forks.in_child()
    assert told == ["forked"]


def test_what_is_gone_is_not_kept():
    """Locks and owners of objects that nobody has any more."""
    forks, told = Forks(), []
    forks.tend(Owner(told))
    forks.guarded(threading.Lock())
    forks.before()
    forks.in_child()
    assert told == []
