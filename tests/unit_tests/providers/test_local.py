"""The offline model: quotes, admits, never invents."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_switchyard.errors import ConfigurationError, NoCapableDeployment
from langchain_switchyard.providers.extract import best_quotes
from langchain_switchyard.providers.local import MODEL_NAME, LocalChatModel, estimate_tokens, local
from langchain_switchyard.routing.inner.native_timeout import native_timeout
from langchain_switchyard.sources import Source, format_sources

SOURCES = [
    Source(
        1,
        "docs/refunds.md > Refund policy",
        "# Refund policy\nRefunds take five business days. They go to the original card.\n"
        'To ask for a refund:\n- Open the order page.\n- Press "Return".\n- Print the label.\n'
        "Shipping costs are not refunded.",
    ),
    Source(
        2,
        "docs/breaker.md > Circuit breaker",
        "A circuit breaker is a switch that stops calls to a failing service. "
        "It opens when half of the last 20 calls failed. "
        "After 30 seconds it lets one probe through.",
    ),
    Source(
        3,
        "手册.md > 熔断器",
        "熔断器是一种保护机制，用于在下游服务故障时停止调用。当最近20次调用中有一半失败时，熔断器会打开。"
        "30秒后进入半开状态，放行一个探测请求。退款需要五个工作日。支持的支付方式有：支付宝、微信和银行卡。",
    ),
]


def ask(question: str, *more: BaseMessage, **kwargs: Any) -> AIMessage:
    """One question with all sources in the system message."""
    prompt = [("system", f"Answer.\n{format_sources(SOURCES)}"), *more, HumanMessage(question)]
    return LocalChatModel().invoke(prompt, **kwargs)


@pytest.mark.parametrize(
    ("question", "answer", "citation"),
    [
        ("How long do refunds take?", "five business days", "[1]"),
        ("Are shipping costs refunded?", "Shipping costs are not refunded.", "[1]"),
        ("What is a circuit breaker?", "A circuit breaker is a switch", "[2]"),
        ("When does the breaker open?", "half of the last 20 calls failed", "[2]"),
        ("How long until the probe?", "After 30 seconds", "[2]"),
        ("什么是熔断器？", "熔断器是一种保护机制", "[3]"),
        ("熔断器什么时候打开？", "有一半失败时", "[3]"),
        ("退款要多久？", "五个工作日", "[3]"),
        ("支持哪些支付方式？", "支付宝、微信和银行卡", "[3]"),
    ],
)
def test_the_answering_sentence_is_quoted_with_its_number(
    question: str, answer: str, citation: str
) -> None:
    """In English and Chinese."""
    text = ask(question).text
    assert answer in text
    assert citation in text


@pytest.mark.parametrize(
    "question",
    ["Who is the president of France?", "公司的CEO是谁？", "Does it run on Windows?", "股价是多少"],
)
def test_sources_without_an_answer_are_said_to_have_none(question: str) -> None:
    """Better than the nearest sentence."""
    text = ask(question).text
    assert "hold no answer" in text or "没有找到" in text
    assert not re.search(r"\[\d\]", text)


def test_a_sentence_that_announces_a_list_brings_the_list() -> None:
    """Half an instruction is none."""
    text = ask("How do I ask for a refund?").text
    assert [step in text for step in ("Open the order page", "Return", "Print the label")] == [
        True
    ] * 3


POLICY = """\
# 差旅报销

| 项目 | 上限 | 说明 |
|---|---|---|
| 住宿 | 450 元 | 每晚 |
| 餐补 | 120 元 | 每天 |

**发票丢了怎么办？**

请联系开票单位补开。
"""
CODES = """\
```python
assistant.invoke({"messages": [("user", "Which exit code means interrupted?")]})
```

| exit code | means |
|---|---|
| 0 | it went well |
| 130 | interrupted |

Q: Can it be undone?
A: No. Keep a copy.

Then begin. To install it, run:

