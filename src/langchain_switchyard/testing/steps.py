"""What a scripted model can do in one call, as plain data, and the order it happens in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata

from langchain_switchyard.testing.tokens import count_tokens, pieces


@dataclass(frozen=True)
class Say:
    """Answer with text.

    Args:
        text: What to say.
        chunks: How a stream cuts it: `None` by words and Chinese characters, a number for that
            many characters each, or the pieces themselves.
        usage: Reported usage; `None` estimates it, `False` reports none.
        finish_reason: As the provider would report it.
        cut_after: Break the connection after this many chunks (plain calls break, too).
        ends_without_finish: End silently, without finish reason and usage.
    """

    text: str = ""
    chunks: int | Sequence[str] | None = None
    usage: UsageMetadata | bool | None = None
    finish_reason: str = "stop"
    cut_after: int | None = None
    ends_without_finish: bool = False

    def __post_init__(self) -> None:
        """Refuse chunks that do not make up the text.

        Raises:
            ValueError: The pieces joined are not the text, or their size is not positive.
        """
        if isinstance(self.chunks, int):
            if self.chunks < 1:
                raise ValueError(f"chunks={self.chunks}: a chunk has at least one character")
        elif self.chunks is not None and "".join(self.chunks) != self.text:
            raise ValueError(f"the chunks {self.chunks!r} do not add up to the text {self.text!r}")

    def cut(self) -> Sequence[str]:
        """Return the text in the pieces it streams in."""
        if self.chunks is None:
            return pieces(self.text)
        if isinstance(self.chunks, int):
            return [
                self.text[at : at + self.chunks] for at in range(0, len(self.text), self.chunks)
            ]
        return self.chunks

    def until(self, stops: Sequence[str]) -> Say:
        """Return what is left when the text ends before the first stop sequence."""
        ends = [at for stop in stops if (at := self.text.find(stop)) >= 0]
        if not ends:
            return self
        size = self.chunks if isinstance(self.chunks, int) else None
        return replace(self, text=self.text[: min(ends)], chunks=size)


@dataclass(frozen=True)
class CallTool:
    """Call a tool. Several in one step list are parallel calls.

    Args:
        name: The tool's name.
        args: Its arguments.
        id: The call's id; `None` numbers it.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True)
class Fail:
    """Raise an error: first in the list before anything, later after what came before.

    Args:
        error: An exception, or something that makes one when called (a class, a lambda).
    """

    error: BaseException | Callable[[], BaseException]

    def make(self) -> BaseException:
        """Return the error, free of earlier tracebacks."""
        error = self.error if isinstance(self.error, BaseException) else self.error()
        return error.with_traceback(None)


@dataclass(frozen=True)
class Delay:
    """Let time pass on the model's clock.

    Args:
        seconds: Here: before the first token when it is the first step.
        each: Before every later chunk of this call.
    """

    seconds: float = 0.0
    each: float = 0.0


Step: TypeAlias = Say | CallTool | Fail | Delay
Line: TypeAlias = Step | str | BaseException | Sequence[Step | str | BaseException]
"""What one call plays: a step, a text, an error, or several of them."""
Cue: TypeAlias = Line | Callable[[list[BaseMessage], dict[str, Any]], Line]
"""A line, or a function of the call's messages and keyword arguments that returns one."""


class ToolPiece(NamedTuple):
    """One fragment of a streamed tool call; `slot` tells parallel calls apart.

    Name and id come with the first fragment.
    """

    slot: int
    name: str | None
    args: str
    id: str | None


class Finish(NamedTuple):
    """The end of an answer. `output_tokens` counts what was said and called."""

    reason: str | None
    usage: UsageMetadata | bool | None
    output_tokens: int


Happening: TypeAlias = float | str | ToolPiece | Finish
"""A wait in seconds, a piece of text, a fragment of a tool call, or the end."""


def steps_of(line: Line) -> tuple[Step, ...]:
    """Bring whatever a script may hold into steps.

    Raises:
        TypeError: It holds something that is no step.
    """
    if isinstance(line, (Say, CallTool, Fail, Delay)):
        return (line,)
    if isinstance(line, str):
        return (Say(line),)
    if isinstance(line, BaseException):
        return (Fail(line),)
    if isinstance(line, Sequence):
        return tuple(step for part in line for step in steps_of(part))
    raise TypeError(
        f"a script holds Say, CallTool, Fail, Delay, text, errors, lists of them or functions "
        f"that return them; got {type(line).__name__}: {line!r}"
    )


def heed_stop(steps: Sequence[Step], stops: Sequence[str]) -> list[Step]:
    """Let every text end before the first stop sequence, as providers do."""
    return [step.until(stops) if isinstance(step, Say) else step for step in steps]


def perform(steps: Sequence[Step], call: int) -> Iterator[Happening]:
    """Play the steps of one call, token by token.

    Args:
        steps: From `steps_of`.
        call: Number of the call, for the ids of tool calls.

    Yields:
        Waits, text, tool fragments, and at last a `Finish` (unless the script leaves it out).

    Raises:
        BaseException: Whatever the script's `Fail` holds.
        ConnectionResetError: At `Say.cut_after`.
    """
    each, tokens, tools = 0.0, 0, 0
    end = Say()
    for step in steps:
        if isinstance(step, Delay):
            each = float(step.each)
            if step.seconds:
                yield float(step.seconds)
        elif isinstance(step, Fail):
            raise step.make()
        elif isinstance(step, Say):
            end = step
            parts = step.cut()
            tokens += len(parts)
            yield from _say(step, parts, each)
        else:
            yield from _call(step, tools, f"call_{call}_{tools}", each)
            tools += 1
            tokens += count_tokens(step.name) + count_tokens(json.dumps(dict(step.args)))
    if not end.ends_without_finish:
        reason = "tool_calls" if tools and end.finish_reason == "stop" else end.finish_reason
        yield Finish(reason, end.usage, tokens)


def _say(step: Say, parts: Sequence[str], each: float) -> Iterator[Happening]:
    for said, part in enumerate(parts):
        if said == step.cut_after:
            break
        if each:
            yield each
        yield part
    if step.cut_after is not None:
        raise ConnectionResetError(
            f"connection reset by peer, as scripted after {step.cut_after} chunks"
        )


def _call(step: CallTool, slot: int, fallback_id: str, each: float) -> Iterator[Happening]:
    """Stream a tool call the way providers do: name and id first, then its JSON in fragments."""
    text = json.dumps(dict(step.args), ensure_ascii=False)
    half = (len(text) + 1) // 2
    yield ToolPiece(slot, step.name, "", step.id or fallback_id)
    for fragment in (text[:half], text[half:]):
        if each:
            yield each
        yield ToolPiece(slot, None, fragment, None)
