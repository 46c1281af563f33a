"""An index whose writer is killed: nothing lost, nothing doubled, legs agree."""

import os
import random
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.retrieval import HybridRetriever, Index

WRITER = Path(__file__).with_name("crash_writer.py")
EMBEDDINGS = DeterministicFakeEmbedding(size=8)


def run_and_kill(path, store, seed, seconds):
    """Let the writer work for a while, kill it, return what it printed."""
    command = [sys.executable, str(WRITER), str(path), store, str(seed)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own script.
    assert select.select([writer.stdout], [], [], 60)[0]
    first = os.read(writer.stdout.fileno(), 5)
    killer = threading.Timer(seconds, writer.send_signal, [signal.SIGKILL])
    killer.start()
    rest = writer.stdout.read()
    writer.wait()
    return (first + rest).decode().splitlines()


def follow(lines, expected):
    """Apply the calls that returned; return the one that did not, if any."""
    pending = None
    for line in lines:
        parts = line.split()
        if len(parts) != 3:
            continue
        if parts[0] == "try":
            pending = parts[1]
        elif parts[2] == "-":
            expected.pop(parts[1], None)
            pending = None
        else:
            expected[parts[1]] = parts[2]
            pending = None
    return pending


def check(path, store, expected, pending):
    """Compare catalogue, both legs and the expectation; learn what became of the pending call."""
    embeddings = None if store == "none" else EMBEDDINGS
    index = Index(path, embeddings, "numpy" if store == "none" else store)
    found = HybridRetriever(index=index, k=500).search("common")
    lexical = [hit.id for hit in found if hit.legs.get("lexical") and hit.legs["lexical"].rank]
    texts = {hit.id: hit.text.split()[1] for hit in found if hit.id in lexical}
    assert len(lexical) == len(set(lexical)) == len(index)
    for name in set(expected) | set(texts):
        if name != pending:
            assert texts.get(name) == expected.get(name), name
    if index.dense is not None:
        vector = index.dense.query_vector("common")
        dense = index.dense.search("common", vector, 500, None)
        rows = [] if dense is None else dense.rows.tolist()
        assert sorted(rows) == sorted(index.catalog.rows_of(list(texts)).values())
        if index.dense.store is not None:
            # A search of it may miss one, the list does not.
            stored = index.dense.store._collection.get(include=[])["ids"]
            assert sorted(stored) == sorted(texts)
    index.close()
    return texts


@pytest.mark.parametrize(
    ("store", "rounds"), [("none", 4), ("numpy", 3), ("chroma", 4), ("usearch", 5)]
)
def test_a_killed_writer_loses_and_doubles_nothing(tmp_path, store, rounds):
    """At random moments, again and again on the same folder."""
    rng, expected, calls = random.Random(11), {}, 0
    for seed in range(rounds):
        lines = run_and_kill(tmp_path / "ix", store, seed, rng.uniform(0.02, 0.6))
        calls += len(lines)
        pending = follow(lines, expected)
        expected = check(tmp_path / "ix", store, expected, pending)
    assert calls > rounds


def test_two_processes_read_while_one_writes(tmp_path):
    """Every answer is one of the states the writer went through."""
    path = tmp_path / "ix"
    command = [sys.executable, str(WRITER), str(path), "numpy", "1"]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own script.
    assert select.select([writer.stdout], [], [], 60)[0]
    code = (
        "import sys, time\n"
        "from langchain_core.embeddings import DeterministicFakeEmbedding\n"
        "from langchain_switchyard.retrieval import HybridRetriever\n"
        "r = HybridRetriever.open(sys.argv[1], DeterministicFakeEmbedding(size=8), k=100)\n"
        "end, n, seen = time.time() + 3, 0, set()\n"
        "while time.time() < end:\n"
        "    ids = [h.id for h in r.search('common')]\n"
        "    assert len(ids) == len(set(ids)) <= 60\n"
        "    n += 1; seen.add(tuple(sorted(ids)))\n"
        "print(n, len(seen))\n"
    )
    readers = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)  # noqa: S603
        for _ in range(2)
    ]
    drain = threading.Thread(target=writer.stdout.read)
    drain.start()
    outcomes = [reader.communicate(timeout=60)[0].split() for reader in readers]
    writer.kill()
    writer.wait()
    drain.join()
    assert [reader.returncode for reader in readers] == [0, 0]
    # They must have seen it change, or the test shows nothing.
    assert all(int(states) > 3 for _, states in outcomes)
