"""Kill a writing process (-9) at random moments, a thousand times, and look for damage.

Children are forked from this process, so that most of their life is writing and not importing.
After every kill the index is opened anew: each call that returned must be there, nothing twice,
and the lexical leg, the dense leg and the catalogue must hold the same documents.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_switchyard.retrieval import HybridRetriever, Index
from langchain_switchyard.retrieval.dense import graph_vectors
from langchain_switchyard.retrieval.lexical import lexical_index as lexical_module

_EMBEDDINGS = DeterministicFakeEmbedding(size=8)
# Small, so that freezing, merging, writing graphs and sweeping happen in nearly every life.
lexical_module.TAIL_LIMIT = graph_vectors._LATE = 20


def write(path: Path, store: str, seed: int, pipe: int) -> None:
    """Add, replace and delete without end, reporting before and after every call."""
    index = Index(path, _EMBEDDINGS, store)
    rng, version = random.Random(seed), 0
    while True:
        name, version = f"d{rng.randrange(60)}", version + 1
        mark = "-" if rng.random() < 0.3 else f"s{seed}v{version}"
        os.write(pipe, f"try {name} {mark}\n".encode())
        if mark == "-":
            index.delete([name])
        else:
            index.add_documents([Document(id=name, page_content=f"common {mark}")])
        os.write(pipe, f"done {name} {mark}\n".encode())


def live_and_die(path: Path, store: str, seed: int, seconds: float) -> list[list[str]]:
    """Fork a writer, kill it after ``seconds``, return what it reported."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            write(path, store, seed, writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as report:
        return [line.split() for line in report.read().splitlines()]


def _life(path: Path, store: str, seed: int, rng: random.Random) -> list[list[str]]:
    return live_and_die(path, store, seed, rng.uniform(0.005, 0.12))


def damage(
    path: Path, store: str, expected: dict[str, str], pending: str | None
) -> tuple[list[str], dict]:
    """What is wrong with the index, and what it holds."""
    index = Index(path, _EMBEDDINGS, store)
    found = HybridRetriever(index=index, k=500).search("common")
    lexical = {hit.id: hit.text.split()[1] for hit in found if hit.legs["lexical"].rank}
    wrong = [f"{len(lexical)} in the lexical leg, {len(index)} live"] * (len(lexical) != len(index))
    for name in set(expected) | set(lexical):
        if name != pending and lexical.get(name) != expected.get(name):
            wrong.append(f"{name}: {lexical.get(name)} instead of {expected.get(name)}")
    dense = index.dense.search("", index.dense.query_vector("common"), 500, None)
    rows = [] if dense is None else sorted(dense.rows.tolist())
    if rows != sorted(index.catalog.rows_of(list(lexical)).values()):
        wrong.append("the dense leg holds other documents")
    index.close()
    return wrong, lexical


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--store", choices=["numpy", "usearch"], default="numpy")
    parser.add_argument("--data", type=Path, help="not needed; every benchmark takes it")
    parser.add_argument("--smoke", action="store_true", help="20 kills, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 on any damage")
    args = parser.parse_args()
    kills = 20 if args.smoke else args.kills
    rng, expected, calls, broken = random.Random(5), {}, 0, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        Index(path, _EMBEDDINGS, args.store).close()
        for number in range(kills):
            pending = None
            for word, name, mark in _life(path, args.store, number, rng):
                pending = name if word == "try" else None
                if word == "done":
                    calls += 1
                    expected.pop(name, None)
                    if mark != "-":
                        expected[name] = mark
            wrong, expected = damage(path, args.store, expected, pending)
            broken += [f"kill {number}: {what}" for what in wrong]
            if number % 100 == 99:
                print(f"{number + 1} kills, {calls} calls, {len(broken)} damages", flush=True)
    print("damage:", broken[:20] or "none")
    if args.json:
        figures = {"kills": kills, "calls": calls, "damages": len(broken)}
        args.json.write_text(json.dumps(figures), encoding="utf-8")
    return 1 if args.check and broken else 0


if __name__ == "__main__":
    sys.exit(main())
