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
    lines = list(read_prose("Before.\n# Top\nAfter.\n## Below\n| a | b |\n|---|---|"))

    assert lines == [
        Line("Before.", ""),
        Line("After.", "Top"),
        Line("| a | b |", "Below", is_row=True),
    ]


def test_code_is_not_prose():
    """Whatever it says."""
    assert texts("Say:\n```python\nprint('x')\n```\nDone.") == ["Say:", "Done."]


@pytest.mark.parametrize(
    ("text", "wide"),
    [("什么是熔断器？", True), ("What is 重试?", False), ("", False), ("42", False)],
)
def test_language_is_told_by_its_letters(text, wide):
    """Mixed text counts as what most of it is."""
    assert is_wide(text) is wide
