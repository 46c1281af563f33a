"""What the provider says when it is well."""

import json

import pytest

from langchain_switchyard.testing import Question, Tool, think

WEATHER = Tool("get_weather", "", {"type": "object", "properties": {"city": {"type": "string"}}})
ADD = Tool("add", "", {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}})
EMPTY = Tool("now", "", {"type": "object", "properties": {}})


def ask(text: str, **more: object) -> Question:
    """Return a question of one message."""
    return Question(model="m", messages=[{"role": "user", "content": text}], **more)


def test_the_same_question_has_the_same_answer():
    """No dice, no clock."""
    assert think(ask("What is rain?")) == think(ask("What is rain?"))
    assert think(ask("What is rain?")) != think(ask("What is snow?"))


def test_the_answer_is_in_the_language_of_the_question():
    """Chinese in, Chinese out."""
    assert "雨是什么" in think(ask("雨是什么？")).text
    assert think(ask("What is rain?")).text.isascii()


@pytest.mark.parametrize(
    ("text", "tools", "called"),
    [
        ("What is the weather?", [WEATHER, ADD], ["get_weather"]),
        ("北京天气", [ADD, WEATHER], ["add"]),
        ("please add 1 and 2", [WEATHER, ADD], ["add"]),
        ("use get_weather, then add", [WEATHER, ADD], ["get_weather", "add"]),
        ("use the tool", [EMPTY], ["now"]),
        ("hello", [WEATHER, ADD], []),
    ],
)
def test_tools_are_called_when_the_text_asks_for_one(text, tools, called):
    """By name, by a word of the name, or because a tool is asked for."""
    assert [use.name for use in think(ask(text, tools=tools)).tool_calls] == called


def test_numbers_of_the_question_become_arguments_in_order():
    """3 and 4 stay 3 and 4."""
    (call,) = think(ask("use add for 3 + 4", tools=[ADD])).tool_calls
    assert call.args == {"a": 3, "b": 4}


def test_a_tool_result_ends_the_calling():
    """The answer quotes it, in the language of the question."""
    messages = [
        {"role": "user", "content": "天气？"},
        {"role": "assistant", "content": ""},
        {"role": "tool", "content": "晴"},
    ]
    answer = think(Question(model="m", messages=messages, tools=[WEATHER]))
    assert answer.tool_calls == ()
    assert answer.text == "工具返回的结果是：晴"


def test_a_forced_tool_is_called_whatever_the_text():
    """Even after a result, as `required` says."""
    forced = ask("hello", tools=[WEATHER, ADD], tool_choice="add")
    assert [use.name for use in think(forced).tool_calls] == ["add"]
    anything = ask("hello", tools=[WEATHER, ADD], tool_choice="required")
    assert len(think(anything).tool_calls) == 1


def test_structured_answers_are_json():
    """Free objects and schemas, Chinese kept readable."""
    free = json.loads(think(ask("joke", response_format={"type": "json_object"})).text)
    assert set(free) == {"setup", "punchline"}
    schema = {"type": "object", "properties": {"名字": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    text = think(ask("客户是“你好啊集团”", response_format=form)).text
    assert text == '{"名字": "你好啊集团"}'
    assert not think(ask("hi", response_format={"type": "text"})).text.startswith("{")
