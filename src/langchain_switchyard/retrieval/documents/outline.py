"""Where a document of a kind has its headings, and where its smallest units begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langchain_switchyard.retrieval.documents import marks
from langchain_switchyard.retrieval.documents.document_type import DocumentType

_CHINESE_LEVELS = {"编": 1, "篇": 1, "章": 2, "节": 3}
_ENGLISH_LEVELS = {"chapter": 2}
_ARTICLE = 4
# A line that is no longer than this and ends no sentence is a title as a whole.
_LONGEST_TITLE = 60
_SENTENCE_ENDS = "。.；;，,：:"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that heads what follows.

    Attributes:
        title: For the path of headings.
        level: Depth, from 1.
        bare: Whether the line is nothing but the heading; otherwise its text begins on it.
    """

    title: str
    level: int
    bare: bool = True


@dataclass(frozen=True, slots=True)
class Outline:
    """How to read the lines of a document.

    Attributes:
        heading: The heading that a line is, or ``None``.
        begins: Whether a line begins a unit: a list item, a turn, a reference.
        blank_ends: Whether an empty line ends a unit, too.
    """

    heading: Callable[[str], Heading | None]
    begins: Callable[[str], bool]
    blank_ends: bool = True


def outline_of(kind: DocumentType, text: str) -> Outline:
    """Return how to read a document of a kind.

    Args:
        kind: Any but code, which has no lines of text.
        text: The document: laws differ in whether sections hold articles or articles sections.
    """
    if kind is DocumentType.LEGAL:
        return Outline(_legal(text), _begins_item)
    if kind is DocumentType.ACADEMIC:
        return Outline(_paper, _begins_reference)
    if kind is DocumentType.DIALOGUE:
        return Outline(_marked, _begins_turn, blank_ends=False)
    return Outline(_marked, _begins_item)


def _begins_item(line: str) -> bool:
    return marks.LIST_ITEM.match(line) is not None


def _begins_reference(line: str) -> bool:
    return marks.REFERENCE.match(line) is not None or _begins_item(line)


def _begins_turn(line: str) -> bool:
    return bool(marks.speaker(line))


def _marked(line: str) -> Heading | None:
    """Markdown headings and Chinese chapters."""
    found = marks.HEADING.match(line)
    if found is not None:
        return Heading(found[2], len(found[1])) if found[2] else None
    chapter = marks.CHAPTER.match(line)
    return None if chapter is None else Heading(line.strip(), _CHINESE_LEVELS[chapter[1]])


def _legal(text: str) -> Callable[[str], Heading | None]:
    labels = (marks.article(line).lower() for line in text.split("\n"))
    first = next((label for label in labels if label.startswith(("article", "section"))), "")
    inner = "article" if first.startswith("section") else "section"

    def heading(line: str) -> Heading | None:
        marked = _marked(line)
        if marked is not None:
            return marked
        chapter = marks.ENGLISH_CHAPTER.match(line.strip())
        if chapter is not None:
            return Heading(line.strip(), _ENGLISH_LEVELS.get(chapter[1].lower(), 1))
        label = marks.article(line)
        if not label:
            return None
        level = _ARTICLE + label.lower().startswith(inner)
        return Heading(_title(line, label), level, bare=False)

    return heading


def _paper(line: str) -> Heading | None:
    marked = _marked(line)
    if marked is not None:
        return marked
    part = marks.paper_part(line)
    if part:
        label = line.strip(" \t　【[*#").split("：")[0].split(":")[0].split("】")[0].strip("】]* ")
        bare = len(line.strip()) <= len(label) + 3
        return Heading(label[:_LONGEST_TITLE], 2, bare=bare)
    found = marks.NUMBERED_TITLE.match(line)
    if found is None or line.rstrip()[-1] in _SENTENCE_ENDS or marks.YEAR.search(line):
        return None
    return Heading(line.strip(), 2 + found["number"].strip(".").count("."))


def _title(line: str, label: str) -> str:
    whole = line.strip(" \t　#*")
    short = len(whole) <= _LONGEST_TITLE and whole[-1] not in _SENTENCE_ENDS
    return whole if short else label
