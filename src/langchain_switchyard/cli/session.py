"""The assistant a command talks to, and one turn with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import StreamMode

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.library import open_library
from langchain_switchyard.cli.printer import StreamPrinter
from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph import AssistantOutput, build_assistant, place_of
from langchain_switchyard.graph.assistant import Assistant

_LONGEST_QUESTION = 60
"""Characters of a question that a remark about its answer repeats."""


@contextmanager
def open_assistant(
    docs: str | None,
    state: Path,
    console: Console,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    yard: Switchyard | None = None,
) -> Iterator[Assistant]:
    """Build the assistant from the environment, and close everything afterwards.

    Args:
        docs: Folder of documents, if any.
        state: Where indexes are kept.
        console: For progress and warnings.
        checkpointer: Where threads are kept, if they are.
        yard: Who answers; the fleet of the environment, unless given.
    """
    with ExitStack() as stack:
        fleet = stack.enter_context(yard or Switchyard.from_env())
        retriever = None
        if docs is not None:
            retriever, _ = open_library(docs, state, console)
            stack.callback(retriever.close)
        yield build_assistant(fleet.chat(), retriever=retriever, checkpointer=checkpointer)


@dataclass(frozen=True)
class Turn:
    """What one question came to."""

    question: str
    thread: str | None
    values: AssistantOutput

    @property
    def answer(self) -> AIMessage:
        """The answer."""
        message = self.values["messages"][-1]
        if not isinstance(message, AIMessage):
            raise TypeError(f"a turn ends with an answer, not with a {message.type} message")
        return message

    def as_json(self) -> dict[str, Any]:
        """Everything a program may want to know."""
        metadata = self.answer.response_metadata
        return {
            "question": self.question,
            "answer": self.answer.text,
            "citations": self.values.get("citations", []),
            "sources": self.values.get("sources", []),
            "intent": self.values.get("intent"),
            "quality": self.values.get("quality"),
            "attempts": self.values.get("attempts"),
            "thread": self.thread,
            "model": metadata.get("model_name"),
            "usage": self.answer.usage_metadata,
            "switchyard": metadata.get("switchyard"),
        }


def readable(text: str) -> str:
    """Return what was typed without space around it, and without bytes that are no text.

    Such bytes arrive as lone surrogates, which no provider can be sent.
    """
    return text.encode("utf-8", "replace").decode().strip()


def take_turn(assistant: Assistant, question: str, thread: str | None, console: Console) -> Turn:
    """Ask, show the answer as it comes, and return all of it. With `--json` nothing is shown."""
    config: RunnableConfig = {"configurable": {"thread_id": thread}} if thread else {}
    printer = StreamPrinter(console)
    values: Any = {}
    # One checkpoint for a turn is enough: a thread is resumed between turns.
    durability: Literal["exit"] | None = "exit" if thread else None
    modes: list[StreamMode] = ["messages", "values"]
    stream = assistant.stream(
        {"messages": [HumanMessage(question)]}, config, stream_mode=modes, durability=durability
    )
    for mode, part in stream:
        if mode == "values":
            values = part
        elif not console.as_json:
            message, _ = cast("tuple[BaseMessage, Any]", part)
            printer.feed(message)
    turn = Turn(question, thread, values)
    if not console.as_json:
        printer.finish(turn.answer.text)
        _warn(turn, console)
    return turn


def show_sources(turn: Turn, console: Console) -> None:
    """List the sources that the answer cites."""
    cited = {citation["n"] for citation in turn.values.get("citations", [])}
    for source in turn.values.get("sources", []):
        if source["n"] in cited:
            console.say(f"  [{source['n']}] {place_of(source)}")


def _warn(turn: Turn, console: Console) -> None:
    quality = turn.values.get("quality")
    if quality is not None and not quality["accepted"]:
        asked = " ".join(turn.question.split())
        if len(asked) > _LONGEST_QUESTION:
            asked = f"{asked[:_LONGEST_QUESTION]}..."
        console.note(f"doubtful, {asked!r}: {quality['reason']}")
    told = turn.answer.response_metadata.get("switchyard") or {}
    failed = [attempt for attempt in told.get("attempts", []) if attempt["outcome"] != "success"]
    if failed:
        names = ", ".join(f"{one['deployment']} ({one['outcome']})" for one in failed)
        console.note(f"answered by {told.get('deployment')} after {names}")
