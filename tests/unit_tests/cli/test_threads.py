"""Threads in their file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from langgraph.graph import START, MessagesState, StateGraph

from langchain_switchyard.cli.failure import BadInput
from langchain_switchyard.cli.threads import choose_thread, known_threads, open_threads


def say_something(state: Path, thread: str) -> None:
    """Leave a checkpoint in a thread."""
    with open_threads(state) as saver:
        graph = StateGraph(MessagesState)
        graph.add_node("node", lambda _: {})
        graph.add_edge(START, "node")
        config = {"configurable": {"thread_id": thread}}
        graph.compile(checkpointer=saver).invoke({"messages": [("user", "hi")]}, config)


def test_the_latest_thread_comes_first(tmp_path: Path) -> None:
    """That is where a chat goes on."""
    for thread in ("a", "b", "a"):
        say_something(tmp_path, thread)

    with open_threads(tmp_path) as saver:
        assert known_threads(saver) == ["a", "b"]


def test_a_thread_to_go_on_with_must_exist_and_the_error_lists_those_that_do(
    tmp_path: Path,
) -> None:
    """A typing error must not begin a new talk."""
    say_something(tmp_path, "holiday")

    with open_threads(tmp_path) as saver:
        assert choose_thread(saver, None, "holiday") == "holiday"
        assert choose_thread(saver, "new", None) == "new"
        assert choose_thread(saver, None, None) is None
        with pytest.raises(BadInput, match="holiday"):
            choose_thread(saver, None, "holyday")


def test_a_file_that_is_no_database_is_named(run: Callable, tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "threads.sqlite").write_bytes(b"this is no database, but long enough" * 100)

    ran = run("ask", "hi", "--thread", "t", "--state", str(tmp_path))

    assert ran.code == 2
    assert "threads.sqlite" in ran.err
    assert "move the file away" in ran.err


def test_what_fails_during_a_talk_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    """A connection error is one, too, of the operating system."""
    with pytest.raises(ConnectionError), open_threads(tmp_path):
        raise ConnectionError
