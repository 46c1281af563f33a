"""`switchyard chat`: a talk that goes on where it stopped."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import dataclass
from uuid import uuid4

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import report
from langchain_switchyard.cli.session import (
    Turn,
    open_assistant,
    readable,
    show_sources,
    take_turn,
)
from langchain_switchyard.cli.threads import FIRST, choose_thread, known_threads, open_threads
from langchain_switchyard.graph.assistant import Assistant

_HELP = "/new begins another talk, /sources shows what the last answer rests on, /quit leaves"


def run(options: Namespace, console: Console) -> int:
    """Talk until the input ends."""
    with open_threads(options.state) as saver:
        latest = next(iter(known_threads(saver)), FIRST)
        thread = choose_thread(saver, options.thread, options.resume) or latest
        goes_on = thread in known_threads(saver)
        with open_assistant(options.docs, options.state, console, saver) as assistant:
            if sys.stdin.isatty():
                begin = "going on with" if goes_on else "new"
                console.note(f"{begin} thread {thread!r}. {_HELP}.")
            return _Talk(assistant, thread, console).run()


@dataclass
class _Talk:
    """One chat at the keyboard, or from a pipe: there, each line is a message."""

    assistant: Assistant
    thread: str
    console: Console
    last: Turn | None = None

    def run(self) -> int:
        """Answer line by line."""
        failed = 0
        while True:
            try:
                line = self._read()
            except (EOFError, KeyboardInterrupt):
                # Ctrl-D or Ctrl-C at the prompt: that is how one leaves.
                if sys.stdin.isatty():
                    self.console.say()
                return failed
            if line in ("/quit", "/exit", "/q"):
                return failed
            if line:
                failed = self._heed(line)

    def _read(self) -> str:
        if not sys.stdin.isatty():
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return readable(line)
        return readable(input("> "))

    def _heed(self, line: str) -> int:
        """Do what one line says; returns the exit code it would make."""
        if line == "/new":
            self.thread, self.last = uuid4().hex[:8], None
            self.console.note(f"new thread {self.thread!r}")
        elif line == "/sources":
            self._show_sources()
        elif line.startswith("/"):
            self.console.note(_HELP)
        else:
            return self._answer(line)
        return 0

    def _answer(self, line: str) -> int:
        try:
            self.last = take_turn(self.assistant, line, self.thread, self.console)
        except KeyboardInterrupt:
            self.console.note("\nstopped")
            return 0
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - told to the user; the talk goes on.
            return report(error, self.console)
        if self.console.as_json:
            self.console.emit(self.last.as_json())
        return 0

    def _show_sources(self) -> None:
        if self.last is None or not self.last.values.get("citations"):
            self.console.note("the last answer cites no source")
        else:
            show_sources(self.last, self.console)
