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
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
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

_FLAT = frozenset({str, int, bool})

_SCHEMAS: weakref.WeakKeyDictionary[type, Any] = weakref.WeakKeyDictionary()
"""A class's JSON schema is slow to build; classes are few and live long."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys. Not for floats that JSON does not know: see `refuse_unknown_numbers`.

    Raises:
        Uncacheable: A part of it has no JSON form.
    """
    try:
        return orjson.dumps(value, default=_form, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError):
        return _with_any_keys(value)


def _with_any_keys(value: Any) -> bytes:
    """As `canonical`, with keys such as those of `logit_bias={50256: -100}`; twice as slow."""
    try:
        option = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
        return orjson.dumps(value, default=_form, option=option)
    except (TypeError, ValueError, RecursionError) as error:
        cause = error.__cause__
        raise Uncacheable(str(cause if isinstance(cause, Uncacheable) else error)) from error


def refuse_unknown_numbers(name: str, value: Any) -> None:
    """Let no NaN or infinity through, however deep: as JSON each would be `null`.

    Raises:
        Uncacheable: There is one, or the value holds itself.
    """
    try:
        for number in _floats(value):
            _number(name, number)
    except RecursionError as error:
        raise Uncacheable(f"{name} holds itself") from error


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _floats(pair)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _floats(inner)
    elif isinstance(value, BaseModel) and not isinstance(value, BaseTool):
        yield from _floats(dict(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from _floats(getattr(value, one.name))


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
            if type(value) not in _FLAT:
                refuse_unknown_numbers(name, value)
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
    if isinstance(value, BaseTool):
        return convert_to_openai_tool(value)
    return _form_of_data(value)


def _form_of_data(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {"model": type(value).__name__, "fields": value.model_dump(mode="json")}
    if isinstance(value, (set, frozenset)):
        return sorted((orjson.dumps(item, default=_form).decode() for item in value), key=str)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (Decimal, PurePath)):
        return {type(value).__name__: str(value)}
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
