"""Tell what kind of document a text is, by its form: Chinese and English alike.

Each kind leaves marks at the beginning of its lines: articles, speakers, section names, headings,
statements. The share of lines with marks, and a few words beside them, are the evidence.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from langchain_switchyard.retrieval.documents import marks

# The beginning shows what a document is; its end may hold the references.
_HEAD, _TAIL = 300, 60
# Files that are never programs, whatever they show.
_PROSE_SUFFIXES = frozenset({".md", ".markdown", ".html", ".htm", ".docx", ".pdf", ".rst"})
# Evidence below this is an accident.
_ENOUGH = 0.5
# Characters; what is longer is looked at no further, and is no statement.
_WIDEST, _LONGEST_STATEMENT = 500, 160


class DocumentType(StrEnum):
    """Kinds of documents that are cut in different ways."""

    CODE = "code"
    ACADEMIC = "academic"
    LEGAL = "legal"
    MARKDOWN = "markdown"
    DIALOGUE = "dialogue"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Detection:
    """What a text was found to be.

    Attributes:
        type: The kind.
        confidence: From 0 to 1; for ``general`` how far from every other kind it is.
        why: What was seen, in words.
    """

    type: DocumentType
    confidence: float
    why: tuple[str, ...]


Evidence = tuple[float, str]


def detect_type(text: str, source: str | None = None) -> Detection:
    """Return the kind of a text.

    Args:
        text: All of it; the first 300 lines and the last 60 are looked at.
        source: Its file, if there is one: the ending of a program's name decides alone.
    """
    suffix = PurePath(source or "").suffix.lower()
    if suffix in marks.CODE_SUFFIXES:
        return Detection(DocumentType.CODE, 1.0, (f"the file ends in {suffix}",))
    lines = _sampled(text)
    if not lines:
        return Detection(DocumentType.GENERAL, 1.0, ("it is empty",))
    found = {kind: look(_outside_fences(lines) or lines) for kind, look in _LOOKS.items()}
    if suffix not in _PROSE_SUFFIXES:
        found[DocumentType.CODE] = _code(text, lines)
    found[DocumentType.MARKDOWN] = _markdown(lines, suffix)
    best = max(found, key=lambda kind: found[kind][0])
    score, why = found[best]
    if score < _ENOUGH:
        nearest = f"; nearest: {best} ({why})" if score else ""
        return Detection(DocumentType.GENERAL, 1 - score, (f"no kind's marks{nearest}",))
    others = [
        f"also {kind}: {w}" for kind, (s, w) in found.items() if s >= _ENOUGH and kind != best
    ]
    return Detection(best, score, (why, *others))


def _sampled(text: str) -> list[str]:
    lines = [line[:_WIDEST] for line in text.splitlines() if line.strip()]
    return lines if len(lines) <= _HEAD + _TAIL else [*lines[:_HEAD], *lines[-_TAIL:]]


def _outside_fences(lines: Sequence[str]) -> list[str]:
    """Lines that are not inside a fenced block: a guide that shows code is no program."""
    kept, fence = [], ""
    for line in lines:
        mark = marks.FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence:
            kept.append(line)
    return kept


def _code(text: str, lines: Sequence[str]) -> Evidence:
    if marks.FENCE.match(lines[0]) is None and _is_python(text, lines):
        return 1.0, "it is a Python program"
    bare = _sampled(marks.COMMENT.sub("", "\n".join(_outside_fences(lines))))
    strong = sum(1 for line in bare if _statement(line))
    hits = sum(1 for line in bare if _statement(line) or marks.CODE_END.search(line))
    share = hits / max(len(bare), 1)
    # Ends of lines alone are in lists and tables, too.
    score = min(share * 1.25, 1.0) if strong >= 2 else share * 0.45
    return score, f"{hits} of {len(bare)} lines are those of a program"


def _statement(line: str) -> bool:
    return len(line) <= _LONGEST_STATEMENT and marks.STATEMENT.match(line) is not None


def _is_python(text: str, lines: Sequence[str]) -> bool:
    """Whether it parses and does something: a single word is an expression, too."""
    if not any(map(_statement, lines)):
        return False
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) for node in tree.body)


def _legal(lines: Sequence[str]) -> Evidence:
    articles = sum(1 for line in lines if marks.article(line))
    clauses = sum(1 for line in lines if marks.CLAUSE_NUMBER.match(line))
    words = sum(len(marks.LEGAL_WORD.findall(line)) for line in lines)
    if articles < 2 and (clauses < 3 or words < 3):
        return min(0.1 * articles, 0.4), f"{articles} lines begin an article"
    # Per thousand characters, however the lines are wrapped.
    dense = min(100 * words / sum(map(len, lines)), 1.0)
    what = f"{articles} lines begin an article, {clauses} a numbered clause; {words} words of law"
    if articles < 2:
        return 0.3 + 0.6 * dense, what
    share = min(2 * max(articles, clauses / 2) / len(lines), 1.0)
    return min(0.5 * min(articles / 3, 1.0) + 0.3 * share + 0.3 * dense, 1.0), what


def _dialogue(lines: Sequence[str]) -> Evidence:
    speakers = Counter(name for line in lines if (name := marks.speaker(line)))
    turns = sum(count for count in speakers.values() if count > 1)
    returning = [name for name, count in speakers.items() if count > 1]
    if len(speakers) < 2 or not returning or turns < 3:
        return 0.0, f"{len(speakers)} speakers"
    # Few names again and again; keys of a list or of settings are all different.
    again = turns / sum(speakers.values())
    share = sum(speakers.values()) / len(lines)
    score = again * min(0.4 + share, 1.0) if share >= 0.2 else share
    return score, f"{sum(speakers.values())} turns of {len(speakers)} speakers"


def _academic(lines: Sequence[str]) -> Evidence:
    names = {name for line in lines if (name := marks.paper_part(line))}
    citations = sum(len(marks.CITATION.findall(line)) for line in lines)
    framed = len(names & {"abstract", "references"})
    if len(names) < 2 or not framed:
        return min(0.1 * len(names) + 0.02 * citations, 0.4), f"{len(names)} parts of a paper"
    score = 0.25 * framed + 0.12 * len(names) + min(0.05 * citations, 0.3)
    parts = ", ".join(sorted(names))
    return min(score, 1.0), f"parts of a paper: {parts}; {citations} citations"


def _markdown(lines: Sequence[str], suffix: str) -> Evidence:
    hits = Counter(
        kind for line in lines for kind, mark in marks.MARKUP.items() if mark.search(line)
    )
    share = sum(hits.values()) / len(lines)
    kinds = ", ".join(f"{count} {kind}" for kind, count in hits.most_common())
    score = min(0.25 * len(hits) + share, 1.0)
    if hits["headings"] == 0 and hits["fences"] == 0 and hits["tables"] < 2:
        score = min(score, 0.45)  # A list alone is in every letter.
    if suffix in (".md", ".markdown"):
        score, kinds = max(score, 0.75), f"{kinds or 'no markup'}; the file ends in {suffix}"
    # Whatever is more than marked-up text is that first: a law in Markdown is a law.
    return 0.7 * score, kinds or "no markup"


_LOOKS: dict[DocumentType, Callable[[Sequence[str]], Evidence]] = {
    DocumentType.LEGAL: _legal,
    DocumentType.DIALOGUE: _dialogue,
    DocumentType.ACADEMIC: _academic,
}
