"""Paraphrases by a model: the question itself always first, and alone when the model fails."""

import pytest

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval import MultiQuery
from langchain_switchyard.testing import Fail, ScriptedChatModel


@pytest.mark.parametrize(
    ("reply", "queries"),
    [
        ("cat naps\nfeline rest", ["q", "cat naps", "feline rest"]),
        ("1. cat naps\n2) feline rest\n", ["q", "cat naps", "feline rest"]),
        ("- 违约金上限\n\n• “违约责任”\n", ["q", "违约金上限", "违约责任"]),
        ("<think>a\nb</think>cat naps", ["q", "cat naps"]),
        ("Cat naps\ncat naps\nQ\n q ", ["q", "Cat naps"]),
        ("a\nb\nc\nd\ne", ["q", "a", "b", "c"]),
        ("2024年营收\n3.11 release notes", ["q", "2024年营收", "3.11 release notes"]),
        ("ok\n" + "x" * 500, ["q", "ok"]),
    ],
)
async def test_each_line_is_a_query(reply, queries):
    """Without list marks, quotes, repetitions and essays; numbers that belong to it stay."""
    rewrite = MultiQuery(ScriptedChatModel(script=reply))
    assert rewrite.rewrite("q") == queries
    assert await rewrite.arewrite("q") == queries
    assert rewrite.rewrite("q").notes == ()


@pytest.mark.parametrize("line", [Fail(ConnectionError("down")), "", "q", "???"])
async def test_a_model_without_a_query_leaves_the_question_and_it_is_said(line, caplog):
    """Errors, silence, and repeating the question."""
    rewrite = MultiQuery(ScriptedChatModel(script=line))
    for found in (rewrite.rewrite("q"), await rewrite.arewrite("q")):
        assert found == ["q"]
        assert "multi_query" in found.notes[0]
    assert "multi_query" in caplog.text


@pytest.mark.parametrize("count", [0, -1, 11])
def test_counts_out_of_range_are_refused(count):
    """Each paraphrase is a search."""
    with pytest.raises(ConfigurationError, match="1 to 10"):
        MultiQuery(ScriptedChatModel(script="x"), count)


def test_the_count_is_told_to_the_model():
    """And its words never show in an answer's stream."""
    model = ScriptedChatModel(script="x")
    MultiQuery(model, count=7).rewrite("q")
    assert "Write 7 other queries" in model.calls[0].messages[0].text
