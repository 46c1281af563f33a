"""What reranking without a model, feedback and follow-up rules do to the ranking.

Needs the dependency group ``bench`` and ``--data DIR`` with one folder per set in BEIR layout
(``corpus.jsonl``, ``queries.jsonl``, ``qrels.jsonl``). With ``--vectors FILE`` (a file of MiniLM
vectors, filled where they are missing) the hybrid first search is measured as well, on the English
sets. The weight of proximity was chosen on CoSQA; the other two sets show what it is worth.

``--follow-ups FILE`` takes conversations (JSONL with ``task``, ``question``, ``history`` and
``context``, as of MT-RAG): each last question must find its own context among all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from retrieval import SETS, read
from retrieval_minilm import MiniLM

from langchain_switchyard.retrieval import (
    HistoryRewrite,
    HybridRetriever,
    Index,
    ProximityRerank,
    PseudoRelevanceFeedback,
    RefinedRetriever,
    SearchConfig,
    evaluate,
)
from langchain_switchyard.retrieval.queries.pointers import leans

DEPTH = 50
DEFAULT = "proximity .1 (default)"
ENGLISH = {"scifact", "cosqa_code"}


def systems(first: HybridRetriever):
    """Name -> function from query to ids."""

    def refined(**parts):
        retriever = RefinedRetriever(retriever=first, candidates=DEPTH, **parts)
        return lambda query: [hit.id for hit in retriever.search(query, k=DEPTH)]

    def on_order(query):
        found = ProximityRerank().compress_documents(first.invoke(query, k=DEPTH), query)
        return [document.id for document in found]

    def expanded(documents, terms):
        feedback = PseudoRelevanceFeedback(first, documents, terms)
        return lambda query: [hit.id for hit in first.search(feedback.rewrite(query)[-1], k=DEPTH)]

    return {
        "first search": refined(),
        DEFAULT: refined(compressor=ProximityRerank()),
        "proximity .05": refined(compressor=ProximityRerank(weight=0.05)),
        "proximity .2": refined(compressor=ProximityRerank(weight=0.2)),
        "proximity .4": refined(compressor=ProximityRerank(weight=0.4)),
        "proximity .1, order only": on_order,
        "feedback 4 x 5, alone": expanded(4, 5),
        "feedback 4 x 10, alone": expanded(4, 10),
        "feedback 4 x 5, fused": refined(rewrite=PseudoRelevanceFeedback(first, 4, 5)),
    }


def milliseconds(first: HybridRetriever, queries) -> float:
    """CPU time of reranking one query's candidates, median."""
    rerank, taken = ProximityRerank(), []
    for query in list(queries.values())[:100]:
        documents = first.invoke(query, k=DEPTH)
        start = time.process_time()
        rerank.compress_documents(documents, query)
        taken.append(1_000 * (time.process_time() - start))
    return statistics.median(taken)


def measure(title: str, first: HybridRetriever, queries, judgements):
    """Run every system and print its line."""
    print(f"\n== {title}: {len(queries)} queries, {DEPTH} candidates", flush=True)
    found, figures = {}, {}
    for name, search in systems(first).items():
        found[name] = evaluate(search, queries, judgements)
        gain = found[name].difference(found["first search"], "ndcg@10")
        recall = found[name]["recall@10"].mean
        print(
            f"{name:26} nDCG@10 {found[name]['ndcg@10'].mean:.4f}  R@10 {recall:.3f}"
            f"  gain {gain.mean:+.4f} [{gain.low:+.3f}, {gain.high:+.3f}]",
            flush=True,
        )
        figures[name] = {"ndcg@10": found[name]["ndcg@10"].mean, "gain": gain.mean}
        figures[name] |= {"low": gain.low, "high": gain.high, "recall@10": recall}
    figures[DEFAULT]["ms"] = milliseconds(first, queries)
    print(f"reranking takes {figures[DEFAULT]['ms']:.1f} ms CPU per query")
    return figures


def conversations(file: Path):
    """Documents, and for every last question: itself, what was said before, its document."""
    rows = {}
    for line in file.open(encoding="utf-8"):
        row = json.loads(line)
        if row["context"].strip():
            rows.setdefault(row["task"], row)
    texts = dict.fromkeys(row["context"] for row in rows.values())
    places = {text: str(at) for at, text in enumerate(texts)}
    roles = {"user": HumanMessage, "assistant": AIMessage, "agent": AIMessage}
    asked = {
        name: (row["question"], [roles[t["role"]](t["text"]) for t in row["history"]])
        for name, row in rows.items()
        if row["history"]
    }
    judgements = {name: {places[rows[name]["context"]]: 1} for name in asked}
    return [Document(id=n, page_content=t) for t, n in places.items()], asked, judgements


def follow_ups(file: Path):
    """The last question of each conversation: as it is, by the rules, and with the one before."""
    documents, asked, judgements = conversations(file)
    first, rewrite = HybridRetriever.from_documents(documents), HistoryRewrite()
    forms = {
        "as it is": lambda question, _: question,
        "HistoryRewrite()": lambda question, before: rewrite.rewrite(question, before)[0],
        "with the one before": lambda question, before: " ".join(
            [*[turn.text for turn in before if turn.type == "human"][-1:], question]
        ),
    }
    changed = sum(rewrite.rewrite(text, before) != [text] for text, before in asked.values())
    print(f"\n== {len(asked)} follow-ups, {len(documents)} documents, {changed} rewritten by rules")
    plain, figures = None, {}
    for name, form in forms.items():
        queries = {each: form(*said) for each, said in asked.items()}
        found = evaluate(lambda q: [h.id for h in first.search(q, k=DEPTH)], queries, judgements)
        plain = plain or found
        gain = found.difference(plain, "ndcg@10")
        figures[name] = {"ndcg@10": found["ndcg@10"].mean, "gain": gain.mean}
        print(
            f"{name:26} nDCG@10 {found['ndcg@10'].mean:.4f}"
            f"  gain {gain.mean:+.4f} [{gain.low:+.3f}, {gain.high:+.3f}]",
            flush=True,
        )
    return figures


def main() -> int:
    """Run, print, and say what was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--follow-ups", type=Path)
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--smoke", action="store_true", help="30 queries per set, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when reranking does harm")
    args = parser.parse_args()
    results = {}
    for name in args.sets:
        documents, queries, judgements = read(args.data / name, 30 if args.smoke else None)
        dense = args.vectors is not None and name in ENGLISH
        index = Index(embeddings=MiniLM(args.vectors) if dense else None)
        index.add_documents(documents)
        for strategy in ("lexical", "hybrid") if dense else ("lexical",):
            first = HybridRetriever(index=index, config=SearchConfig(strategy=strategy))
            title = f"{name}, {strategy}"
            results[title] = measure(title, first, queries, judgements)
        standing = [text for text in queries.values() if leans(text)]
        print(f"{name}: {len(standing)} of {len(queries)} queries taken for follow-ups")
    wrong = [title for title, rows in results.items() if rows[DEFAULT]["high"] < 0]
    followed = follow_ups(args.follow_ups) if args.follow_ups else {}
    print("\nproximity significantly worse on:", wrong or "none")
    if args.json:
        text = json.dumps({**results, "follow-ups": followed}, indent=1)
        args.json.write_text(text, encoding="utf-8")
    return 1 if args.check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
