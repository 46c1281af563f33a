"""How this program was called, so that what it tells to type next works where it is typed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

NAME = "switchyard"


def command_name(
    called: str | None = None, find: Callable[[str], str | None] = shutil.which
) -> str:
    """Return what to type for this program: its name, where the shell finds it, or its path.

    Args:
        called: As what it was called; default: this process's own first argument.
        find: Finds a program as the shell does.
    """
    script = Path(sys.argv[0] if called is None else called)
    if script.stem != NAME:
        if script.parts[-2:] == ("cli", "__main__.py"):
            return f"{shlex.quote(sys.executable)} -m langchain_switchyard.cli"
        return NAME
    found = find(NAME)
    if found is not None and Path(found).resolve() == script.resolve():
        return NAME
    near = os.path.relpath(script)
    return shlex.quote(near if not near.startswith("..") else str(script.absolute()))
