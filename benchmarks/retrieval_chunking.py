"""Chunking on documents with answer spans: recall at an equal budget, spans left whole.

``--data DIR`` holds ``cmrc_dev_1q_zh.jsonl`` (answers are substrings) and
``clapnq_dev_en.jsonl`` (the span is the passage's sentence nearest to the answer). Passages are
joined under headings, forty to a document. From the articles of ``stard_law`` whole statutes are
put together; a span is an article. BM25 takes chunks until 4,000 characters are read. LangChain's
splitter is run at the size that gives the same mean chunk length as ours.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from langchain_text_splitters import RecursiveCharacterTextSplitter
from retrieval_sample import collection

from langchain_switchyard.retrieval import HybridRetriever, StructureSplitter
from langchain_switchyard.retrieval.documents.chunking import approximate_tokens
from langchain_switchyard.retrieval.evaluation.evaluate import interval
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer

_BUDGET = 4_000
_PER_DOCUMENT = 40


def read(file: Path, limit: int | None) -> list[tuple[str, str, str]]:
    """``(question, passage, span)`` of answerable rows."""
    terms = MixedTokenizer().tokens
    rows = []
    for line in file.open(encoding="utf-8"):
        row = json.loads(line)
        passage, answer = row.get("context") or row["passage"], row["answer"]
        if not row.get("answerable", 1):
            continue
        if answer not in passage:
            wanted = set(terms(answer))
            sentences = re.findall(r".+?(?: \. |$)", passage)
            answer = max(sentences, key=lambda s: len(wanted & set(terms(s)))).strip()
        rows.append((row["question"], passage, answer))
    return rows[:limit]


def join(rows) -> tuple[list[Document], list[tuple[str, int, int, int]]]:
    """Documents, and ``(question, document, start, end)`` of every span."""
    documents, spans = [], []
    for first in range(0, len(rows), _PER_DOCUMENT):
        text = f"# Part {first // _PER_DOCUMENT + 1}\n\n"
        for number, (question, passage, span) in enumerate(rows[first : first + _PER_DOCUMENT]):
            text += f"## Section {number + 1}\n\n"
            start = len(text) + passage.index(span)
            spans.append((question, len(documents), start, start + len(span)))
            text += passage + "\n\n"
        metadata = {"source": f"{len(documents)}.md"}
        documents.append(Document(id=str(len(documents)), page_content=text, metadata=metadata))
    return documents, spans


def laws(folder: Path, limit: int | None) -> tuple[list[Document], list[tuple[str, int, int, int]]]:
    """Whole statutes, put together from articles; a span is an article that answers a question."""

    def lines(name):
        return [json.loads(line) for line in (folder / name).open(encoding="utf-8")]

    questions = {row["_id"]: row["text"] for row in lines("queries.jsonl")}
    asked = defaultdict(list)
    for row in lines("qrels.jsonl")[:limit]:
        asked[row["doc_id"]].append(questions[row["query_id"]])
    parts = defaultdict(list)
    for row in lines("corpus.jsonl"):
        named = re.match(
            r"(.+?)(第[一二三四五六七八九十百千零]+条(?:之[一二三四五六]+)?)$", row["title"]
        )
        if named is not None:
            parts[named[1]].append((row["_id"], named[2], row["text"]))
    documents, spans = [], []
    for articles in parts.values():
        if any(name in asked for name, _, _ in articles):
            text = ""
            for name, label, body in articles:
                start = len(text) + len(label) + 1
                spans += [(q, len(documents), start, start + len(body)) for q in asked[name]]
                text += f"{label}　{body}\n\n"
            metadata = {"source": f"{len(documents)}.md"}
            documents.append(Document(id=str(len(documents)), page_content=text, metadata=metadata))
    return documents, spans


def score(chunks, spans) -> dict[str, np.ndarray]:
    """Recall of the answers' characters within the budget, and which are whole in a chunk."""
    retriever = HybridRetriever.from_documents(chunks)
    places = {}
    for chunk in chunks:
        document = int(chunk.metadata["source"].removesuffix(".md"))
        start = chunk.metadata["start_index"]
        places.setdefault(document, []).append((start, start + len(chunk.page_content)))
    recall, whole = [], []
    for question, document, start, end in spans:
        covered, read_so_far = set(), 0
        for hit in retriever.search(question, k=60):
            if read_so_far >= _BUDGET:
                break
            # The last chunk counts as far as the budget reaches.
            text = hit.text[: _BUDGET - read_so_far]
            read_so_far += len(text)
            first = hit.document.metadata["start_index"]
            if hit.document.metadata["source"] == f"{document}.md":
                covered.update(range(max(first, start), min(first + len(text), end)))
        recall.append(len(covered) / (end - start))
        whole.append(any(a <= start and end <= b for a, b in places[document]))
    return {"recall": np.array(recall), "intact": np.array(whole, float)}


def peer(documents, mean: float):
    """LangChain's default splitter, at the size that gives the wanted mean length."""
    best = None
    for size in range(int(mean), int(3 * mean), max(int(mean / 25), 1)):
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=size, chunk_overlap=0, add_start_index=True
        )
        chunks = splitter.split_documents(documents)
        for number, chunk in enumerate(chunks):
            chunk.id = str(number)
        gap = abs(np.mean([len(chunk.page_content) for chunk in chunks]) - mean)
        if best is None or gap < best[0]:
            best = (gap, size, chunks)
    return best[1], best[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a generated collection without it")
    parser.add_argument("--sizes", type=int, nargs="*", default=[300])
    parser.add_argument("--smoke", action="store_true", help="80 questions, for CI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is missed")
    args = parser.parse_args()
    args.data = collection(args.data)
    table, missed = {}, []
    limit = 80 if args.smoke else None
    for name in ("cmrc_dev_1q_zh", "clapnq_dev_en", "stard_law"):
        # Somewhere below the folder given: collections keep them in different places.
        file = next((f for f in args.data.rglob(f"{name}*") if f.suffix in ("", ".jsonl")), None)
        if file is None:
            print(f"{name}: not there")
            continue
        documents, spans = laws(file, limit) if file.is_dir() else join(read(file, limit))
        if not spans:
            continue  # A generated collection has no statutes.
        for size in args.sizes:
            chunks = StructureSplitter(size).split_documents(documents)
            joined = "".join(chunk.page_content for chunk in chunks)
            lossless = joined == "".join(document.page_content for document in documents)
            mean = float(np.mean([len(chunk.page_content) for chunk in chunks]))
            peer_size, theirs = peer(documents, mean)
            ours, other = score(chunks, spans), score(theirs, spans)
            gain = interval(ours["recall"] - other["recall"])
            print(
                f"{name}, {len(spans)} spans, size {size} tokens: {len(chunks)} chunks of "
                f"{mean:.0f} characters, lossless {lossless}; LangChain's chunk_size {peer_size}"
            )
            for who, result in (("ours", ours), ("recursive", other)):
                recall, intact = result["recall"].mean(), result["intact"].mean()
                print(f"  {who:10} recall {recall:.3f}  intact {intact:.3f}")
            print(f"  difference in recall {gain}", flush=True)
            # Articles longer than a chunk cannot be whole.
            fits = [
                approximate_tokens(documents[number].page_content[start:end]) <= size
                for _, number, start, end in spans
            ]
            kept = gain.mean >= -0.01 and ours["intact"][fits].mean() >= 0.97 and lossless
            missed += [] if kept else [f"{name} {size}"]
            table[f"{name}/{size}"] = {k: float(v.mean()) for k, v in ours.items()}
    print("missed:", missed or "nothing")
    if args.json:
        args.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
