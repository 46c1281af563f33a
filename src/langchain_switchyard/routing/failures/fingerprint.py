"""What an exception says of itself: codes, status, words, and whose code raised it.

Everything is read by duck typing, so that no provider's SDK is imported and exceptions of openai
2 and 3, anthropic, ollama, dashscope, requests, httpx and httpx2 all read alike.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

logger = logging.getLogger(__name__)

_TEXT_LIMIT = 2_000


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CALLERS_BUGS = (
    TypeError,
    NameError,
    AssertionError,
    NotImplementedError,
    RecursionError,
    MemoryError,
    UnicodeEncodeError,  # The caller's text; a provider's own would fail to be *de*coded.
    asyncio.InvalidStateError,
)
_PASSED_THROUGH_NAMES = frozenset({"GraphBubbleUp", "CancelledError", "PydanticSerializationError"})
"""LangGraph's interrupts and commands; `concurrent.futures`' own cancellation; and a request that
could not even be written down."""

_PROVIDER_PACKAGES = _names(
    "openai anthropic ollama dashscope zhipuai mistralai cohere groq together fireworks "
    "huggingface_hub google botocore boto3 grpc litellm httpx httpx2 httpx_sse httpcore httpcore2 "
    "h11 h2 requests urllib3 aiohttp websockets websocket anyio ssl socket http urllib"
)
_NEUTRAL_PACKAGES = _names(
    "langchain_core json pydantic pydantic_core tenacity re codecs encodings typing "
    "typing_extensions contextlib functools asyncio concurrent threading importlib"
)
"""Code that works for whoever calls it: blame passes through to the next frame outward."""

_NOT_PROVIDERS = _names(
    "langchain_core langchain_switchyard langchain_classic langchain_text_splitters "
    "langchain_tests langchain_protocol langchain_chroma"
)
_BUILDS_REQUEST = _names(
    "bind_tools with_structured_output _get_request_payload _create_message_dicts _chat_params "
    "_invocation_params _convert_message_to_dict _format_messages"
)
"""Functions of integrations that shape the caller's input: what they refuse is the caller's."""

_READS_RESPONSE = _names(
    "_create_chat_result _convert_chunk_to_generation_chunk _convert_dict_to_message "
    "_convert_delta_to_message_chunk _format_output from_api_response"
)
"""Functions of integrations that read the answer: even a `TypeError` in them is a malformed body
(LangChain raises one for `choices: null`)."""

_CODE_IN_TEXT = re.compile(r"""\bcode["']?\s*[:=]\s*["']?([A-Za-z][\w.]+|\d{3,6}\b)""")
_STATUS_IN_TEXT = re.compile(r"""\b(?:status_code|status|code)["']?\s*[:=]\s*["']?([45]\d\d)\b""")


def is_passed_through(error: BaseException) -> bool:
    """Cancellation, LangGraph's control flow and plain bugs: nobody's failure."""
    if not isinstance(error, Exception):
        return True
    if isinstance(error, _CALLERS_BUGS):
        return not _failed_while_reading(error)
    return any(cls.__name__ in _PASSED_THROUGH_NAMES for cls in type(error).__mro__)


def _failed_while_reading(error: BaseException) -> bool:
    """Whether the answer's own shape broke the code that reads it."""
    module, function = next(iter(reversed(list(_frames(error.__traceback__)))), ("", ""))
    return function in _READS_RESPONSE and _is_providers(module)


def codes_of(error: BaseException) -> Iterator[str]:
    """Error codes and types, in lower case, the most specific first."""
    for value in (getattr(error, "code", None), getattr(error, "type", None)):
        if type(value) is str or type(value) is int:
            yield str(value).lower()
    yield from _codes_in(getattr(error, "body", None))
    response = getattr(error, "response", None)
    if response is None or hasattr(error, "body"):
        return
    yield from _codes_in(response if isinstance(response, Mapping) else _read_body(response))


def status_of(error: BaseException) -> int | None:
    """The HTTP status, or None. In-stream errors often carry it as their code."""
    response = getattr(error, "response", None)
    # `is not None`: a `requests.Response` with status 4xx counts as false.
    in_response = getattr(response, "status_code", None) if response is not None else None
    if in_response is None and isinstance(response, Mapping):
        in_response = response.get("status_code")
    code = getattr(error, "code", None)
    for value in (getattr(error, "status_code", None), in_response, code):
        if isinstance(value, int) and 400 <= value < 600:
            return int(value)
    return int(code) if isinstance(code, str) and re.fullmatch(r"[45]\d\d", code) else None


def text_of(error: BaseException) -> str:
    """The words of an error and of the body it carries, in lower case, bounded."""
    words = readable(error)
    response = getattr(error, "response", None)
    if response is not None and not hasattr(error, "body"):
        body = response if isinstance(response, Mapping) else _read_body(response)
        words = f"{words[:_TEXT_LIMIT]} {body}"
    return words[: 2 * _TEXT_LIMIT].lower()


def readable(error: BaseException) -> str:
    """`str(error)`, or nothing where that raises."""
    try:
        return str(error)
    except Exception:  # Foreign `__str__` may raise anything.
        logger.debug("an exception of class %s cannot be printed", type(error), exc_info=True)
        return ""


def codes_in_text(error: BaseException) -> Iterator[str]:
    """Codes in the words of an error: ChatTongyi turns a 400 into `ValueError("... code: X")`."""
    for match in _CODE_IN_TEXT.finditer(readable(error)[:_TEXT_LIMIT]):
        yield match.group(1).lower()


def status_in_text(error: BaseException) -> int | None:
    """A status in the words of an error, or None."""
    match = _STATUS_IN_TEXT.search(readable(error)[:_TEXT_LIMIT])
    return int(match.group(1)) if match else None


def comes_from_provider(error: BaseException) -> bool:
    """Whether a provider's or an HTTP client's code raised it, and not while reading the request.

    Judged by the class's own package, else by the innermost frame of the traceback that belongs to
    somebody (parsers and LangChain's core work for whoever calls them).
    """
    if _is_providers(type(error).__module__):
        return True
    names = list(_frames(error.__traceback__))
    if any(function in _BUILDS_REQUEST for _, function in names):
        return False
    for module, _ in reversed(names):
        if module.partition(".")[0] not in _NEUTRAL_PACKAGES:
            return _is_providers(module)
    return False


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Module and function of every frame, the outermost first."""
    while traceback is not None:
        frame = traceback.tb_frame
        yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_name
        traceback = traceback.tb_next


def _is_providers(module: str) -> bool:
    package = module.partition(".")[0]
    if package in _PROVIDER_PACKAGES:
        return True
    # Every other `langchain_...` package is somebody's integration.
    return package.startswith("langchain_") and package not in _NOT_PROVIDERS


def _codes_in(body: Any) -> Iterator[str]:
    if not isinstance(body, Mapping):
        return
    for holder in (body.get("error"), body, body.get("base_resp")):
        if isinstance(holder, Mapping):
            for key in ("code", "type", "status", "error_code", "status_code"):
                value = holder.get(key)
                if type(value) is str or type(value) is int:
                    yield str(value).lower()


def _read_body(response: Any) -> Any:
    """The parsed body of a response that was read already; nothing is ever fetched for it."""
    content = getattr(response, "_content", None)
    if not isinstance(content, bytes):
        return None
    try:
        return json.loads(content[: 16 * _TEXT_LIMIT])
    except ValueError:  # HTML, or cut: as text it still has words.
        return content[:_TEXT_LIMIT].decode("utf-8", "replace")
