"""Lets a scripted model answer on its own, with the brain of the faulty provider."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_switchyard.testing.faulty.brain import think
from langchain_switchyard.testing.faulty.question import Question, tool_of
from langchain_switchyard.testing.steps import CallTool, Say, Step

_ROLES: Mapping[str, str] = MappingProxyType({"human": "user", "ai": "assistant"})


def improvise(messages: list[BaseMessage], kwargs: dict[str, Any]) -> list[Step]:
    """A line for scripts: answers any question, calls bound tools, fills schemas.

    `ScriptedChatModel(script=improvise)` is a deterministic, offline, bilingual model for demos.

    Args:
        messages: The prompt.
        kwargs: The call's keyword arguments, such as `tools` and `tool_choice`.

    Returns:
        The steps of the answer.
    """
    question = Question(
        model="improvised",
        messages=[
            {"role": _ROLES.get(message.type, message.type), "content": message.text}
            for message in messages
        ],
        tools=[tool_of(tool["function"]) for tool in kwargs.get("tools") or ()],
        tool_choice=_choice(kwargs.get("tool_choice")),
        response_format=kwargs.get("response_format"),
    )
    answer = think(question)
    calls = [CallTool(use.name, use.args) for use in answer.tool_calls]
    return [*([Say(answer.text)] if answer.text or not calls else []), *calls]


def _choice(choice: Any) -> str:
    if isinstance(choice, dict):
        return str(choice.get("function", choice).get("name", "required"))
    return {None: "auto", True: "required", "any": "required", False: "none"}.get(
        choice, str(choice)
    )
