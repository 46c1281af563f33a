"""Canonical JSON of parameters: by deny-list, with sorted keys, and never by `repr`.

Everything counts unless it is known not to change the answer; an allow-list would one day miss a
new parameter and serve a wrong answer. What has no JSON form makes the request uncacheable: the
repr of an object holds its address, which is a random miss at best and a false hit at worst.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import weakref
from collections.abc import Mapping
from typing import Any

import orjson
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, TypeAdapter

from langchain_switchyard.cache.errors import Uncacheable

INERT = frozenset(
    {
        # Transport and patience.
        "timeout",
        "request_timeout",
        "max_retries",
        "stream",
        "streaming",
        "stream_usage",
        "stream_options",
        "stream_chunk_timeout",
        "disable_streaming",
        "extra_headers",
        "default_headers",
        "http_client",
        "http_async_client",
        "client_kwargs",
        "async_client_kwargs",
        "sync_client_kwargs",
        "default_request_timeout",
        "validate_model_on_init",
        "keep_alive",
        # Credentials.
        "api_key",
        "openai_api_key",
        "anthropic_api_key",
        "dashscope_api_key",
        "azure_ad_token",
        "organization",
        "openai_organization",
        # Tracing.
        "callbacks",
        "tags",
        "metadata",
        "run_name",
        "run_id",
        "config",
        "verbose",
        "ls_structured_output_format",
        # Billing and the provider's own caches.
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "cache_control",
        "store",
        "cache",
        "rate_limiter",
        "switchyard",
    }
)
"""Parameters that do not change what a model answers."""

_SCHEMAS: weakref.WeakKeyDictionary[type, Any] = weakref.WeakKeyDictionary()
"""A class's JSON schema is slow to build; classes are few and live long."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys.

    Raises:
        Uncacheable: A part of it has no JSON form.
    """
    try:
        return orjson.dumps(value, default=_form, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        cause = error.__cause__
        raise Uncacheable(str(cause if isinstance(cause, Uncacheable) else error)) from error


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that count, with `None` meaning "not given" and `0.0` meaning `0`."""
    counting: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name in INERT:
            continue
        if type(value) is float:
            counting[name] = _number(name, value)
        elif name == "tools":
            counting[name] = [_tool(tool) for tool in value]
        else:
            counting[name] = value
    return counting


def _number(name: str, value: float) -> float | int:
    if not math.isfinite(value):
        raise Uncacheable(f"{name}={value!r} is not a number that JSON knows")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _tool(tool: Any) -> Any:
    form = tool if isinstance(tool, dict) else convert_to_openai_tool(tool)
    # Marks what a provider may remember, not what it answers.
    return {name: value for name, value in form.items() if name != "cache_control"}


def _form(value: Any) -> Any:
    """The JSON form of what orjson does not know."""
    if isinstance(value, type):
        return _schema(value)
    if isinstance(value, BaseModel) and not isinstance(value, BaseTool):
        return {"model": type(value).__name__, "fields": value.model_dump(mode="json")}
    if isinstance(value, BaseTool):
        return convert_to_openai_tool(value)
    if isinstance(value, (set, frozenset)):
        return sorted((orjson.dumps(item, default=_form).decode() for item in value), key=str)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Mapping):
        return dict(value)
    raise Uncacheable(f"a {type(value).__module__}.{type(value).__qualname__} has no JSON form")


def _schema(cls: type) -> Any:
    """A class given as a schema counts by its whole schema: two classes may share a name."""
    known = _SCHEMAS.get(cls)
    if known is None:
        if issubclass(cls, dict) and hasattr(cls, "__required_keys__"):
            # Before Python 3.12 pydantic refuses typed dicts of the standard library.
            schema: Any = convert_to_openai_tool(cls)
        elif issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls):
            schema = TypeAdapter(cls).json_schema()
        else:
            raise Uncacheable(f"the class {cls.__qualname__} has no JSON schema")
        known = {"class": cls.__name__, "schema": schema}
        _SCHEMAS[cls] = known
    return known
