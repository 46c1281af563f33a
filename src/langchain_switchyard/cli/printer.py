"""Shows an answer while it comes, and takes it back where its author does."""

from __future__ import annotations

import unicodedata

from langchain_core.messages import BaseMessage

from langchain_switchyard.cli.console import Console


class StreamPrinter:
    """Prints the chunks of one answer.

    On a terminal, text appears at once; a reset chunk wipes it, and the new answer takes its place.
    A pipe can't take anything back: there the answer is written once it is final.

    Args:
        console: Where to print.
    """

    def __init__(self, console: Console) -> None:
        """Begin with nothing shown."""
        self._console = console
        self._shown = ""

    def feed(self, chunk: BaseMessage) -> None:
        """Show one chunk, or take back what was shown before it."""
        told = chunk.response_metadata.get("switchyard")
        if isinstance(told, dict) and told.get("reset"):
            self.take_back()
        self._write(chunk.text)

    def finish(self, answer: str) -> None:
        """End with exactly this answer, whatever was shown."""
        if self._shown != answer:
            self.take_back()
            self._write(answer)
        if not self._console.is_terminal:
            self._console.say(self._shown)
        elif not answer.endswith("\n"):
            self._console.say()
        self._shown = ""

    def take_back(self) -> None:
        """Wipe what was shown."""
        if self._console.is_terminal and self._shown:
            columns, lines = self._console.size
            rows = rows_below(self._shown, columns)
            if rows < lines:
                self._raw(f"\r\x1b[{rows}A\x1b[J" if rows else "\r\x1b[J")
            else:
                # The beginning has left the screen, and nothing can reach it there.
                self._raw("\n--- taken back; the answer begins anew ---\n")
        self._shown = ""

    def _write(self, text: str) -> None:
        self._shown += text
        if self._console.is_terminal:
            self._raw(text)

    def _raw(self, text: str) -> None:
        self._console.out.write(text)
        self._console.out.flush()


def rows_below(text: str, columns: int) -> int:
    """Return how many rows the cursor has moved down after a text, wrapping included."""
    rows = 0
    for number, line in enumerate(text.split("\n")):
        rows += number > 0
        rows += max(0, width(line) - 1) // max(columns, 1)
    return rows


def width(text: str) -> int:
    """Return the columns a line takes: two for a Chinese character, none for an accent."""
    total = 0
    for character in text:
        if unicodedata.combining(character):
            continue
        total += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return total
