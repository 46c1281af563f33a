"""A small bilingual collection, generated: the retrieval benchmarks run on it without ``--data``.

It has the layout of the collections the figures come from: a folder per judged set (``scifact``
English, ``stard_law`` Chinese, ``cosqa_code`` Python), and questions with answer spans
(``clapnq_dev_en.jsonl``, ``cmrc_dev_1q_zh.jsonl``). Facts are drawn at random with a fixed seed. It
shows that a benchmark works, and nothing about the quality of anything.
"""

from __future__ import annotations

import atexit
import json
import random
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_switchyard.retrieval.lexical.segment import term_key
from langchain_switchyard.retrieval.lexical.tokenizer import MixedTokenizer

_EN_SUBJECTS = list(
    product(
        ("Amber", "Birch", "Copper", "Falcon", "Granite", "Harbour", "Juniper", "Willow"),
        ("Bridge", "Library", "Lighthouse", "Mill", "Observatory", "Theatre", "Tunnel"),
    )
)
_ZH_SUBJECTS = list(
    product(
        ("青石", "白杨", "云溪", "长风", "明月", "翠微", "栖霞", "望海"),
        ("图书馆", "天文台", "石桥", "剧院", "灯塔", "水库", "博物馆"),
    )
)
# sentence, question; the number or name that is asked for is the answer.
_EN_FACTS = (
    ("The {s} was opened in the spring of {n}.", "In which year was the {s} opened?", 1750, 1990),
    ("About {n} visitors came to the {s} last summer.", "How many visited the {s}?", 900, 9000),
    (
        "Repairs of the {s} cost {n} crowns altogether.",
        "What did repairing the {s} cost?",
        100,
        999,
    ),
    ("The tower of the {s} has {n} steps of oak.", "How many steps has the {s}?", 30, 400),
    ("A school for {n} apprentices belongs to the {s}.", "Apprentices at the {s}?", 10, 90),
)
_ZH_FACTS = (
    ("{s}于{n}年春天建成并对外开放。", "{s}是哪一年建成的？", 1750, 1990),
    ("去年夏天，约有{n}名游客参观了{s}。", "去年夏天有多少游客参观{s}？", 900, 9000),
    ("为修缮{s}，市政府一共拨款{n}万元。", "修缮{s}花了多少钱？", 100, 999),
    ("{s}的木制楼梯共有{n}级台阶，走上去吱呀作响。", "{s}的楼梯有多少级？", 30, 400),
    ("{s}附设一所学校，每年招收{n}名学徒。", "{s}的学校每年招多少学徒？", 10, 90),
)
_EN_FILL = (
    "Most people who pass by do not know this.",
    "The records of that time are kept in the town hall, where anybody may read them.",
    "In winter it is closed on weekdays, except when the market is held; then it opens at noon.",
)
_ZH_FILL = (
    "当地的老人常常说起这件事。",
    "有关档案保存在市政厅，任何人都可以查阅；冬天平日不开放，赶集的日子除外。",
    "路过的人大多并不知道这段历史！",
)
_VERBS = ("parse", "sort", "merge", "encode", "count", "filter", "validate", "split")
_THINGS = ("dates", "invoices", "matrix_rows", "urls", "log_lines", "user_names", "csv_cells")


def collection(given: Path | None) -> Path:
    """The folder to measure on: the one given, or a generated one that goes with the process."""
    if given is not None:
        return given
    print("no --data: a generated collection; its figures say nothing about quality", flush=True)
    home = tempfile.TemporaryDirectory()
    atexit.register(home.cleanup)
    write(Path(home.name))
    return Path(home.name)


def write(folder: Path) -> None:
    """Write all sets below ``folder``."""
    rng = random.Random(7)
    english = [
        ("".join(subject), *_passage(rng, " ".join(subject), _EN_FACTS, _EN_FILL, " "))
        for subject in _EN_SUBJECTS
    ]
    chinese = [
        ("".join(subject), *_passage(rng, "".join(subject), _ZH_FACTS, _ZH_FILL, ""))
        for subject in _ZH_SUBJECTS
    ]
    _write_spans(folder / "clapnq_dev_en.jsonl", english, "passage")
    _write_spans(folder / "cmrc_dev_1q_zh.jsonl", chinese, "context")
    _write_judged(folder / "scifact", english)
    _write_judged(folder / "stard_law", chinese)
    _write_judged(folder / "cosqa_code", list(_functions()))


class TermVectors(Embeddings):
    """Texts that share words are near each other; stands in for a model that is not there."""

    def __init__(self, size: int = 384) -> None:
        """Vectors of ``size`` numbers."""
        self._size = size
        self._tokens = MixedTokenizer().tokens

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a random direction per term, added up."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the same for one text."""
        total = np.full(self._size, 1e-6)
        for term in self._tokens(text):
            total += np.random.default_rng(term_key(term)).normal(size=self._size)
        return total.tolist()


def _passage(rng, subject, facts, fill, space):
    """A text of several facts, a question about one of them, and the sentence that answers it."""
    sentences = [
        (fact.format(s=subject, n=rng.randrange(low, high)), question.format(s=subject))
        for fact, question, low, high in facts
    ]
    answer, question = rng.choice(sentences)
    told = [sentence for sentence, _ in sentences] + [rng.choice(fill) for _ in sentences]
    rng.shuffle(told)
    return space.join(told), question, answer


def _functions() -> Iterator[tuple[str, str, str, str]]:
    for verb, thing in product(_VERBS, _THINGS):
        words = thing.replace("_", " ")
        text = (
            f"def {verb}_{thing}(values, strict=True):\n"
            f'    """Return the {words} after the step {verb}; refuse empty ones."""\n'
            "    result = []\n    for value in values:\n        if strict and not value:\n"
            f"            raise ValueError('empty')\n        result.append({verb}(value))\n"
            "    return result\n"
        )
        yield f"{verb}-{thing}", text, f"python {verb} {words}", text


def _write_spans(file: Path, passages, field: str) -> None:
    rows = [
        {"question": question, field: text, "answer": answer}
        for _, text, question, answer in passages
    ]
    _write_lines(file, rows)


def _write_judged(folder: Path, passages) -> None:
    folder.mkdir()
    corpus = [{"_id": name, "title": "", "text": text} for name, text, _, _ in passages]
    queries = [{"_id": f"q-{name}", "text": question} for name, _, question, _ in passages]
    judged = [{"query_id": f"q-{name}", "doc_id": name, "score": 1} for name, *_ in passages]
    _write_lines(folder / "corpus.jsonl", corpus)
    _write_lines(folder / "queries.jsonl", queries)
    _write_lines(folder / "qrels.jsonl", judged)


def _write_lines(file: Path, rows) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text(lines, encoding="utf-8")
