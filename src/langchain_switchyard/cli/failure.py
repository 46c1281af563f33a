"""How commands fail: one line that says what to do, and an exit code that says whose turn it is."""

from __future__ import annotations

import logging
import os
import traceback

from langchain_switchyard.cli.console import Console
from langchain_switchyard.errors import ConfigurationError, MissingExtra, SwitchyardError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

DEBUG = "SWITCHYARD_DEBUG"
"""Environment variable: set to anything, errors come with their traceback."""

_logger = logging.getLogger(__name__)


class BadInput(SwitchyardError):
    """What the user gave cannot work; the message says why and what to do."""


def report(error: Exception, console: Console) -> int:
    """Tell an error in one line, or as JSON.

    Returns:
        The exit code.
    """
    _logger.debug("command failed", exc_info=error)
    if os.environ.get(DEBUG):
        console.note("".join(traceback.format_exception(error)))
    code = BAD_INPUT if isinstance(error, BadInput | ConfigurationError | MissingExtra) else FAILED
    name = type(error).__name__
    message = " ".join(str(error).split()) or name
    if console.as_json:
        console.emit({"error": {"type": name, "message": message, "exit_code": code}})
    else:
        # Our own errors speak for themselves; another's needs its name.
        own = isinstance(error, SwitchyardError)
        console.error(message if own else f"{name}: {message}")
    return code
