"""`switchyard ask`."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_switchyard.graph import place_of
from langchain_switchyard.testing import FaultyProvider, ServerError


def test_a_question_is_answered_with_the_places_of_its_sources(run: Callable, docs: Path) -> None:
    """File, line and heading, ready to open."""
    ran = run("ask", "Within how many days are refunds paid?", "--docs", "docs")

    assert ran.code == 0
    assert "Refunds are paid within five working days. [1]" in ran.out
    assert re.search(r"\[1\] docs/shop\.md:\d > Shop > Refunds", ran.out)


def test_json_output_is_one_object_with_everything(run: Callable, docs: Path) -> None:
    """For programs."""
    ran = run("ask", "什么是熔断器？", "--docs", "docs", "--json")

    assert ran.code == 0
    assert "熔断器是一种保护机制" in ran.json["answer"]
    assert ran.json["citations"][0]["source"].endswith("概念.md")
    assert "连续失败三次" in ran.json["sources"][0]["text"]
    assert ran.json["intent"]["intent_type"] == "question"
    assert ran.json["quality"]["accepted"] is True
    assert ran.json["model"] == "switchyard-local"
    assert ran.json["switchyard"]["deployment"] == "local"
    assert ran.json["thread"] is None
    assert "\\u" not in ran.out


def test_without_documents_the_model_answers_alone(run: Callable) -> None:
    """And leaves nothing on the disk."""
    ran = run("ask", "你好")

    assert ran.code == 0
    assert "你好" in ran.out
    assert not Path(".switchyard").exists()


def test_the_question_may_come_from_standard_input(
    run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For long ones."""
    monkeypatch.setattr("sys.stdin", io.StringIO("When does the kitchen open?\n"))

    assert "noon" in run("ask", "-", "--docs", "docs").out


def test_a_thread_remembers_its_topic_between_commands(run: Callable, docs: Path) -> None:
    """Each command opens the file anew."""
    run("ask", "Within how many days are refunds paid?", "--docs", "docs", "--thread", "t")
    ran = run("ask", "and what about receipts?", "--docs", "docs", "--resume", "t", "--json")

    assert ran.json["intent"]["intent_type"] == "follow_up"
    assert "A receipt is needed above 100 euros." in ran.json["answer"]
    assert ran.json["thread"] == "t"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ask", "hi", "--docs", "nowhere"], "no such folder: nowhere"),
        (["ask", "hi", "--docs", "docs/shop.md"], "give --docs the folder it is in"),
        (["ask", "hi", "--docs", "empty"], "nothing to read in empty"),
        (["ask", "hi", "--docs", "broken"], "none of the 1 files in broken can be read"),
        (["ask", "  "], "the question is empty"),
        (["ask"], "arguments are required: question"),
        (["ask", "hi", "--resume", "gone"], "unknown thread 'gone'"),
        (["ask", "hi", "--thread", "a\nb"], "is no name for a thread"),
        (["ask", "hi", "--state", "docs/shop.md", "--thread", "t"], "give --state another folder"),
        (["sing"], "invalid choice: 'sing'"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_input_is_one_line_that_says_what_to_do(
    run: Callable, docs: Path, arguments: list[str], says: str, *, as_json: bool
) -> None:
    """Exit code 2; with `--json` the line is an object on standard output."""
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/a.pdf").write_bytes(b"%PDF-1.4 this is no pdf")

    ran = run(*arguments, *(["--json"] if as_json else []))

    assert ran.code == 2
    if as_json:
        assert says in ran.json["error"]["message"]
        assert ran.json["error"]["exit_code"] == 2
    else:
        assert ran.out == ""
        assert says in ran.err.splitlines()[-1]
        assert ran.err.splitlines()[-1].startswith("switchyard: ")


def test_one_file_that_cannot_be_read_does_not_stop_the_others(run: Callable, docs: Path) -> None:
    """It is named."""
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 this is no pdf")

    ran = run("ask", "When does the kitchen open?", "--docs", "docs")

    assert ran.code == 0
    assert "not indexed: broken.pdf" in ran.err


def test_a_wrong_environment_is_named(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variable and value."""
    monkeypatch.setenv("LLM_TIMEOUT", "soon")

    ran = run("ask", "hi")

    assert ran.code == 2
    assert "LLM_TIMEOUT" in ran.err
    assert "soon" in ran.err


def test_the_provider_that_failed_and_a_doubtful_answer_are_told_beside_the_answer(
    run: Callable, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On standard error: the answer itself stays clean."""
    with FaultyProvider(
        answer="Chocolate elephants arrive every 77 Tuesdays.", faults=[ServerError(status=500)]
    ) as provider:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)

        ran = run("ask", "Within how many days are refunds paid?", "--docs", "docs")

    assert ran.code == 0
    assert ran.out.strip() == "Chocolate elephants arrive every 77 Tuesdays."
    assert "doubtful, 'Within how many days are refunds paid?': the sources do not" in ran.err


def test_a_page_of_a_pdf_is_named(run: Callable, docs: Path) -> None:
    """Lines mean nothing there."""
    source = {
        "n": 1, "id": "x", "source": "a.pdf", "heading": "", "line": 4, "page": 2,
        "text": "", "score": None,
    }  # fmt: skip

    assert place_of(source) == "a.pdf p. 2"


def test_a_state_folder_that_cannot_be_written_is_named(run: Callable, docs: Path) -> None:
    """With what to do about it."""
    ran = run("ask", "hi", "--docs", "docs", "--state", "docs/shop.md")

    assert ran.code == 2
    assert "give --state PATH" in ran.err
