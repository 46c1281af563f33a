"""An imagined answer is searched for beside the question, never instead of it."""

import pytest
from langchain_core.messages import HumanMessage

from langchain_switchyard.retrieval import Hyde
from langchain_switchyard.testing import Fail, ScriptedChatModel


async def test_the_question_and_the_passage_are_searched_for():
    """On one line; the conversation is shown to the model."""
    model = ScriptedChatModel(script="违约金以损失为限，\n一般不超过30%。")
    expected = ["违约金的上限？", "违约金以损失为限， 一般不超过30%。"]
    history = [HumanMessage("说说合同法")]
    assert Hyde(model).rewrite("违约金的上限？", history) == expected
    assert await Hyde(model).arewrite("违约金的上限？", history) == expected
    assert "说说合同法" in model.calls[0].messages[-1].text


def test_an_essay_is_cut():
    """It would drown the question."""
    _, passage = Hyde(ScriptedChatModel(script="word " * 5_000)).rewrite("q")
    assert len(passage) <= 1_000


@pytest.mark.parametrize("line", [Fail(ConnectionError("down")), "", "...", "<think>x</think>"])
async def test_without_a_passage_the_plain_question_is_searched_for(line):
    """And it is said."""
    rewrite = Hyde(ScriptedChatModel(script=line))
    for found in (rewrite.rewrite("q"), await rewrite.arewrite("q")):
        assert found == ["q"]
        assert "hyde" in found.notes[0]
