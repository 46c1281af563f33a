"""Threads kept in SQLite: they survive the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from langchain_switchyard.cli.failure import BadInput
from langchain_switchyard.errors import MissingExtra

try:
    from langgraph.checkpoint.sqlite import SqliteSaver
except ModuleNotFoundError as error:
    raise MissingExtra("keeping threads", "cli") from error

FIRST = "main"
"""Name of the thread of a chat that never had one."""

_LONGEST = 200


@contextmanager
def open_threads(state: Path) -> Iterator[SqliteSaver]:
    """Open the file of threads.

    Raises:
        BadInput: It cannot be written, or is no database.
    """
    path = state / "threads.sqlite"
    with ExitStack() as stack:
        try:
            state.mkdir(parents=True, exist_ok=True)
            saver = stack.enter_context(SqliteSaver.from_conn_string(str(path)))
            saver.setup()
        except (sqlite3.DatabaseError, OSError) as error:
            raise BadInput(
                f"cannot use {path}: {error}; give --state another folder, or move the file away"
            ) from error
        # Outside the try: what fails during a talk is not the file's fault.
        yield saver


def known_threads(saver: SqliteSaver) -> list[str]:
    """Return the names of all threads, the latest first."""
    rows = saver.conn.execute(
        "SELECT thread_id FROM checkpoints GROUP BY thread_id ORDER BY max(checkpoint_id) DESC"
    )
    return [name for (name,) in rows]


def choose_thread(saver: SqliteSaver, thread: str | None, resume: str | None) -> str | None:
    """Return the thread's name, or None if none was named.

    Raises:
        BadInput: The name says nothing, or the thread to go on with does not exist.
    """
    name = resume if resume is not None else thread
    if name is None:
        return None
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise BadInput(f"{name!r} is no name for a thread: use some letters and digits")
    if resume is not None:
        known = known_threads(saver)
        if name not in known:
            some = ", ".join(known[:8]) or "none yet"
            raise BadInput(f"unknown thread {name!r}; known are: {some}. --thread {name} begins it")
    return name
