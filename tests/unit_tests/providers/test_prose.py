"""Markdown read as whole sentences."""

from __future__ import annotations

import pytest

from langchain_switchyard.providers.prose import Line, is_wide, read_prose


def texts(text: str) -> list[str]:
    return [line.text for line in read_prose(text)]


def test_wrapped_lines_are_one_sentence():
    """A line break inside a paragraph is not the end of anything."""
    assert texts("Tier 1 is asked only when nobody\nof tier 0 can. It waits\nuntil then.") == [
        "Tier 1 is asked only when nobody of tier 0 can.",
        "It waits until then.",
    ]


def test_chinese_lines_are_joined_without_a_space():
    """And end at their own marks."""
    assert texts("熔断器让请求不再打到\n出故障的部署上。它会恢复。") == [
        "熔断器让请求不再打到出故障的部署上。",
        "它会恢复。",
    ]


def test_list_items_keep_their_wrapped_lines():
    """And stay apart from each other."""
    assert texts("* one\n  and more\n* two\n\n1. three") == ["* one and more", "* two", "1. three"]


def test_headings_are_told_and_not_said():
    """Every sentence knows the heading it stands under."""
    lines = list(read_prose("Before.\n# Top\nAfter.\n## Below\nLast."))

    assert lines == [Line("Before.", ""), Line("After.", "Top"), Line("Last.", "Below")]


def test_a_row_is_found_by_its_cells_and_its_header_tells_what_it_is_about():
    """The header itself is no line."""
    [line] = read_prose("# Codes\n| code | means |\n|---|---|\n| 130 | interrupted |")

    assert (line.text, line.words) == ("code: 130, means: interrupted", "130 interrupted")
    assert "code means" in line.context


@pytest.mark.parametrize(
    "text",
    [
        "Q: How long?\nA: Five days.",
        "**How long?**\n\nFive days.",
        "### How long?\n\nFive days.",
        "How long? Five days.",
    ],
)
def test_what_stands_after_a_question_answers_it(text):
    """In one paragraph or the next, or under it."""
    last = list(read_prose(text + "\n\nSomething else."))[-2:]

    assert ["How long?" in line.asked for line in last] == [True, False]


def test_code_is_not_prose():
    """Whatever it says: it is found by no word, and stays whole."""
    say, code, done = read_prose("Say:\n```python\nprint('x')\n```\nDone.")

    assert (say.text, done.text) == ("Say:", "Done.")
    assert (code.is_code, code.words) == (True, "")


def test_settings_stand_alone():
    """One line of a source file does not run on from the other."""
    assert texts("RETRIES = 3\nTIMEOUT = 12.5") == ["RETRIES = 3", "TIMEOUT = 12.5"]


def test_a_sentence_keeps_the_marks_around_its_end():
    """Bold and quotation marks stay closed."""
    assert texts('**Note.** He said "stop." Then all.') == [
        "**Note.**",
        'He said "stop."',
        "Then all.",
    ]


@pytest.mark.parametrize(
    ("text", "wide"),
    [("什么是熔断器？", True), ("What is 重试?", False), ("", False), ("42", False)],
)
def test_language_is_told_by_its_letters(text, wide):
    """Mixed text counts as what most of it is."""
    assert is_wide(text) is wide
