"""Indexing a folder with several processes: the same index, and how much sooner.

Every text of ``--data`` (the English and Chinese corpora ``scifact`` and ``stard_law``; a generated
collection without it) becomes part of a Markdown file. The folder is synchronised in this process
and with workers; rows, texts and vectors must be equal to the byte. ``--embed MS`` stands in for an
embedding model that computes for so many milliseconds per chunk on one core.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from langchain_core.embeddings import DeterministicFakeEmbedding
from retrieval_sample import collection

from langchain_switchyard.retrieval import Index, sync_folder

_PER_FILE = 40


class BusyEmbedding(DeterministicFakeEmbedding):
    """Keeps one core busy as long as a small model would."""

    milliseconds: float

    def embed_documents(self, texts):
        """Compute, then return vectors that depend on the text alone."""
        end = time.process_time() + len(texts) * self.milliseconds / 1e3
        while time.process_time() < end:
            pass
        return super().embed_documents(texts)


def write_files(data: Path, folder: Path, count: int) -> int:
    """Write ``count`` files of forty passages in turn of both languages; return their bytes."""
    total = 0
    corpora = [
        [json.loads(line)["text"] for line in (data / name / "corpus.jsonl").open(encoding="utf-8")]
        for name in ("scifact", "stard_law")
    ]
    texts = [cycle(corpus) for corpus in corpora]
    for number in range(count):
        passages = islice(texts[number % 2], _PER_FILE)
        body = "\n\n".join(f"## Section {n}\n\n{text}" for n, text in enumerate(passages))
        raw = f"# File {number}\n\n{body}\n".encode()
        (folder / f"{number:05}.md").write_bytes(raw)
        total += len(raw)
    return total


def indexed(folder: Path, home: Path, embeddings, workers: int | None):
    """Seconds on the clock, of our own CPU and of the workers', and all that the index holds."""
    index = Index(home, embeddings)
    start = times()
    sync_folder(index, folder, workers=workers)
    spent = [after - before for before, after in zip(start, times(), strict=True)]
    held = index.catalog.after(0), index.catalog.vectors()
    index.close()
    return spent, held


def times() -> tuple[float, float, float]:
    """Clock, CPU of this process, CPU of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), time.process_time(), children.ru_utime + children.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a generated collection without it")
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--embed", type=float, default=3.0, help="milliseconds per chunk")
    parser.add_argument("--smoke", action="store_true", help="20 files, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when an index differs")
    args = parser.parse_args()
    data, table, wrong = collection(args.data), {}, []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "docs"
        folder.mkdir()
        size = write_files(data, folder, 20 if args.smoke else args.files)
        for name, model in (
            ("words", None),
            ("words and vectors", BusyEmbedding(size=64, milliseconds=args.embed)),
        ):
            alone, expected = indexed(folder, Path(home) / f"{name} alone", model, None)
            chunks = len(expected[0])
            print(
                f"{name}: {size / 1e6:.1f} MB, {chunks} chunks; one process {alone[0]:.1f} s, "
                f"CPU {alone[1]:.1f} s"
            )
            table[name] = {"chunks": chunks, "alone": alone}
            for workers in [2] if args.smoke else args.workers:
                spent, held = indexed(folder, Path(home) / f"{name} {workers}", model, workers)
                same = held == expected
                wrong += [] if same else [f"{name}, {workers} workers"]
                # On cores that nobody else uses, whoever is busiest sets the pace.
                bound = alone[1] / max(spent[1], spent[2] / workers)
                print(
                    f"  {workers} workers {spent[0]:.1f} s = {alone[0] / spent[0]:.2f} x; CPU: "
                    f"writer {spent[1]:.1f} s, workers {spent[2]:.1f} s = {bound:.2f} x on free "
                    f"cores; the same index: {same}",
                    flush=True,
                )
                table[name][f"{workers} workers"] = spent
    print("missed:", wrong or "nothing")
    if args.json:
        args.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    return 1 if args.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
