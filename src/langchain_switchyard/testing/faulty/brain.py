"""What the faulty provider says when it is well: deterministic, bilingual, schema-abiding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from langchain_switchyard.testing.faulty.question import Answer, Question, Tool, ToolUse
from langchain_switchyard.testing.faulty.schema import Filler
from langchain_switchyard.testing.tokens import has_cjk

Brain: TypeAlias = Callable[[Question], Answer | str]
"""Answers a question. Runs in the server's thread: it must not block."""

_TRIGGERS = ("tool", "weather", "customer", "工具", "天气", "客户")


def think(question: Question) -> Answer:
    """Answer like an obedient model.

    Calls a tool when it must (`tool_choice`), or when the text asks for one and its result is not
    there yet; fills schemas; else says something plain in the language of the question.
    """
    tools = _wanted(question)
    if tools:
        filler = Filler(question.text)
        return Answer(
            tool_calls=[ToolUse(tool.name, filler.fill(tool.parameters)) for tool in tools]
        )
    if question.response_format and question.response_format.get("type") != "text":
        value = _structured(question.text, question.response_format)
        return Answer(json.dumps(value, ensure_ascii=False))
    return Answer(_plain(question))


def say(text: str) -> Brain:
    """Return a brain that always says the same."""
    answer = Answer(text)
    return lambda _question: answer


def _wanted(question: Question) -> list[Tool]:
    """Return the tools to call now."""
    if not question.tools or question.tool_choice == "none":
        return []
    if question.tool_choice not in {"auto", "required"}:
        return [tool for tool in question.tools if tool.name == question.tool_choice]
    text = question.text.lower()
    named = [tool for tool in question.tools if tool.name.lower() in text]
    if question.tool_choice == "auto":
        answered = question.messages[-1]["role"] == "tool"
        asked = named or any(word in text for word in _TRIGGERS)
        if answered or not asked:
            return []
    chosen = named or _related(question, text)
    return chosen if question.parallel_tool_calls else chosen[:1]


def _related(question: Question, text: str) -> list[Tool]:
    """Return the tool whose name shares a word with the text, else the first."""
    for tool in question.tools:
        if any(len(word) > 3 and word in text for word in tool.name.lower().split("_")):
            return [tool]
    return [question.tools[0]]


def _structured(text: str, response_format: Mapping[str, Any]) -> Any:
    filler = Filler(text)
    schema = response_format.get("json_schema", {}).get("schema")
    if schema is None:
        schema = {"properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}}}
    return filler.fill(schema)


def _plain(question: Question) -> str:
    """Return a sentence or two that name the question, or the tool's result."""
    topic = " ".join(question.text.split())[:60]
    chinese = has_cjk(topic)
    if question.messages[-1]["role"] == "tool":
        result = str(question.messages[-1]["content"])[:200]
        return f"工具返回的结果是：{result}" if chinese else f"The tool answered: {result}"
    if chinese:
        return f"关于“{topic}”，这是一个固定的测试回答。模型运行正常，没有访问网络。"
    return f'About "{topic}": this is a fixed rehearsal answer. The model is well and offline.'
