"""`switchyard chat`, from a pipe: each line is a message."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_switchyard.providers import LocalChatModel


@pytest.fixture
def talk(run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Chat with these lines."""

    def call(*lines: str, arguments: tuple[str, ...] = ("--docs", "docs")):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return run("chat", *arguments)

    return call


def test_lines_are_answered_until_the_input_ends(talk: Callable) -> None:
    """In both languages."""
    ran = talk("When does the kitchen open?", "什么是熔断器？")

    assert ran.code == 0
    assert "The kitchen opens at noon. [1]" in ran.out
    assert "熔断器是一种保护机制" in ran.out


def test_a_later_chat_goes_on_with_the_latest_thread(talk: Callable) -> None:
    """Nothing has to be named."""
    talk("Within how many days are refunds paid?")
    ran = talk("and what about receipts?", arguments=("--docs", "docs", "--json"))

    told = json.loads(ran.out)
    assert told["thread"] == "main"
    assert told["intent"]["intent_type"] == "follow_up"
    assert "A receipt is needed above 100 euros." in told["answer"]


def test_a_new_thread_knows_nothing_of_the_old_one(talk: Callable) -> None:
    """And is the one the next chat goes on with."""
    ran = talk("Within how many days are refunds paid?", "/new", "hello", "/quit", "never read")

    assert "new thread" in ran.err
    again = talk("thanks", arguments=("--json",))
    assert json.loads(again.out)["thread"] != "main"
    assert "never read" not in ran.out


def test_sources_of_the_last_answer_are_shown_on_request(talk: Callable) -> None:
    """Not before there are any."""
    ran = talk("/sources", "Within how many days are refunds paid?", "/sources", "/what")

    assert "the last answer cites no source" in ran.err
    assert "> Shop > Refunds" in ran.out
    assert "/new begins another talk" in ran.err


def test_a_failed_answer_ends_neither_the_talk_nor_goes_unnoticed(
    talk: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is the last answer's."""

    def down(*_: object, **__: object) -> None:
        raise ConnectionError("down")

    with monkeypatch.context() as broken:
        broken.setattr(LocalChatModel, "_stream", down)
        ran = talk("When does the kitchen open?")

    assert ran.code == 1
    assert "switchyard: " in ran.err
    assert talk("When does the kitchen open?").code == 0


def test_an_interrupt_stops_the_answer_and_not_the_talk(
    talk: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next line is answered."""
    calls: list[str] = []
    stream = LocalChatModel._stream

    def interrupted_once(self, *arguments: object, **options: object):
        calls.append("asked")
        if len(calls) == 1:
            raise KeyboardInterrupt
        return stream(self, *arguments, **options)

    monkeypatch.setattr(LocalChatModel, "_stream", interrupted_once)

    ran = talk("When does the kitchen open?", "When does the kitchen open?")

    assert ran.code == 0
    assert "stopped" in ran.err
    assert ran.out.count("The kitchen opens at noon.") == 1


def test_an_empty_line_asks_nothing(talk: Callable) -> None:
    """Enter is pressed by mistake."""
    ran = talk("", "   ", arguments=())

    assert ran.code == 0
    assert ran.out == ""
