"""Where a scripted model is in its script, and what it has been asked so far."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from langchain_core.messages import BaseMessage

from langchain_switchyard.errors import SwitchyardError
from langchain_switchyard.testing.steps import Cue, Step, steps_of


class ScriptExhausted(SwitchyardError, RuntimeError):
    """The model was called more often than its script has lines, and `then="fail"`."""


class RecordedCall(NamedTuple):
    """One call of a scripted model, as it arrived."""

    messages: list[BaseMessage]
    """The prompt."""
    kwargs: dict[str, Any]
    """Keyword arguments, among them `tools`, `tool_choice`, `timeout`, `stop` when given."""
    streamed: bool
    """Whether the caller asked for a stream."""


class Stage:
    """What changes from call to call: the place in the script and the record. One lock."""

    def __init__(self, script: Cue | list[Cue], *, repeat: bool) -> None:
        """Read the script.

        Args:
            script: A list with one line per call, or a single line.
            repeat: Play the last line again and again.

        Raises:
            ValueError: The script is empty.
            TypeError: It holds something that cannot be played.
        """
        lines = cast("list[Cue]", script if isinstance(script, list) else [script])
        if not lines:
            raise ValueError('the script is empty; give at least one line: script=["hello"]')
        self._lines = [line if callable(line) else steps_of(line) for line in lines]
        self._repeat = repeat
        self._calls: list[RecordedCall] = []
        self._lock = threading.Lock()

    def enter(self, call: RecordedCall) -> tuple[int, Sequence[Step]]:
        """Record a call and return its number (from 0) with the steps it plays."""
        with self._lock:
            number = len(self._calls)
            self._calls.append(call)
        if number >= len(self._lines) and not self._repeat:
            raise ScriptExhausted(
                f"call {number + 1}, but the script has {len(self._lines)} lines; "
                'add lines or use then="repeat"'
            )
        line = self._lines[min(number, len(self._lines) - 1)]
        return number, steps_of(line(call.messages, call.kwargs)) if callable(line) else line

    @property
    def calls(self) -> list[RecordedCall]:
        """Every call so far (a copy)."""
        with self._lock:
            return list(self._calls)

    def rewind(self) -> None:
        """Forget the calls; the next one plays the first line."""
        with self._lock:
            self._calls.clear()
