"""The graph that LangGraph Studio opens."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_switchyard import ConfigurationError
from langchain_switchyard.retrieval import HybridRetriever

ROOT = Path(__file__).parents[3]
BLOCKING = {"open", "os.listdir", "os.mkdir", "os.scandir", "sqlite3.connect", "socket.connect"}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys, no leftovers."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "TONGYI_API_KEY", "LLM_DEFAULT_PROVIDER", "SWITCHYARD_DOCS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def docs(tmp_path: Path) -> str:
    """A folder of one document."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# Refunds\nRefunds are paid within five days.\n", "utf-8")
    return str(folder)


def factory():
    """Load the graph's factory by path, as LangGraph's server does."""
    place = json.loads((ROOT / "langgraph.json").read_text("utf-8"))["graphs"]["assistant"]
    path, _, name = place.partition(":")
    spec = importlib.util.spec_from_file_location("studio_graph", ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


async def test_the_file_named_in_langgraph_json_makes_a_graph_without_a_checkpointer() -> None:
    """The server brings its own."""
    async with factory()({}) as graph:
        assert graph.checkpointer is None
        assert "retrieve" not in graph.get_graph().nodes


async def test_documents_come_from_the_environment_or_the_run(
    docs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are searched."""
    question = {"messages": [("user", "When are refunds paid?")]}

    async with factory()({"configurable": {"docs": docs}}) as by_run:
        first = await by_run.ainvoke(question)
    monkeypatch.setenv("SWITCHYARD_DOCS", docs)
    async with factory()({}) as by_environment:
        second = await by_environment.ainvoke(question)

    for result in (first, second):
        assert "five days" in result["messages"][-1].text


LISTENING = """
import asyncio, sys, threading
from tests.unit_tests.graph.test_studio import BLOCKING, factory

async def run(docs):
    make_graph, loop_thread, opened = factory(), threading.get_ident(), []

    def listen(event, arguments):
        if listening and threading.get_ident() == loop_thread and event in BLOCKING:
            opened.append(f"{event} {arguments}")

    sys.addaudithook(listen)
    for listening in (False, True):  # The first run imports what it needs.
        async with make_graph({"configurable": {"docs": docs}}) as graph:
            await graph.ainvoke({"messages": [("user", "When are refunds paid?")]})
    listening = False
    return opened

print(*asyncio.run(run(sys.argv[1])), sep="\\n", end="")
"""
"""In a process of its own: a hook stays for ever."""


def test_nothing_blocks_the_server_s_event_loop(docs: str) -> None:
    """It refuses to run what opens files or starts databases there."""
    ran = subprocess.run(  # noqa: S603 - our own script.
        [sys.executable, "-c", LISTENING, docs],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


async def test_a_run_leaves_nothing_open(docs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server makes a graph for every run."""
    closed = []

    def close(self: HybridRetriever) -> None:
        closed.append(self)

    monkeypatch.setattr(HybridRetriever, "close", close)

    async with factory()({"configurable": {"docs": docs}}):
        assert closed == []

    assert len(closed) == 1


async def test_a_folder_that_is_not_there_is_named() -> None:
    """Rather than answered from nothing."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        async with factory()({"configurable": {"docs": "nowhere"}}):
            pass
