"""The frame around the commands: which one, how it fails, where its log goes.

Each command is one file with a function `run`; nothing heavy is loaded before it is known which.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

from langchain_switchyard.cli.arguments import parse
from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import DEBUG, INTERRUPTED, report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; default: the process's own.

    Returns:
        0 if it went well, 1 if it failed, 2 if what was given cannot work, 130 if interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Before parsing: a wrong argument must be reported as JSON, too.
    console = Console(as_json="--json" in given)
    _direct_logs()
    try:
        options = parse(given)
        command = importlib.import_module(f"langchain_switchyard.cli.{options.command}")
        code: int = command.run(options, console)
    except KeyboardInterrupt:
        console.note("")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        console.abandon()
        return 0
    except Exception as error:  # noqa: BLE001 - the last place: told to the user in one line.
        return report(error, console)
    return code


_TALKATIVE = ("langchain_switchyard", "pypdf")
"""Whose logs say in their words what commands say in theirs."""


def _direct_logs() -> None:
    """Keep logs from the screen: commands tell what matters in their own words."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.handlers:
            continue
        if os.environ.get(DEBUG):
            logger.setLevel(logging.DEBUG)
            logger.addHandler(logging.StreamHandler())
        else:
            logger.addHandler(logging.NullHandler())
