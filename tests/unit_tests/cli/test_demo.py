"""`switchyard demo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_switchyard.cli import demo
from langchain_switchyard.graph import build_assistant
from langchain_switchyard.providers import LocalChatModel
from langchain_switchyard.retrieval import HybridRetriever
from langchain_switchyard.testing import FaultyProvider, Overloaded

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


@pytest.fixture(scope="module")
def ask_own_documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Ask the assistant of the demo about the project's documents."""
    library = HybridRetriever.open(tmp_path_factory.mktemp("index"), create=True)
    library.sync_folder(ROOT / "docs")
    assistant = build_assistant(LocalChatModel(), retriever=library)
    yield lambda question: assistant.invoke({"messages": [("user", question)]})["messages"][-1].text
    library.close()


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("What is a tier?", "A **tier** is an order of preference."),
        ("How is a deadline different from a timeout?", "a **deadline** bounds the whole request"),
        ("什么是熔断器？", "**熔断器**（circuit breaker）让请求不再打到正在出故障的部署上"),
        ("什么是重试预算？", "防止一次故障演变成重试风暴"),
        ("Which exit code means interrupted?", "exit code: 130, means: interrupted"),
        ("默认最多尝试几次？", "`RetryPolicy.max_attempts`；默认值：4"),
        ("How many attempts are made by default?", "`RetryPolicy.max_attempts`; default: 4"),
        ("What is the default model of zhipu?", "default model: `glm-4-flash`"),
        ("How long is an idle socket kept?", "`HttpClients`: 50 s"),
        ("熔断器有哪些状态？", "熔断器有四种状态"),
    ],
)
def test_questions_about_own_documents_get_the_fact_asked_for(
    ask_own_documents: Callable[[str], str], question: str, fact: str
) -> None:
    """Those of the demo first; not a table's header, nor a line that repeats the question."""
    assert fact in ask_own_documents(question)


def test_every_question_of_the_demo_has_its_fact() -> None:
    """In the table above."""
    [facts] = [
        mark.args[1]
        for mark in test_questions_about_own_documents_get_the_fact_asked_for.pytestmark
    ]
    assert {question for question, _ in facts} >= set(demo._OWN_QUESTIONS)


def test_any_folder_will_do_and_its_headings_are_asked_about(run: Callable, docs: Path) -> None:
    """Then it says how to plug a real provider in."""
    ran = run("demo", "--docs", "docs")

    assert ran.code == 0
    assert "> What about Refunds?" in ran.out
    assert "> 熔断器是什么？" in ran.out
    assert "five working days" in ran.out
    assert "export OPENAI_API_KEY" in ran.out.splitlines()[-2]
    assert "switchyard chat --docs docs" in ran.out.splitlines()[-1]


def test_a_heading_that_is_a_question_is_asked_as_it_stands(run: Callable, docs: Path) -> None:
    """And answered by what stands under it."""
    (docs / "a.md").write_text("# Who pays the duties?\n\nThe buyer.\n", "utf-8")

    ran = run("demo", "--docs", "docs")

    assert "> Who pays the duties?\nThe buyer. [1]" in ran.out


def test_a_key_in_the_environment_makes_the_provider_answer_and_the_first_line_says_so(
    run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command, as the README promises; what it costs is said before it is spent."""
    with FaultyProvider(answer="Refunds are paid within five working days. [1]") as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("demo", "--docs", "docs")

        assert provider.attempts >= 4
    assert ran.code == 0
    assert ran.out.splitlines()[0].startswith("Asking openai, which is billed")
    assert "Refunds are paid within five working days. [1]" in ran.out
    assert "switchyard-local" not in ran.out
    assert ran.out.splitlines()[-1] == "Go on: switchyard chat --docs docs"


def test_a_provider_that_is_down_leaves_the_answers_to_the_offline_model(
    run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last tier of the demo as everywhere."""
    with FaultyProvider(default=Overloaded()) as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("demo", "--docs", "docs", "--json")

    assert {turn["model"] for turn in ran.json["turns"]} == {"switchyard-local"}


def test_offline_asks_no_provider_whatever_keys_there_are(
    run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing is spent, and nothing leaves the machine."""
    with FaultyProvider() as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("demo", "--docs", "docs", "--offline")

        assert provider.attempts == 0
    assert ran.out.splitlines()[0].startswith("No provider is asked")


def test_what_to_type_next_can_be_typed(run: Callable, docs: Path) -> None:
    """A folder with a space in its name is quoted."""
    docs.rename("文档 夹")

    ran = run("demo", "--docs", "文档 夹")

    assert "switchyard chat --docs '文档 夹'" in ran.out.splitlines()[-1]


def test_elsewhere_without_documents_it_asks_for_a_folder(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an installed package, which has none."""
    monkeypatch.setattr(demo, "_LANDMARK", "not-there.md")

    ran = run("demo")

    assert ran.code == 2
    assert "give --docs DIR" in ran.err
