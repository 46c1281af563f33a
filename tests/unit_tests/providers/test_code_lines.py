"""Code told from prose."""

from __future__ import annotations

import pytest

from langchain_switchyard.providers.code_lines import Code, is_code, split_code


def test_a_fenced_block_stays_whole():
    """With its fences, as it stands."""
    parts = list(split_code("Run:\n```bash\n  make demo\n```\nDone."))
    assert parts == ["Run:", "", Code("```bash\n  make demo\n```"), "Done."]


def test_the_tail_of_a_block_is_not_taken_for_prose():
    """A passage that was cut out of the middle begins inside code."""
    tail = 'model = yard.chat()\nprint(model.invoke("什么是熔断器？"))\n```\n\nAfter it.'
    assert [part for part in split_code(tail) if part] == ["After it."]


def test_the_head_of_a_block_is_not_taken_for_prose():
    """Nor is what was cut off at its end."""
    assert [part for part in split_code("Before it.\n\n```\nx = 1\ny is that") if part] == [
        "Before it."
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from a.b import c",
        "def upload(path):",
        'assistant.invoke({"messages": [("user", "What is a tier?")]})',
        'model = yard.chat("x")',
        '$ switchyard ask "年假有几天？"',
        '{"question": "年假有几天？"}',
        "@dataclass(frozen=True)",
        "})",
    ],
)
def test_code_without_a_fence_is_known_by_its_shape(line):
    """As in source files."""
    assert is_code(line)


@pytest.mark.parametrize(
    "line",
    [
        "from here on it is open.",
        "class of errors: see below",
        "import duties are paid by the buyer.",
        "return the device within 14 days.",
        "TIMEOUT_SECONDS = 12.5",
        "（`BreakerPolicy(slow=SlowCalls(after=8))`）。",
        "(see above)",
        "$29 per month",
    ],
)
def test_prose_that_begins_like_code_stays_prose(line):
    """Rather too little is left out than too much."""
    assert not is_code(line)
