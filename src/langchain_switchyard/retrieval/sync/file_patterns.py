"""Which files of a folder are meant: ``*.md``, ``guides/**/*.md``, as editors read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from langchain_switchyard.errors import ConfigurationError

Parts = tuple[str, ...]
ANY_DEPTH = "**"


def file_filter(patterns: str | Sequence[str]) -> Callable[[Parts], bool]:
    """Return what tells by the parts of a file's path, from the folder down, whether it is meant.

    Args:
        patterns: One pattern or several. ``*``, ``?`` and ``[...]`` stay within one name, ``**`` is
            any number of folders, none included. A pattern without a slash is for file names at
            any depth; one with a slash begins in the folder itself.

    Raises:
        ConfigurationError: No pattern, an empty one, or one that leaves the folder.
    """
    given = [patterns] if isinstance(patterns, str) else list(patterns)
    if not given:
        # Files that match no pattern are taken out: this would empty the index.
        raise ConfigurationError('patterns is empty: name some, such as "*.md", or leave it out')
    read = [_read(pattern) for pattern in given]
    return lambda parts: any(_match(parts, pattern) for pattern in read)


def _read(pattern: str) -> Parts:
    if not isinstance(pattern, str) or not pattern.strip() or pattern.startswith(("/", "../")):
        raise ConfigurationError(
            f'patterns are paths within the folder, such as "guides/**/*.md"; got {pattern!r}'
        )
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    if pattern.endswith("/"):
        return (*parts, ANY_DEPTH)
    return parts if "/" in pattern else (ANY_DEPTH, *parts)


def _match(parts: Parts, pattern: Parts) -> bool:
    """Compare from the left, remembering which lengths of the path each part of it can end at."""
    reached = {0}
    for part in pattern:
        if part == ANY_DEPTH:
            reached = set(range(min(reached), len(parts) + 1)) if reached else reached
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], part)}
    return len(parts) in reached
