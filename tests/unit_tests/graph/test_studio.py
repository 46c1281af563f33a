"""The graph that LangGraph Studio opens."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from langchain_switchyard import ConfigurationError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys, no leftovers."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "TONGYI_API_KEY", "LLM_DEFAULT_PROVIDER", "SWITCHYARD_DOCS"):
        monkeypatch.delenv(name, raising=False)


def factory():
    """Load the graph's factory by path, as LangGraph's server does."""
    place = json.loads((ROOT / "langgraph.json").read_text("utf-8"))["graphs"]["assistant"]
    path, _, name = place.partition(":")
    spec = importlib.util.spec_from_file_location("studio_graph", ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def test_the_file_named_in_langgraph_json_makes_a_graph_without_a_checkpointer() -> None:
    """The server brings its own."""
    graph = factory()({})

    assert graph.checkpointer is None
    assert "retrieve" not in graph.get_graph().nodes


def test_documents_come_from_the_environment_or_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are searched."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(
        "# Refunds\nRefunds are paid within five days.\n", "utf-8"
    )
    question = {"messages": [("user", "When are refunds paid?")]}

    by_run = factory()({"configurable": {"docs": str(tmp_path / "docs")}})
    monkeypatch.setenv("SWITCHYARD_DOCS", str(tmp_path / "docs"))
    by_environment = factory()({})

    for graph in (by_run, by_environment):
        assert "five days" in graph.invoke(question)["messages"][-1].text


def test_a_folder_that_is_not_there_is_named() -> None:
    """Rather than answered from nothing."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        factory()({"configurable": {"docs": "nowhere"}})
