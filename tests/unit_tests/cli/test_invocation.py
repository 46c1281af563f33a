"""What to type next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from langchain_switchyard.cli.invocation import command_name


def test_the_name_is_enough_where_the_shell_finds_this_very_program(at_home: Path) -> None:
    """As in an activated environment."""
    assert command_name("/usr/bin/switchyard", lambda _: "/usr/bin/switchyard") == "switchyard"


@pytest.mark.parametrize("found", [None, "/elsewhere/switchyard"])
def test_in_an_environment_that_is_not_activated_its_path_is_told(
    at_home: Path, found: str | None
) -> None:
    """As after `make demo`; another program of that name on the path is not meant."""
    script = str(at_home / ".venv" / "bin" / "switchyard")

    assert command_name(script, lambda _: found) == str(Path(".venv/bin/switchyard"))


def test_as_a_module_it_is_called_as_a_module(at_home: Path) -> None:
    """By the same Python."""
    called = command_name("/somewhere/langchain_switchyard/cli/__main__.py", lambda _: None)

    assert called.endswith(" -m langchain_switchyard.cli")
    assert sys.executable in called
