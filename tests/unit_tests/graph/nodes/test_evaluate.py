"""Steering by verdicts: bounded, the best answer wins, and no answer is lost or made up."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from langchain_switchyard.graph import AssistantPolicy, build_assistant
from langchain_switchyard.quality import Exchange, Verdict
from langchain_switchyard.retrieval import HybridRetriever

QUESTION = {"messages": [("user", "How long do refunds take?")]}
GOOD = "Refunds are paid within five working days of the return. [1]"
INVENTED = "Chocolate elephants arrive every 77 Tuesdays by moon rocket."


class Rejecting:
    """Accepts nothing."""

    def __init__(self, *scores: float, remedy: str = "regenerate") -> None:
        self.scores = list(scores)
        self.remedy = remedy

    def evaluate(self, exchange: Exchange) -> Verdict:
        """Reject with the next score."""
        score = self.scores.pop(0) if self.scores else None
        return Verdict(accepted=False, reason="not good", remedy=self.remedy, score=score)


def test_an_invented_answer_is_generated_anew_with_the_reason_in_the_prompt(
    scripted: Callable, library: HybridRetriever
) -> None:
    """The rejected one leaves the thread."""
    model, inner = scripted(INVENTED, GOOD)

    result = build_assistant(model, retriever=library).invoke(QUESTION)

    assert [message.text for message in result["messages"]] == ["How long do refunds take?", GOOD]
    assert result["quality"]["accepted"]
    assert result["attempts"] == 2
    assert "rejected" not in inner.calls[0].messages[0].text
    assert "Chocolate elephants" in inner.calls[1].messages[0].text


def test_a_chinese_turn_is_told_the_reason_in_chinese(
    scripted: Callable, library: HybridRetriever
) -> None:
    """The prompt speaks the question's language throughout."""
    model, inner = scripted(
        "月球办事处每周二发送巧克力大象，共有四十七头。", "熔断器是一种保护机制。[1]"
    )

    result = build_assistant(model, retriever=library).invoke(
        {"messages": [("user", "什么是熔断器？")]}
    )

    assert result["attempts"] == 2
    assert "被否决" in inner.calls[1].messages[0].text


@pytest.mark.parametrize("regenerations", [0, 1, 3])
def test_an_evaluator_that_accepts_nothing_ends_after_the_allowed_tries(
    regenerations: int, scripted: Callable, library: HybridRetriever
) -> None:
    """No loop, whatever the evaluator says."""
    model, inner = scripted(GOOD)
    policy = AssistantPolicy(regenerations=regenerations)
    assistant = build_assistant(model, retriever=library, evaluator=Rejecting(), policy=policy)

    result = assistant.invoke(QUESTION)

    assert len(inner.calls) == regenerations + 1
    assert not result["quality"]["accepted"]
    assert result["messages"][-1].text == GOOD


def test_looking_for_other_sources_is_bounded_too(
    scripted: Callable, library: HybridRetriever
) -> None:
    """And asks for more of them."""
    model, inner = scripted(GOOD)
    policy = AssistantPolicy(sources=1)
    assistant = build_assistant(
        model, retriever=library, evaluator=Rejecting(remedy="retrieve"), policy=policy
    )

    result = assistant.invoke(QUESTION)

    assert len(inner.calls) == 2
    assert "[2]" not in inner.calls[0].messages[-1].text
    assert "[2] (source: shop.md" in inner.calls[1].messages[-1].text
    assert len(result["sources"]) == 2


def test_without_documents_other_sources_mean_another_try(scripted: Callable) -> None:
    """There is nothing to look into."""
    model, inner = scripted(GOOD)

    build_assistant(model, evaluator=Rejecting(remedy="retrieve")).invoke(QUESTION)

    assert len(inner.calls) == 2


def test_after_the_last_try_the_best_answer_stays_with_its_own_sources(
    scripted: Callable, library: HybridRetriever
) -> None:
    """Not the last one, if that was worse."""
    model, _ = scripted("better [1]", "worse [2]")
    assistant = build_assistant(model, retriever=library, evaluator=Rejecting(0.2, 0.1))

    result = assistant.invoke(QUESTION)

    assert [message.text for message in result["messages"]][1:] == ["better [1]"]
    assert [citation["n"] for citation in result["citations"]] == [1]
    assert result["quality"]["score"] == 0.2
    assert result["messages"][-1].response_metadata["switchyard"]["deployment"] == "scripted"


def test_after_the_last_try_a_better_second_answer_stays(
    scripted: Callable, library: HybridRetriever
) -> None:
    """As one would think."""
    model, _ = scripted("worse [1]", "better [2]")
    assistant = build_assistant(model, retriever=library, evaluator=Rejecting(0.1, 0.2))

    assert assistant.invoke(QUESTION)["messages"][-1].text == "better [2]"


def test_a_broken_evaluator_costs_nobody_the_answer(
    scripted: Callable, library: HybridRetriever, caplog: pytest.LogCaptureFixture
) -> None:
    """It stands, and says that it was not evaluated."""

    class Broken:
        """Raises."""

        def evaluate(self, exchange: Exchange) -> Verdict:
            raise ZeroDivisionError

    model, _ = scripted(GOOD)
    with caplog.at_level(logging.ERROR):
        result = build_assistant(model, retriever=library, evaluator=Broken()).invoke(QUESTION)

    assert result["messages"][-1].text == GOOD
    assert result["quality"]["reason"] == "not evaluated: ZeroDivisionError"
    assert "evaluator failed" in caplog.text


def test_an_empty_answer_is_asked_for_again_and_never_filled_in(
    scripted: Callable, library: HybridRetriever
) -> None:
    """After the last try it stays empty, and not accepted."""
    model, inner = scripted("")

    result = build_assistant(model, retriever=library).invoke(QUESTION)

    assert len(inner.calls) == 2
    assert result["messages"][-1].text == ""
    assert result["quality"]["reason"] == "the answer is empty"


def test_not_knowing_is_an_answer(scripted: Callable, library: HybridRetriever) -> None:
    """Nobody is pressed to invent one."""
    model, inner = scripted("The sources do not say how long refunds take.")

    result = build_assistant(model, retriever=library).invoke(QUESTION)

    assert len(inner.calls) == 1
    assert result["quality"]["abstained"]
