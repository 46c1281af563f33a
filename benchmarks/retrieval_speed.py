"""Query, write and load times beside peers: CPU milliseconds without the embedding.

Chunks are windows of the texts under ``--data`` (``scifact`` for English, ``stard_law`` for
Chinese), or of generated ones; queries are their judged queries. Vectors are random unit vectors in
clusters: their values do not matter for the time of an exact product.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from retrieval_peers import ensemble_search
from retrieval_sample import collection

from langchain_switchyard.retrieval import HybridRetriever, Index, SearchConfig
from langchain_switchyard.retrieval.dense.vectors import decoded
from langchain_switchyard.retrieval.lexical.lexical_index import LexicalIndex
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer


class RandomVectors(Embeddings):
    """384 numbers per text, near one of a hundred centres."""

    def __init__(self) -> None:
        """Choose the centres."""
        self._rng = np.random.default_rng(1)
        self._centres = self._rng.normal(size=(100, 384))

    def embed_documents(self, texts):
        """Return as many vectors as texts."""
        near = self._centres[self._rng.integers(100, size=len(texts))]
        return (near + 0.5 * self._rng.normal(size=near.shape)).astype(np.float32)

    def embed_query(self, text):
        """Return one vector."""
        return self.embed_documents([text])[0]


def chunks(folder: Path, count: int, size: int, *, words: bool) -> tuple[list[Document], list[str]]:
    """Random windows of ``size`` words or characters, and the set's queries."""
    rng = random.Random(3)
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").open(encoding="utf-8")]
    texts = [row["text"].split() if words else row["text"] for row in rows]
    documents = []
    for number in range(count):
        text = texts[number % len(texts)]
        start = rng.randrange(max(len(text) - size, 0) + 1)
        window = text[start : start + size]
        content = " ".join(window) if words else window
        documents.append(Document(id=str(number), page_content=content))
    queries = [
        json.loads(line)["text"] for line in (folder / "queries.jsonl").open(encoding="utf-8")
    ]
    return documents, queries[:300]


def timed(run, items) -> tuple[float, float]:
    """Median and 95th percentile of CPU milliseconds (all threads), after one warm-up round."""
    for item in items:
        run(item)
    spent = []
    for item in items:
        start = time.process_time()
        run(item)
        spent.append((time.process_time() - start) * 1e3)
    middle, high = np.percentile(spent, [50, 95])
    return float(middle), float(high)


class Table:
    """Prints rows as they come and remembers them."""

    def __init__(self) -> None:
        """Start empty."""
        self.rows: dict[str, dict[str, float]] = {}
        self.missed: list[str] = []

    def add(
        self, name: str, value: float, limit: float | None = None, unit: str = "ms", more: str = ""
    ):
        """One figure, and whether it keeps its limit."""
        kept = "" if limit is None else (" ok" if value <= limit else " MISSED")
        bound = "" if limit is None else f" (limit {limit:g})"
        print(f"{name:58} {value:9.3f} {unit}{bound}{kept} {more}", flush=True)
        self.rows[name] = {"value": value} | ({} if limit is None else {"limit": limit})
        if kept == " MISSED":
            self.missed.append(name)


