"""A bar for whatever takes ``progress=``: indexing, synchronising, embedding."""

from __future__ import annotations

import sys
from typing import TextIO

_WIDTH = 30


class ProgressBar:
    """Shows how far something is on one line; in a file or a log, a line for every tenth.

    Example:
        ```python
        retriever.index.add_documents(documents, progress=ProgressBar("indexing"))
        retriever.sync_folder("docs", progress=ProgressBar("docs"))
        BatchedEmbeddings(model, progress=ProgressBar("embedding"))
        ```

    Args:
        label: What is done.
        stream: Where to write; standard error by default.
    """

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        """Write nothing yet."""
        self._label = label
        self._stream = stream
        self._shown: tuple[int, int] | None = None

    def __call__(self, done: int, total: int, name: str = "") -> None:
        """Show that ``done`` of ``total`` are done.

        Args:
            done: From 0 to ``total``.
            total: More than one round is possible: a smaller ``done`` begins the next.
            name: What was done last; not shown, as names have any length.
        """
        del name
        stream = sys.stderr if self._stream is None else self._stream
        share = done / total if total else 1.0
        is_terminal = stream.isatty()
        # Nothing is written twice: a hundred thousand calls write a hundred times.
        step = (int(share * (100 if is_terminal else 10)), total)
        if step == self._shown:
            return
        self._shown = step
        full = int(share * _WIDTH)
        bar = "#" * full + "-" * (_WIDTH - full)
        line = f"{self._label} [{bar}] {done}/{total}"
        if is_terminal:
            stream.write(f"\r{line}" + ("\n" if done >= total else ""))
        else:
            stream.write(f"{line}\n")
        stream.flush()
