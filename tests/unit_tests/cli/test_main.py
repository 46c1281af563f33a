"""The frame around the commands: help, errors, exit codes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_switchyard import AllDeploymentsFailed
from langchain_switchyard.cli import ask, main
from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import report


def test_a_failure_of_ours_speaks_for_itself_and_another_is_named() -> None:
    """One line each, exit code 1."""
    err = io.StringIO()
    console = Console(err=err)

    assert report(AllDeploymentsFailed("nobody answered\n  1. a: down"), console) == 1
    assert report(ZeroDivisionError("by zero"), console) == 1

    assert err.getvalue().splitlines() == [
        "switchyard: nobody answered 1. a: down",
        "switchyard: ZeroDivisionError: by zero",
    ]


def test_a_traceback_is_shown_on_demand_only(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever reports a bug."""
    quiet = run("ask", "hi", "--docs", "nowhere")
    monkeypatch.setenv("SWITCHYARD_DEBUG", "1")
    loud = run("ask", "hi", "--docs", "nowhere")

    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err


def test_an_interrupt_ends_a_command_without_a_traceback(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the code that shells expect."""

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ask, "run", interrupted)

    assert run("ask", "hi").code == 130


@pytest.mark.parametrize("command", [[], ["ask"], ["chat"], ["index"], ["check"], ["demo"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And help is no error."""
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])

    assert ended.value.code == 0
    assert "usage: switchyard" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    """No graph, no numpy, no provider's SDK, no rich."""
    code = (
        "import sys\n"
        "from langchain_switchyard.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'langgraph', 'numpy', 'openai', 'rich', 'sqlite3'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ourselves.

    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_error() -> None:
    """As in `switchyard ask ... | head -0`."""
    read, write = os.pipe()
    os.close(read)

    ran = subprocess.run(
        [sys.executable, "-m", "langchain_switchyard.cli", "ask", "hi"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)

    assert ran.returncode == 0
    assert ran.stderr == ""


def test_a_pdf_that_cannot_be_read_is_named_in_one_line(at_home: Path) -> None:
    """What the library that reads it logs besides stays in the log."""
    folder = at_home / "papers"
    folder.mkdir()
    (folder / "good.txt").write_text("Refunds take five days.\n", "utf-8")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4\nnot really\n%%EOF\n")
    command = [sys.executable, "-m", "langchain_switchyard.cli", "ask", "How long do refunds take?"]

    command += ["--docs", "papers"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves.

    [line] = ran.stderr.splitlines()
    assert "bad.pdf" in line
