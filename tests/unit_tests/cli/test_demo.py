"""`switchyard demo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_switchyard.cli import demo

ROOT = Path(__file__).parents[3]


def test_own_documents_are_asked_in_two_languages(run: Callable) -> None:
    """With answers and sources for every question."""
    ran = run("demo", "--docs", str(ROOT / "docs"), "--json")

    assert ran.code == 0
    turns = ran.json["turns"]
    assert {turn["intent"]["language"] for turn in turns} == {"en", "zh"}
    for turn in turns:
        assert turn["citations"], turn["question"]
        assert turn["model"] == "switchyard-local"


def test_any_folder_will_do_and_its_headings_are_asked_about(run: Callable, docs: Path) -> None:
    """Then it says how to plug a real provider in."""
    ran = run("demo", "--docs", "docs")

    assert ran.code == 0
    assert "> What about Refunds?" in ran.out
    assert "> 熔断器是什么？" in ran.out
    assert "five working days" in ran.out
    assert "export OPENAI_API_KEY" in ran.out.splitlines()[-2]
    assert "switchyard chat --docs docs" in ran.out.splitlines()[-1]


def test_a_key_in_the_environment_is_not_spent_by_the_demo(
    run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `--live` asks providers."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    ran = run("demo", "--docs", "docs", "--json")

    assert {turn["model"] for turn in ran.json["turns"]} == {"switchyard-local"}
    assert {len(turn["switchyard"]["attempts"]) for turn in ran.json["turns"]} == {1}


def test_elsewhere_without_documents_it_asks_for_a_folder(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an installed package, which has none."""
    monkeypatch.setattr(demo, "_LANDMARK", "not-there.md")

    ran = run("demo")

    assert ran.code == 2
    assert "give --docs DIR" in ran.err