```bash
pip install tool
```
"""


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("Which exit code means interrupted?", CODES, "exit code: 130, means: interrupted [1]"),
        ("What does exit code 0 mean?", CODES, "exit code: 0, means: it went well [1]"),
        ("Can it be undone?", CODES, "A: No. [1] Keep a copy. [1]"),
        (
            "How do I install it?",
            CODES,
            "To install it, run: [1]\n```bash\npip install tool\n```\n[1]",
        ),
        ("住宿报销上限是多少", POLICY, "项目：住宿，上限：450 元，说明：每晚[1]"),
        ("餐补每天多少钱？", POLICY, "项目：餐补，上限：120 元，说明：每天[1]"),
        ("发票丢了怎么办？", POLICY, "请联系开票单位补开。[1]"),
    ],
)
def test_tables_code_and_answered_questions_are_read_as_meant(
    question: str, text: str, answer: str
) -> None:
    """A row with its header; the answer instead of the question; what a colon announces."""
    prompt = [("system", format_sources([Source(1, "x.md", text)])), ("human", question)]
    assert LocalChatModel().invoke(prompt).text.rsplit("\n\n", 1)[0] == answer


@pytest.mark.parametrize("question", ["Which exit code means interrupted?", "什么是熔断器？"])
def test_neither_a_header_nor_the_question_itself_is_an_answer(question: str) -> None:
    """In code, in prose or above a table."""
    text = f"{question}\n\n```\nask({question!r})\n```\n\n| exit code | 熔断器 |\n|---|---|\n"
    assert best_quotes(question, [Source(1, "x.md", text)]) == []


def test_a_definition_wins_over_a_table_that_names_the_word() -> None:
    """Column names tell nothing of their meaning."""
    text = (
        "| 种类 | 熔断器 |\n|---|---|\n| `auth` | failure |\n\n"
        "**熔断器**让请求不再打到正在出故障的部署上。"
    )
    [quote] = best_quotes("什么是熔断器？", [Source(1, "x.md", text)])
    assert quote.text.startswith("**熔断器**让请求")


def test_it_says_who_speaks_in_text_and_metadata() -> None:
    """Nobody may take it for a language model."""
    answer = ask("How long do refunds take?")
    assert MODEL_NAME in answer.text.splitlines()[-1]
    assert answer.response_metadata["model_name"] == MODEL_NAME
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > answer.usage_metadata["output_tokens"] > 0


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("hello", "offline"),
        ("你好！", "离线"),
        ("Thank you so much!", "welcome"),
        ("谢谢", "不客气"),
        ("Who are you?", MODEL_NAME),
        ("你是谁？", MODEL_NAME),
        ("What is love?", "cannot answer this"),
        ("今天天气如何", "无法回答"),
    ],
)
def test_without_sources_it_has_a_few_honest_words(words: str, part: str) -> None:
    """In the language of the question."""
    assert part in LocalChatModel().invoke(words).text


def test_sources_may_come_with_the_question() -> None:
    """The question is what is left without them."""
    prompt = f"{format_sources(SOURCES)}\n\nQuestion: Are shipping costs refunded?"
    assert "not refunded. [1]" in LocalChatModel().invoke(prompt).text


def test_the_latest_sources_count() -> None:
    """Older ones belong to older questions."""
    old = ("human", format_sources([Source(1, "old.md", "Refunds take ninety days.")]))
    new = ("human", format_sources([Source(1, "new.md", "Refunds take two days.")]))
    text = LocalChatModel().invoke([old, new, ("human", "How long do refunds take?")]).text
    assert "two days" in text
    assert "ninety" not in text


def test_a_bare_follow_up_leans_on_the_question_before() -> None:
    """It says too little by itself."""
    quotes = best_quotes("And how long?", SOURCES, before="Tell me about refunds.")
    assert any("five business days" in one.text for one in quotes)


def test_quotes_stand_in_the_order_of_the_sources() -> None:
    """And are at most a few."""
    quotes = best_quotes("Tell me about refund, breaker, probe and 熔断器", SOURCES)
    numbers = [one.number for one in quotes]
    assert numbers == sorted(numbers)
    assert 1 <= len(quotes) <= 8


@given(st.text(), st.lists(st.text(), max_size=3))
def test_every_quote_is_literally_in_its_source(question: str, texts: list[str]) -> None:
    """Nothing is invented, whatever the input; only line breaks are not kept."""
    sources = [Source(number, "x", text) for number, text in enumerate(texts, 1)]
    for one in best_quotes(question, sources):
        assert "".join(one.text.split()) in "".join(texts[one.number - 1].split())


@given(st.text())
def test_any_question_gets_a_text(question: str) -> None:
    """It is the last tier: it must not fail."""
    assert ask(question).text


async def test_streams_sum_up_to_the_answer_sync_and_async() -> None:
    """Several chunks; the last one carries finish reason and usage."""
    prompt = [("system", format_sources(SOURCES)), ("human", "退款要多久？")]
    whole = LocalChatModel().invoke(prompt)
    sync = list(LocalChatModel().stream(prompt))
    asynchronous = [chunk async for chunk in LocalChatModel().astream(prompt)]
    for chunks in (sync, asynchronous):
        total: AIMessageChunk = chunks[0]
        for chunk in chunks[1:]:
            total += chunk
        assert len(chunks) > 10
        assert total.text == whole.text
        assert total.usage_metadata == whole.usage_metadata
        assert chunks[-1].response_metadata["finish_reason"] == "stop"
    assert (await LocalChatModel().ainvoke(prompt)).text == whole.text


def test_a_stop_mark_is_obeyed() -> None:
    """As every model does."""
    assert ask("Are shipping costs refunded?", stop=["costs"]).text == "Shipping "


# --- What it refuses ---


@tool
def weather(city: str) -> str:
    """The weather."""
    return city


def test_tools_are_accepted_but_never_called() -> None:
    """An agent gets a plain answer."""
    model = LocalChatModel().bind_tools([weather])
    answer = model.invoke([("system", format_sources(SOURCES)), ("human", "weather in Paris?")])
    assert answer.tool_calls == []


@pytest.mark.parametrize("choice", ["required", "any", "weather", True, {"type": "function"}])
def test_a_demanded_tool_call_is_refused(choice: Any) -> None:
    """Both when bound and when given with the call."""
    with pytest.raises(NoCapableDeployment, match="never calls tools"):
        LocalChatModel().bind_tools([weather], tool_choice=choice)
    with pytest.raises(NoCapableDeployment, match="never calls tools"):
        LocalChatModel().invoke("hi", tool_choice=choice)


def test_structured_output_is_refused() -> None:
    """Invented values would be worse than none."""

    class Answer(BaseModel):
        """A schema."""

        text: str

    with pytest.raises(NoCapableDeployment, match="structured output"):
        LocalChatModel().with_structured_output(Answer)
    with pytest.raises(NoCapableDeployment, match="structured output"):
        LocalChatModel().invoke("hi", response_format={"type": "json_object"})


def test_its_profile_admits_what_it_cannot_do() -> None:
    """Routers filter by it."""
    profile = LocalChatModel().profile
    assert profile is not None
    assert not profile["tool_calling"]
    assert not profile["structured_output"]
    deployment = local(tier=9)
    assert (deployment.tier, deployment.provider) == (9, "local")
    assert not deployment.can("tools")


def test_it_keeps_timeouts_and_has_one_model() -> None:
    """A timeout given with a call is no unexpected keyword."""
    keep = native_timeout(LocalChatModel())
    assert keep is not None
    assert LocalChatModel().invoke("hello", **keep(1.0, 2.0)).text
    with pytest.raises(ConfigurationError, match="one model"):
        local("gpt-5")


def test_chinese_is_not_undercounted() -> None:
    """Four letters make a token, one Chinese character does too."""
    assert estimate_tokens("熔断器") == 3
    assert estimate_tokens("breakers") == 2
    assert estimate_tokens("") == 0
