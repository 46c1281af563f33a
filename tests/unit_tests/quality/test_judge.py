"""A model as judge."""

import logging

import pytest

from langchain_switchyard import ConfigurationError
from langchain_switchyard.quality import Exchange, JudgeEvaluator
from langchain_switchyard.testing import ScriptedChatModel

SOURCES = {1: "Refunds are paid within five working days."}
GREY = Exchange(
    "How long do refunds take?", "Refunds are usually paid in under one working week.", SOURCES
)
CLEAR = Exchange("How long do refunds take?", "Refunds are paid within five working days.", SOURCES)
OTHER_LANGUAGE = Exchange("退款需要多久？", "退款会在五个工作日之内支付。", SOURCES)


def test_the_judge_is_asked_only_where_overlap_cannot_decide() -> None:
    """Money is spent on doubt alone."""
    model = ScriptedChatModel(script=["PASS - fine"])

    JudgeEvaluator(model).evaluate(CLEAR)
    assert len(model.calls) == 0

    assert JudgeEvaluator(model).evaluate(GREY).evaluator == "judge"
    assert len(model.calls) == 1


def test_the_judge_reads_across_languages() -> None:
    """Where overlap measures nothing."""
    model = ScriptedChatModel(script=["FAIL - the answer says nothing of the sort"])

    verdict = JudgeEvaluator(model).evaluate(OTHER_LANGUAGE)

    assert not verdict.accepted
    assert verdict.reason == "the answer says nothing of the sort"


def test_a_judge_that_passes_does_not_pass_broken_citations() -> None:
    """They are a fact, no opinion."""
    exchange = Exchange(GREY.question, f"{GREY.answer} [8]", SOURCES)

    verdict = JudgeEvaluator(ScriptedChatModel(script=["PASS"])).evaluate(exchange)

    assert not verdict.accepted
    assert verdict.broken_citations == (8,)


@pytest.mark.parametrize("line", [ConnectionError("down"), "Well, it depends."])
def test_a_judge_that_fails_leaves_the_first_verdict(
    line: object, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so in the log; the user keeps the answer."""
    with caplog.at_level(logging.WARNING):
        verdict = JudgeEvaluator(ScriptedChatModel(script=[line])).evaluate(GREY)

    assert verdict.evaluator == "heuristic"
    assert "the judge" in caplog.text


def test_a_zone_that_is_none_is_refused() -> None:
    """Two rising figures."""
    with pytest.raises(ConfigurationError, match="zone"):
        JudgeEvaluator(ScriptedChatModel(script=["PASS"]), zone=(0.7, 0.2))
