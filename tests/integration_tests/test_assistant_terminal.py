"""The chat at a real (pseudo) terminal: streaming, taking back, leaving."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_switchyard.testing import CutAfter, FaultyProvider

PATIENCE = 60.0
"""Seconds until a terminal that stays silent is given up."""


class Terminal:
    """A process that believes a person sits in front of it."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        """Start it."""
        self._master, slave = pty.openpty()
        bare = {name: value for name, value in os.environ.items() if "_API_KEY" not in name}
        self.process = subprocess.Popen(  # noqa: S603 - ourselves.
            [sys.executable, "-m", "langchain_switchyard.cli", *arguments],
            cwd=folder,
            env={**bare, "COLUMNS": "80", "LINES": "40", "TERM": "xterm", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def wait_for(self, pattern: str) -> None:
        """Read until a pattern was shown since the last wait."""
        began, since = time.monotonic(), len(self.seen)
        while not re.search(pattern, self.seen[since:]):
            left = PATIENCE - (time.monotonic() - began)
            ready, _, _ = select.select([self._master], [], [], max(left, 0))
            assert ready, f"{pattern!r} did not come; seen: {self.seen[since:]!r}"
            self._read()

    def end(self, *, nudge: Callable[[], None] | None = None) -> int:
        """Read to the end and return the exit code; `nudge` again whenever nothing happens."""
        began = time.monotonic()
        try:
            while time.monotonic() - began < PATIENCE:
                ready, _, _ = select.select([self._master], [], [], 2.0)
                if ready:
                    self._read()
                elif nudge is not None:
                    nudge()
        except OSError:
            # The other side of a pseudo terminal has gone.
            return self.process.wait(PATIENCE)
        raise AssertionError(f"it did not end; seen: {self.seen!r}")

    def close(self) -> None:
        """Leave nothing running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self) -> None:
        data = os.read(self._master, 65536)
        if not data:
            raise OSError("end of file")
        self.seen += data.decode("utf-8", "replace")


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Open chats over one document; all are closed in the end."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("Refunds are paid within five days.\n", "utf-8")
    opened: list[Terminal] = []

    def open_chat(**environment: str) -> Terminal:
        opened.append(Terminal(["chat", "--docs", "docs"], tmp_path, environment))
        opened[-1].wait_for("> $")
        return opened[-1]

    yield open_chat
    for terminal in opened:
        terminal.close()


def test_control_d_leaves_and_the_talk_is_there_the_next_time(chat: Callable) -> None:
    """With the exit code of success."""
    first = chat()
    first.type("When are refunds paid?\n")
    first.wait_for(r"within five days\. \[1\]")
    first.wait_for("> $")
    first.type("\x04")
    assert first.end() == 0

    second = chat()
    assert "going on with thread 'main'" in second.seen
    second.type("/quit\n")
    assert second.end() == 0


def test_control_c_at_the_prompt_leaves_without_a_traceback(chat: Callable) -> None:
    """As any program would."""
    terminal = chat()

    def interrupt() -> None:
        if terminal.process.poll() is None:
            terminal.process.send_signal(signal.SIGINT)

    interrupt()
    # The first one may come just before the prompt begins to listen.
    assert terminal.end(nudge=interrupt) == 0
    assert "Traceback" not in terminal.seen


def test_a_broken_stream_is_wiped_from_the_screen(chat: Callable) -> None:
    """The partial answer was shown, then taken back, then the whole one follows."""
    with FaultyProvider(answer="ELEPHANT " * 30, default=CutAfter(tokens=5)) as provider:
        terminal = chat(OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=provider.base_url)
        terminal.type("When are refunds paid?\n")
        terminal.wait_for(r"within five days\. \[1\]")
        terminal.type("/quit\n")
        assert terminal.end() == 0

    partial, wiped, rest = terminal.seen.rpartition("\x1b[J")
    assert "ELEPHANT" in partial
    assert wiped
    assert "ELEPHANT" not in rest
    assert rest.count("within five days") == 1
