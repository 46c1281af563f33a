"""Tells code from prose, line by line, also where a passage was cut out of the middle of a block.

A passage may begin inside a fenced block, whose opening fence stands in the passage before, or
inside a source file that never had a fence. What such lines say to a machine is no sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"(?:```|~~~)")
_CODE = re.compile(
    r"""
    (?:async\ )?def\ \w+\(.* | class\ \w+[(:].* | from\ [\w.]+\ import\ .* | import\ [\w.]+
    | @\w[\w.]*(?:\(.*)? | (?:\$|>>>|\.\.\.)\ .*              # decorators, prompts
    | return\b.*[()\[\]{}"'=].*
    | [\w.\[\]"',\ ]+\s=\s(?:await\ )?[\w.]+[(\[{].*          # x = call(...)
    | (?:print\(|(?:await\ )?[\w]+(?:\.\w+)+\().*             # print(...), a.b(...)
    | \{\s*"\w+"\s*:.* | \[?\(\s*".*                          # JSON, rows of literals
    | [)\]}\[({,;]+
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Code:
    """A fenced block, fences included."""

    text: str


def split_code(text: str) -> Iterator[str | Code]:
    """Lines of a text without space around them, and its whole blocks of code.

    A block whose beginning or end is missing is left out, like code without any fence: an empty
    line stands in its place.
    """
    lines = text.splitlines()
    block: list[str] | None = [] if _begins_inside(lines) else None
    for line in lines:
        stripped = line.strip()
        if not _FENCE.match(stripped):
            if block is None:
                yield "" if is_code(stripped) else stripped
            else:
                block.append(line)
        elif block is None or stripped.strip("`~"):
            # A fence that names a language can only open.
            block = [line]
            yield ""
        else:
            has_begun = bool(block) and _FENCE.match(block[0].strip()) is not None
            yield Code("\n".join([*block, line])) if has_begun else ""
            block = None


def is_code(line: str) -> bool:
    """Whether a line can only be code: a definition, an import, a call, a prompt, JSON."""
    return _CODE.fullmatch(line) is not None


def _begins_inside(lines: Sequence[str]) -> bool:
    """Whether the first fence of a text closes a block that began before the text does."""
    fences = [at for at, line in enumerate(lines) if _FENCE.match(line.strip())]
    if len(fences) % 2 == 0 or lines[fences[0]].strip().strip("`~"):
        return False
    before = [line.strip() for line in lines[: fences[0]] if line.strip()]
    return bool(before) and 2 * sum(is_code(line) for line in before) > len(before)
