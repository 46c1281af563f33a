"""Groundedness, relevance, sufficiency and citations."""

import pytest

from langchain_switchyard.quality.signals import citations, groundedness, relevance, sufficiency

REFUNDS = (
    "Refunds are paid within five working days. "
    "A receipt is needed for every refund above 100 euros."
)
CHINESE_REFUNDS = "退款将在五个工作日内到账。超过100元的退款需要提供发票。"


def test_a_quoted_answer_is_fully_grounded() -> None:
    """Citations and list marks are nobody's words."""
    found = groundedness("1. Refunds are paid within five working days. [1]", [REFUNDS])

    assert found.score == 1.0
    assert found.unsupported == ()


def test_an_invented_answer_is_not_grounded_and_its_sentences_are_named() -> None:
    """So that the next try knows what to leave out."""
    found = groundedness("Our moon office ships chocolate elephants on Tuesdays.", [REFUNDS])

    assert found.score is not None
    assert found.score < 0.25
    assert found.unsupported == ("Our moon office ships chocolate elephants on Tuesdays.",)


def test_a_chinese_answer_is_measured_by_its_characters() -> None:
    """No segmenter is needed."""
    good = groundedness("退款将在五个工作日内到账。[1]", [CHINESE_REFUNDS])
    bad = groundedness("月球办事处每周二发送巧克力大象。", [CHINESE_REFUNDS])

    assert good.score == 1.0
    assert bad.score is not None
    assert bad.score < 0.25


def test_a_number_that_no_source_holds_is_named_and_its_sentence_unsupported() -> None:
    """The commonest harmful error."""
    found = groundedness("A receipt is needed for every refund above 250 euros.", [REFUNDS])

    assert found.foreign_numbers == ("250",)
    assert len(found.unsupported) == 1


def test_numbers_of_the_question_need_no_source() -> None:
    """An answer may repeat them."""
    found = groundedness(
        "For 250 euros a receipt is needed.", [REFUNDS], "Do I need one for 250 euros?"
    )

    assert found.foreign_numbers == ()


def test_list_marks_are_not_numbers() -> None:
    """A list of twelve steps cites nothing."""
    answer = "\n".join(f"{n}. Refunds are paid within five working days." for n in range(9, 13))

    assert groundedness(answer, [REFUNDS]).foreign_numbers == ()


@pytest.mark.parametrize(
    ("answer", "sources"),
    [
        ("Anything.", []),
        ("", [REFUNDS]),
        ("[1] ...", [REFUNDS]),
        ("退款会在五天之内支付给客户。", [REFUNDS]),
    ],
)
def test_what_cannot_be_measured_is_none_and_not_zero(answer: str, sources: list[str]) -> None:
    """No sources, no words, or sources in another language."""
    assert groundedness(answer, sources).score is None


def test_across_languages_wrong_numbers_are_still_seen() -> None:
    """Digits are the same everywhere."""
    assert groundedness("超过250欧元需要发票，退款在几天内支付。", [REFUNDS]).foreign_numbers == (
        "250",
    )


def test_relevance_is_the_share_of_what_was_asked_about() -> None:
    """In either language."""
    assert relevance("什么是人工智能？", "人工智能是计算机科学的一个分支...") == 1.0
    assert (
        relevance(
            "How long do refunds take?", "The kitchen closes at nine and opens again at noon."
        )
        == 0.0
    )


def test_relevance_is_not_measured_where_it_would_say_nothing() -> None:
    """Short answers and other languages repeat none of the question."""
    assert relevance("How long do refunds take?", "Five days.") is None
    assert (
        relevance(
            "退款需要多长时间到账？", "Refunds are paid within five working days of the claim."
        )
        is None
    )
    assert relevance("why?", "Because of the long and winding road to the door.") is None


def test_sufficiency_is_that_of_the_best_source() -> None:
    """One good source is enough."""
    assert sufficiency("refund receipt", ["The kitchen closes at nine.", REFUNDS]) == 1.0
    assert sufficiency("refund receipt", []) is None


def test_citations_are_read_in_both_notations_and_unknown_numbers_are_broken() -> None:
    """In order of first use."""
    found = citations("First [2]. Both [1, 2]. 中文【3】。 Wrong [7].", [1, 2, 3])

    assert found.cited == (2, 1, 3)
    assert found.broken == (7,)


def test_indices_in_code_are_no_citations() -> None:
    """Answers about software are full of brackets."""
    found = citations("Use `items[9]` or args[8]:\n```\nx = [7]\n```\nSee [1].", [1])

    assert found.cited == (1,)
    assert found.broken == ()
