"""The parts of a text that mean themselves: quotations, dates, code, addresses, names.

Meaning may be matched loosely, these may not: a question about `foo()` is not one about `bar()`.
"""

from __future__ import annotations

import re

from langchain_switchyard.cache.semantic.words import words

_QUOTED = re.compile(
    r"[\"“”«»]([^\"“”«»\n]{1,200})[\"“”«»]|[「『《]([^」』》\n]{1,200})[」』》]"
    r"|(?<!\w)['‘]([^'’\n]{1,200})['’](?!\w)"
)
_CODE = re.compile(
    r"```.*?```|`[^`\n]+`|\b\w+\([^()\n]*\)|\b\w+(?:::|->|\.)\w+\([^()\n]*\)|<[a-zA-Z/][^<>\n]*>",
    re.DOTALL,
)
_ADDRESS = re.compile(
    r"\b(?:https?|ftp|s3|file)://\S+|\b[\w.+-]+@[\w-]+\.[\w.]+\b|(?:(?<=\s)|^)(?:~|\.{1,2})?/[\w./-]+"
    r"|\b[a-zA-Z]:\\\S+|\b[\w-]+\.(?:com|org|net|io|ai|cn|py|js|ts|json|ya?ml|csv|pdf|docx?|txt|md)\b"
)
_CODE_WORD = re.compile(
    r"\b(?=\w*[a-zA-Z])(?=\w*\d)[A-Za-z0-9][\w-]*\b|\b[a-z]+_[a-z_]+\b|\b\w+[+#]+"
)
_DATE = re.compile(
    r"\b\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?\b|\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b"
    r"|\d{2,4}年(?:\d{1,2}月)?(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]?|\b\d{1,2}:\d{2}\b"
)
_NAME = re.compile(r"(?<![.!?。！？:]\s)(?<!^)(?<![\w'’])([A-Z][\w’]*(?:[A-Z]\w*)?)")
_OWN_WORD = re.compile(r"^i(?:$|['’])|^ok$")


def quotations(text: str) -> tuple[str, ...]:
    """Return what stands in quotation marks, Chinese ones and book titles too, sorted."""
    return tuple(sorted({"".join(match.groups("")).strip() for match in _QUOTED.finditer(text)}))


def dates(text: str) -> tuple[str, ...]:
    """Return dates and times of day, their separators made equal, sorted."""
    found = (re.findall(r"\d+", date) for date in _DATE.findall(text))
    return tuple(sorted({"-".join(str(int(part)) for part in parts) for parts in found}))


def without_dates(text: str) -> str:
    """Return a text from which dates and times of day are taken out."""
    return _DATE.sub(" ", text)


def code(text: str) -> tuple[str, ...]:
    """Return code, addresses, file names and words that mix letters and digits, sorted."""
    found = [*_CODE.findall(text), *_ADDRESS.findall(text), *_CODE_WORD.findall(text)]
    return tuple(sorted({part.strip("` \n") for part in found}))


def names(text: str) -> frozenset[str]:
    """Return words with a capital inside a sentence, case-folded; none if all is in capitals."""
    if not re.search(r"[a-z]", text):
        return frozenset()
    found = (match[1].casefold() for match in _NAME.finditer(text))
    return frozenset(word for name in found if not _OWN_WORD.match(name) for word in words(name))
