"""Where commands write: answers to standard output, everything about them to standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

Progress = Callable[[int, int, str], None]
"""Told `(done, total, name)` after each step."""

_DIM, _BOLD, _RED, _END = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[0m"


class Console:
    """Two streams, and whether a person or a program reads them.

    Args:
        as_json: One JSON object on standard output, and nothing else there.
        out: Standard output, unless given.
        err: Standard error, unless given.
    """

    def __init__(
        self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        """Keep the streams; a terminal that lacks a character shows a substitute."""
        self.as_json = as_json
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        for stream in (self.out, self.err):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches standard output."""
        return self.out.isatty() and not self.as_json

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        columns, lines = shutil.get_terminal_size()
        return columns, lines

    def say(self, text: str = "") -> None:
        """Write a line of output; nothing with `--json`, whose output is one object."""
        if not self.as_json:
            print(text, file=self.out, flush=True)

    def heading(self, text: str) -> None:
        """Write a line of output that stands out on a terminal."""
        self.say(f"{_BOLD}{text}{_END}" if self._colours(self.out) else text)

    def note(self, text: str) -> None:
        """Write a line about what is going on."""
        print(f"{_DIM}{text}{_END}" if self._colours(self.err) else text, file=self.err, flush=True)

    def error(self, text: str) -> None:
        """Write one line about what went wrong."""
        line = f"switchyard: {text}"
        print(f"{_RED}{line}{_END}" if self._colours(self.err) else line, file=self.err, flush=True)

    def emit(self, value: Mapping[str, Any]) -> None:
        """Write one JSON object on one line."""
        encoding = (getattr(self.out, "encoding", None) or "utf-8").lower()
        # Where a character cannot be written, JSON has another way to say it.
        line = json.dumps(value, ensure_ascii=not encoding.startswith("utf"), default=str)
        print(line, file=self.out, flush=True)

    def abandon(self) -> None:
        """Give up standard output, whose reader has gone, without an error at exit."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())

    @contextmanager
    def progress(self, title: str) -> Iterator[Progress]:
        """Show how far something is, on a terminal only; prettier with `rich`."""
        if self.as_json or not self.err.isatty():
            yield lambda *_: None
            return
        try:
            from rich import progress as bars  # noqa: PLC0415 - optional: plain without it.
            from rich.console import Console as Rich  # noqa: PLC0415
        except ImportError:
            yield self._plain_progress(title)
            self.err.write("\r\x1b[K")
            return
        with bars.Progress(console=Rich(file=self.err), transient=True) as shown:
            task = shown.add_task(title, total=None)

            def advance(done: int, total: int, name: str) -> None:
                shown.update(task, completed=done, total=total, description=f"{title} {name[-40:]}")

            yield advance

    def _plain_progress(self, title: str) -> Progress:
        def advance(done: int, total: int, name: str) -> None:
            self.err.write(f"\r\x1b[K{title} {done}/{total} {name[-40:]}")
            self.err.flush()

        return advance

    def _colours(self, stream: TextIO) -> bool:
        return stream.isatty() and not os.environ.get("NO_COLOR")
