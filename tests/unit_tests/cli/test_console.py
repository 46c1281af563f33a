"""Where commands write, and how far something is."""

from __future__ import annotations

import io
import json
import sys

import pytest

from langchain_switchyard.cli.console import Console


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_json_is_written_alone_on_one_line_with_its_characters() -> None:
    """Words for people are left out, Chinese is not escaped."""
    out = io.StringIO()
    console = Console(as_json=True, out=out, err=io.StringIO())

    console.say("for people")
    console.emit({"answer": "熔断器\n二"})

    assert out.getvalue() == '{"answer": "熔断器\\n二"}\n'


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never in a file."""
    screen, file = Screen(), io.StringIO()
    monkeypatch.delenv("NO_COLOR", raising=False)
    Console(out=screen, err=screen).heading("x")
    Console(out=file, err=file).heading("x")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Screen()
    Console(out=plain, err=plain).heading("x")

    assert screen.getvalue() == "\x1b[1mx\x1b[0m\n"
    assert file.getvalue() == plain.getvalue() == "x\n"


@pytest.mark.parametrize("has_rich", [True, False])
def test_progress_is_shown_on_a_terminal_with_and_without_rich(
    monkeypatch: pytest.MonkeyPatch, *, has_rich: bool
) -> None:
    """And leaves no trace when it is over."""
    if not has_rich:
        monkeypatch.setitem(sys.modules, "rich", None)
    screen = Screen()

    with Console(err=screen).progress("indexing") as advance:
        advance(1, 2, "a.md")
        advance(2, 2, "概念.md")

    assert "indexing" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[K") if not has_rich else True


@pytest.mark.parametrize("as_json", [True, False])
def test_nobody_watching_sees_no_progress(*, as_json: bool) -> None:
    """Logs and programs are spared."""
    err = Screen() if as_json else io.StringIO()

    with Console(as_json=as_json, err=err).progress("indexing") as advance:
        advance(1, 2, "a.md")

    assert err.getvalue() == ""


def test_a_terminal_that_lacks_a_character_shows_a_substitute() -> None:
    """Instead of failing in the middle of an answer."""
    raw = io.BytesIO()
    console = Console(out=io.TextIOWrapper(raw, encoding="ascii"))

    console.say("熔断器")

    assert raw.getvalue() == b"???\n"


def test_json_loses_no_character_where_the_stream_lacks_it() -> None:
    """It is escaped."""
    raw = io.BytesIO()
    console = Console(as_json=True, out=io.TextIOWrapper(raw, encoding="ascii"))

    console.emit({"answer": "熔断器"})

    assert json.loads(raw.getvalue())["answer"] == "熔断器"
