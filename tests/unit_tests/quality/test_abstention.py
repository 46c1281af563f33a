"""Answers that say that they do not know."""

import pytest

from langchain_switchyard.quality.abstention import abstains


@pytest.mark.parametrize(
    "answer",
    [
        "I don't know.",
        "The given sources hold no answer to this question.\n\n(Offline model.)",
        "The provided context does not directly say how long it takes.",
        "I'm sorry, but I cannot find this in the documents. They are about cooking.",
        "There is no information about refunds in the sources.",
        "所给资料中没有找到这个问题的答案。",
        "抱歉，我无法根据现有资料回答这个问题。",
        "文档中没有提到退款时间。",
    ],
)
def test_not_knowing_is_recognised(answer: str) -> None:
    """Both languages, model's own words and ours."""
    assert abstains(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Refunds are paid within five working days. [1]",
        "It retries twice. Then comes the next tier. The sources do not say how long it waits.",
        "退款将在五个工作日内到账。",
        "没有网络也可以使用。",
        "You do not have to install anything.",
        "",
    ],
)
def test_answers_are_not_taken_for_silence(answer: str) -> None:
    """A caveat further down leaves an answer an answer."""
    assert not abstains(answer)
