"""Whether a request may be answered from the cache, and whether an answer may be stored.

Pure rules: each gives the word for the statistics that says why not, or None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import BaseModel, ValidationError

from langchain_switchyard.cache.policy import Admission
from langchain_switchyard.routing.cache_options import CacheOptions

_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "incomplete", "model_length"})
_FILTERED = frozenset(
    {"content_filter", "content_filtered", "safety", "sensitive", "guardrail_intervened"}
    | {"recitation", "blocklist", "prohibited_content", "refusal", "error", "failed", "cancelled"}
)
_FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason", "status")


def request_rule(
    parameters: Mapping[str, Any],
    temperature: float | None,
    options: CacheOptions,
    admission: Admission,
) -> str | None:
    """Why a request bypasses the cache altogether, or None.

    Args:
        parameters: The call's own.
        temperature: What the model is configured with, where the call says nothing.
        options: The call's wishes.
        admission: The rules.
    """
    if (parameters.get("n") or 1) != 1:
        return "several answers"
    asked = parameters.get("temperature")
    heat = temperature if asked is None else asked
    if (
        heat is not None
        and heat > admission.max_temperature
        and parameters.get("seed") is None
        and not options.any_temperature
    ):
        return "temperature"
    return None


def answer_rule(
    message: AIMessage,
    parameters: Mapping[str, Any],
    options: CacheOptions,
    admission: Admission,
) -> str | None:
    """Why an answer may not be stored, or None."""
    if reason := _ended_badly(message):
        return reason
    if message.invalid_tool_calls:
        return "invalid tool call"
    if message.tool_calls:
        allowed = admission.read_only_tools | options.read_only_tools
        if any(call["name"] not in allowed for call in message.tool_calls):
            return "tool calls"
    elif _is_empty(message):
        return "empty"
    elif not _fits_format(message, parameters.get("response_format")):
        return "invalid"
    return None


def _ended_badly(message: AIMessage) -> str | None:
    for key in _FINISH_KEYS:
        reason = message.response_metadata.get(key)
        if isinstance(reason, str):
            word = reason.lower()
            if word in _CUT:
                return "truncated"
            if word in _FILTERED:
                return "filtered"
    return "refused" if message.additional_kwargs.get("refusal") else None


def _is_empty(message: AIMessage) -> bool:
    content = message.content
    if isinstance(content, str):
        return not content.strip()
    if any(isinstance(b, dict) and b.get("type") == "refusal" for b in content):
        return True
    # Media without a word is an answer; reasoning without a word is not.
    silent = {"text", "reasoning", "thinking", "redacted_thinking"}
    has_media = any(isinstance(b, dict) and b.get("type") not in silent for b in content)
    return not has_media and not message.text.strip()


def _fits_format(message: AIMessage, wanted: Any) -> bool:
    """Whether an answer that had to be JSON is; and of the right shape, where we can tell."""
    if wanted is None or (isinstance(wanted, dict) and wanted.get("type") == "text"):
        return True
    try:
        if isinstance(wanted, type) and issubclass(wanted, BaseModel):
            wanted.model_validate_json(message.text)
            return True
        given = json.loads(message.text)
    except (ValidationError, ValueError):
        return False
    required = _required(wanted)
    return not required or (isinstance(given, dict) and required <= given.keys())


def _required(wanted: Any) -> set[str]:
    """Names that a JSON schema in OpenAI's wrapping asks for."""
    schema = wanted.get("json_schema", wanted) if isinstance(wanted, dict) else {}
    schema = schema.get("schema", schema) if isinstance(schema, dict) else {}
    required = schema.get("required", ()) if isinstance(schema, dict) else ()
    return {name for name in required if isinstance(name, str)}