def lexical(table: Table, name: str, documents, queries, bytes_limit: float) -> None:
    """One language: queries in both modes, bytes, single writes, loading."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        index = Index(folder)
        index.add_documents(documents)
        index.optimize()
        count = len(documents)
        table.add(f"{name} {count}: build, CPU", time.process_time() - start, unit="s")
        for exact, limit in ((False, 1.5), (True, 4.0)):
            engine = LexicalIndex(MixedTokenizer(), exact=exact, cache_bytes=256 << 20)
            engine.load(index.lexical.segments)
            middle, high = timed(lambda query, e=engine: e.match(query).top(100), queries)
            mode = "exact" if exact else "default"
            table.add(
                f"{name} {count}: lexical query, {mode}", middle, limit, more=f"p95 {high:.2f}"
            )
        size = sum(part.nbytes for part in index.lexical.segments) / count
        table.add(f"{name} {count}: lexical bytes per chunk", size, bytes_limit, unit="B")
        fresh = [
            Document(id=f"n{n}", page_content=d.page_content) for n, d in enumerate(documents[:60])
        ]
        table.add(
            f"{name} {count}: add one", timed_writes(index.add_documents, [[d] for d in fresh]), 5
        )
        table.add(
            f"{name} {count}: delete one", timed_writes(index.delete, [[d.id] for d in fresh]), 5
        )
        index.close()
        start = time.perf_counter()
        again = Index(folder)
        again.lexical.match(queries[0])
        table.add(
            f"{name} {count}: load and first query, wall", time.perf_counter() - start, 0.5, "s"
        )
        again.close()


def timed_writes(run, items) -> float:
    """Median CPU milliseconds of single writes."""
    spent = []
    for item in items:
        start = time.process_time()
        run(item)
        spent.append((time.process_time() - start) * 1e3)
    return float(np.median(spent))


def hybrid(table: Table, documents, queries, store: str, limit: float) -> float:
    """Both legs, without the embedding."""
    embeddings = RandomVectors()
    vectors = {query: embeddings.embed_query(query) for query in queries}
    with tempfile.TemporaryDirectory() as folder:
        index = Index(folder, embeddings, store)
        index.add_documents(documents)
        index.optimize()
        embeddings.embed_query = vectors.__getitem__
        retriever = HybridRetriever(
            index=index, config=SearchConfig(vector_weight=0.5, keyword_weight=0.5)
        )
        middle, high = timed(retriever.search, queries)
        name = f"hybrid {len(documents)}, {store} leg: query"
        found = f", found of the nearest 100: {recall(index, queries):.3f}"
        table.add(name, middle, limit, more=f"p95 {high:.2f}{found}")
        index.close()
    return middle


def recall(index: Index, queries) -> float:
    """Share of the true nearest hundred in the dense leg's answers."""
    rows, matrix = decoded(index.catalog.vectors())
    shares = []
    for query in queries[:50]:
        vector = index.dense.query_vector(query)
        found = index.dense.search(query, vector, 100, None)
        nearest = rows[np.argsort(-(matrix @ vector))[:100]]
        shares.append(np.isin(nearest, found.rows).mean())
    return float(np.mean(shares))


def beside_ensemble(table: Table, documents, queries) -> None:
    """Ours and LangChain's pair on few chunks."""
    ours = hybrid(table, documents, queries, "numpy", 1.5)
    peer = ensemble_search(documents, RandomVectors(), depth=100)
    theirs, _ = timed(peer, queries[:30])
    name = f"EnsembleRetriever {len(documents)}: query"
    table.add(name, theirs, more=f"= {theirs / ours:.0f} x ours")
    table.add("ours / EnsembleRetriever", ours / theirs, 1 / 20, unit="")
    hybrid(table, documents, queries, "usearch", 5)
    hybrid(table, documents, queries, "chroma", 5)


def million(table: Table, documents) -> None:
    """A million chunks on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        start, wall = time.process_time(), time.perf_counter()
        index = Index(folder)
        for turn in range(10):
            index.add_documents(
                Document(id=f"{turn}-{d.id}", page_content=f"{d.page_content} {turn}")
                for d in documents
            )
        table.add("en 1M: build, CPU", time.process_time() - start, unit="s")
        table.add("en 1M: build, wall", time.perf_counter() - wall, unit="s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add("en 1M: peak memory of this process", peak, unit="MB")
        middle, high = timed(
            lambda q: index.lexical.match(q).top(100),
            [d.page_content[:60] for d in documents[:100]],
        )
        table.add("en 1M: lexical query", middle, more=f"p95 {high:.2f}")
        fresh = [
            Document(id=f"n{n}", page_content=d.page_content) for n, d in enumerate(documents[:30])
        ]
        table.add("en 1M: add one", timed_writes(index.add_documents, [[d] for d in fresh]), 5)
        table.add("en 1M: delete one", timed_writes(index.delete, [[d.id] for d in fresh]), 5)
        index.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--smoke", action="store_true", help="2,000 chunks, for CI")
    parser.add_argument("--only", choices=["lexical", "hybrid"], help="one part of it")
    parser.add_argument("--million", action="store_true", help="also index 1,000,000 chunks")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is missed")
    args = parser.parse_args()
    count = 2_000 if args.smoke else 100_000
    table = Table()
    data = collection(args.data)
    english, questions = chunks(data / "scifact", count, 63, words=True)
    if args.only != "hybrid":
        chinese, asked = chunks(data / "stard_law", count, 160, words=False)
        lexical(table, "en", english, questions, 512)
        lexical(table, "zh", chinese, asked, 2_048)
    if args.only != "lexical":
        beside_ensemble(table, english[: min(count, 5_000)], questions)
        if not args.smoke:
            hybrid(table, english, questions, "numpy", 15)
            hybrid(table, english, questions, "usearch", 5)
            hybrid(table, english, questions, "chroma", 5)
    if args.million:
        million(table, english)
    print("missed:", table.missed or "nothing")
    if args.json:
        args.json.write_text(json.dumps(table.rows, indent=1), encoding="utf-8")
    return 1 if args.check and table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
