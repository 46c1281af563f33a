"""Verdicts of the heuristic evaluator, and its gate."""

import pytest

from langchain_switchyard import ConfigurationError
from langchain_switchyard.quality import Exchange, Gate, HeuristicEvaluator

SOURCES = {
    1: "Refunds are paid within five working days.",
    2: "A receipt is needed for every refund above 100 euros.",
}
QUESTION = "How long do refunds take?"


def test_a_grounded_answer_is_accepted() -> None:
    """The ordinary case."""
    verdict = HeuristicEvaluator().evaluate(
        Exchange(QUESTION, "Refunds are paid within five working days. [1]", SOURCES)
    )

    assert verdict.accepted
    assert verdict.groundedness == 1.0
    assert verdict.reason == ""
    assert verdict.remedy == "none"


def test_an_invention_is_refused_with_the_sentence_in_the_reason() -> None:
    """The model must be told what to leave out."""
    answer = "Chocolate elephants arrive every 77 Tuesdays by moon rocket."

    verdict = HeuristicEvaluator().evaluate(Exchange("When do refunds arrive?", answer, SOURCES))

    assert not verdict.accepted
    assert "Chocolate elephants" in verdict.reason
    assert "77" in verdict.reason


def test_missing_sources_are_looked_for_before_the_model_is_asked_again() -> None:
    """The same sources would lead to the same invention."""
    answer = "The kitchen opens at noon and serves soup with bread."

    verdict = HeuristicEvaluator().evaluate(
        Exchange("When does the kitchen open?", answer, SOURCES)
    )

    assert not verdict.accepted
    assert verdict.remedy == "retrieve"


def test_a_citation_of_nothing_is_refused() -> None:
    """It looks like evidence and is none."""
    verdict = HeuristicEvaluator().evaluate(
        Exchange(QUESTION, "Refunds are paid within five working days. [9]", SOURCES)
    )

    assert not verdict.accepted
    assert verdict.broken_citations == (9,)
    assert "[9]" in verdict.reason


def test_without_sources_brackets_are_not_judged() -> None:
    """Then they cite nothing."""
    assert (
        HeuristicEvaluator().evaluate(Exchange(QUESTION, "As [9] shows, five days.", {})).accepted
    )


def test_not_knowing_is_accepted_and_has_no_score() -> None:
    """Honesty is not a failure, and not measured as an answer."""
    verdict = HeuristicEvaluator().evaluate(Exchange(QUESTION, "I don't know.", SOURCES))

    assert verdict.accepted
    assert verdict.abstained
    assert verdict.score is None


def test_an_empty_answer_is_never_accepted() -> None:
    """Whatever the gate."""
    verdict = HeuristicEvaluator(Gate(0, 0, 0)).evaluate(Exchange(QUESTION, " \n", {}))

    assert not verdict.accepted
    assert verdict.reason == "the answer is empty"


def test_an_answer_in_another_language_than_its_sources_is_not_punished() -> None:
    """Overlap cannot see across languages."""
    verdict = HeuristicEvaluator().evaluate(
        Exchange("退款需要多久？", "退款会在五个工作日之内支付。[1]", SOURCES)
    )

    assert verdict.accepted
    assert verdict.groundedness is None


def test_a_stricter_gate_refuses_more() -> None:
    """Thresholds are the user's to calibrate."""
    exchange = Exchange(
        QUESTION, "Usually refunds are paid rather soon, within some days.", SOURCES
    )

    assert HeuristicEvaluator(Gate(groundedness=0.2)).evaluate(exchange).accepted
    assert not HeuristicEvaluator(Gate(groundedness=0.9)).evaluate(exchange).accepted


def test_an_irrelevant_answer_is_refused_only_where_the_user_asks_for_it() -> None:
    """The signal is too weak to decide by default."""
    exchange = Exchange(QUESTION, "Chocolate is made of roasted cocoa beans and some sugar.", {})

    assert HeuristicEvaluator().evaluate(exchange).accepted
    assert not HeuristicEvaluator(Gate(relevance=0.1)).evaluate(exchange).accepted


def test_thresholds_out_of_range_are_refused() -> None:
    """And the message names the field."""
    with pytest.raises(ConfigurationError, match="groundedness"):
        Gate(groundedness=1.2)
