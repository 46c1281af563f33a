"""Which kind of failure an exception is."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import httpx2
import openai
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from langchain_anthropic import ChatAnthropic
from langchain_core import exceptions as core
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from langgraph.errors import GraphInterrupt

from langchain_switchyard.routing.failures import Failure, Kind, Outcome
from langchain_switchyard.routing.failures.classify import (
    GENERAL,
    POOL_RETRY_AFTER,
    ErrorTable,
    classify,
)
from tests.unit_tests.providers.tiny_server import Reply, failure, serving


def kind_of(error: BaseException, table: ErrorTable = GENERAL) -> Kind:
    """The kind, at some moment."""
    return classify(error, table, wall=0.0).kind


def raised(function: Callable[[], Any]) -> Exception:
    """The exception a call ends with."""
    with pytest.raises(Exception) as caught:
        function()
    return caught.value


def models(url: str) -> dict[str, BaseChatModel]:
    """One model per SDK, asking once."""
    return {
        "openai": ChatOpenAI(model="m", api_key="k", base_url=f"{url}/v1", max_retries=0),
        "anthropic": ChatAnthropic(model="m", api_key="k", base_url=url, max_retries=0),
        "ollama": ChatOllama(model="m", base_url=url),
    }


def failure_of(sdk: str, reply: Reply) -> Failure:
    """What a real SDK raises for a reply, classified."""
    with serving(lambda _: reply) as server:
        model = models(server.url)[sdk]
        return classify(raised(lambda: model.invoke("hi")), wall=0.0)


# --- What SDKs raise for statuses ---

STATUSES = {
    400: Kind.BAD_REQUEST,
    401: Kind.AUTH,
    402: Kind.QUOTA_EXHAUSTED,
    403: Kind.AUTH,
    404: Kind.AUTH,
    408: Kind.TIMEOUT,
    409: Kind.SERVER_ERROR,
    422: Kind.BAD_REQUEST,
    425: Kind.SERVER_ERROR,
    429: Kind.RATE_LIMITED,
    500: Kind.SERVER_ERROR,
    502: Kind.SERVER_ERROR,
    503: Kind.OVERLOADED,
    504: Kind.SERVER_ERROR,
    529: Kind.OVERLOADED,
}


@pytest.mark.parametrize("sdk", ["openai", "anthropic", "ollama"])
@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_every_status_means_the_same_with_every_sdk(sdk: str, status: int, kind: Kind) -> None:
    """Some SDK errors are LangChain's, some are raw; the reader must not care."""
    reply = failure(status, message="nope")
    assert failure_of(sdk, reply).kind is kind


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_retry_after_travels_with_the_failure(sdk: str) -> None:
    """The header is the provider's own word."""
    reply = Reply(429, {"error": {"message": "slow"}}, {"retry-after": "7"})
    assert failure_of(sdk, reply).retry_after == 7


def test_a_bad_request_carries_no_delay() -> None:
    """Waiting does not make it better."""
    reply = Reply(400, {"error": {"message": "no"}}, {"retry-after": "7"})
    assert failure_of("openai", reply).retry_after is None


@pytest.mark.parametrize("sdk", ["openai", "anthropic", "ollama"])
def test_html_with_status_200_is_the_providers_fault(sdk: str) -> None:
    """A captive portal or a misrouted gateway."""
    assert failure_of(sdk, Reply(200, "<html>hello</html>")).kind is Kind.SERVER_ERROR


def test_choices_null_is_the_providers_fault_although_it_is_a_type_error() -> None:
    """LangChain raises a TypeError for it, while reading the answer."""
    reply = Reply(200, {"id": "1", "object": "chat.completion", "choices": None})
    assert failure_of("openai", reply).kind is Kind.SERVER_ERROR


@pytest.mark.parametrize("sdk", ["openai", "anthropic", "ollama"])
def test_nobody_listening_is_a_connection_failure(sdk: str) -> None:
    """Refused."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = models(f"http://127.0.0.1:{port}")[sdk]
    assert kind_of(raised(lambda: model.invoke("hi"))) is Kind.CONNECTION


def test_a_name_that_does_not_resolve_is_a_connection_failure() -> None:
    """DNS."""
    model = ChatOpenAI(model="m", api_key="k", base_url="http://nowhere.invalid/v1", max_retries=0)
    assert kind_of(raised(lambda: model.invoke("hi"))) is Kind.CONNECTION


def test_a_silent_server_is_a_timeout_not_a_connection_failure() -> None:
    """The SDK's timeout class derives from its connection class."""
    with serving(lambda _: Reply(body={}, wait=20)) as server:
        error = raised(lambda: models(server.url)["openai"].invoke("hi", timeout=0.2))
    assert kind_of(error) is Kind.TIMEOUT


def test_an_error_event_inside_a_stream_is_read_by_its_code() -> None:
    """It carries no status at all."""
    event = 'data: {"error": {"message": "x", "code": "rate_limit_exceeded", "type": "requests"}}'
    with serving(lambda _: Reply(events=[event])) as server:
        error = raised(lambda: list(models(server.url)["openai"].stream("hi")))
    assert kind_of(error) is Kind.RATE_LIMITED


# --- Codes and words ---


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "insufficient_quota"}, Kind.QUOTA_EXHAUSTED),
        (429, {"type": "insufficient_quota"}, Kind.QUOTA_EXHAUSTED),
        (429, {"message": "You exceeded your current quota"}, Kind.QUOTA_EXHAUSTED),
        (429, {"message": "exceeded your current quota, retry in 33.5s"}, Kind.RATE_LIMITED),
        (429, {"code": "rate_limit_exceeded", "type": "tokens"}, Kind.RATE_LIMITED),
        (400, {"code": "context_length_exceeded"}, Kind.CONTEXT_LENGTH),
        (400, {"message": "maximum context length is 8192 tokens"}, Kind.CONTEXT_LENGTH),
        (400, {"message": "Range of input length should be [1, 6000]"}, Kind.CONTEXT_LENGTH),
        (413, {"message": "prompt is too long"}, Kind.CONTEXT_LENGTH),
        (413, {"message": "body too big"}, Kind.BAD_REQUEST),
        (400, {"code": "content_filter"}, Kind.CONTENT_FILTERED),
        (400, {"message": "triggered Azure's content management policy"}, Kind.CONTENT_FILTERED),
        (400, {"code": "Arrearage"}, Kind.QUOTA_EXHAUSTED),
        (400, {"message": "API key not valid"}, Kind.AUTH),
        (400, {"message": "账户余额不足"}, Kind.QUOTA_EXHAUSTED),
        (403, {"message": "Insufficient Balance"}, Kind.QUOTA_EXHAUSTED),
        (404, {"code": "model_not_found"}, Kind.AUTH),
        (500, {"message": "rate limit of a neighbour"}, Kind.SERVER_ERROR),
    ],
)
def test_codes_and_words_refine_the_status(status: int, error: dict[str, str], kind: Kind) -> None:
    """Quota is told from rate limit, length and moderation from other bad requests."""
    assert failure_of("openai", failure(status, **error)).kind is kind


def test_a_providers_code_is_refined_by_its_own_words_only() -> None:
    """Elsewhere the same words mean an empty account."""
    table = ErrorTable({"insufficient_quota": Kind.RATE_LIMITED})
    reply = failure(429, code="insufficient_quota", message="You exceeded your current quota")
    with serving(lambda _: reply) as server:
        error = raised(lambda: models(server.url)["openai"].invoke("hi"))
    assert kind_of(error, table) is Kind.RATE_LIMITED
    assert kind_of(error) is Kind.QUOTA_EXHAUSTED


def test_tables_merge_like_dicts() -> None:
    """The right side wins; nothing of the left is lost."""
    left = ErrorTable({"a": Kind.AUTH, "b": Kind.AUTH}, (("x", Kind.AUTH), ("y", Kind.AUTH)))
    right = ErrorTable({"B": Kind.TIMEOUT}, (("Y", Kind.TIMEOUT),))
    both = left | right
    assert (both.code("a"), both.code("b")) == (Kind.AUTH, Kind.TIMEOUT)
    assert (both.words("x"), both.words("y")) == (Kind.AUTH, Kind.TIMEOUT)
    assert left.code("b") is Kind.AUTH


def test_a_code_answers_for_its_finer_forms() -> None:
    """`Throttling` for `Throttling.RateQuota`, unless that has an entry of its own."""
    table = ErrorTable({"Throttling": Kind.RATE_LIMITED, "Throttling.Bill": Kind.QUOTA_EXHAUSTED})
    assert table.code("throttling.ratequota") is Kind.RATE_LIMITED
    assert table.code("throttling.bill") is Kind.QUOTA_EXHAUSTED


def test_a_table_may_name_exception_classes() -> None:
    """For a chat model of one's own, whose exceptions nobody else knows."""

    class AcmeBusy(Exception):
        """Somebody's own."""

    class AcmeVeryBusy(AcmeBusy):
        """A finer one."""

    table = ErrorTable({"AcmeBusy": Kind.OVERLOADED})
    assert kind_of(AcmeVeryBusy(), table) is Kind.OVERLOADED
    assert kind_of(AcmeVeryBusy()) is Kind.CANCELLED


# --- LangChain's own classes, and transports ---


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (core.ModelRateLimitError("x"), Kind.RATE_LIMITED),
        (core.ModelTimeoutError("x"), Kind.TIMEOUT),
        (core.ModelConnectionError("x"), Kind.CONNECTION),
        (core.ModelAPIError("x"), Kind.SERVER_ERROR),
        (core.ModelAuthenticationError("x"), Kind.AUTH),
        (core.ModelPermissionDeniedError("x"), Kind.AUTH),
        (core.ModelNotFoundError("x"), Kind.AUTH),
        (core.ModelInvalidRequestError("x"), Kind.BAD_REQUEST),
        (core.ContextOverflowError("x"), Kind.CONTEXT_LENGTH),
        (core.ModelRateLimitError("insufficient balance"), Kind.QUOTA_EXHAUSTED),
        (core.ModelError("something"), Kind.UNKNOWN),
        (TimeoutError(), Kind.TIMEOUT),
        (ConnectionResetError("reset"), Kind.CONNECTION),
        (socket.gaierror("no name"), Kind.CONNECTION),
        (ssl.SSLError("bad certificate"), Kind.CONNECTION),
        (OSError(errno.ENETUNREACH, "unreachable"), Kind.CONNECTION),
        (httpx.ReadTimeout("x"), Kind.TIMEOUT),
        (httpx2.ReadTimeout("x"), Kind.TIMEOUT),
        (httpx.ConnectTimeout("x"), Kind.TIMEOUT),
        (httpx.RemoteProtocolError("cut"), Kind.CONNECTION),
        (httpx2.RemoteProtocolError("cut"), Kind.CONNECTION),
        (httpcore.ReadError("cut"), Kind.CONNECTION),
        (httpx.UnsupportedProtocol("ftp"), Kind.AUTH),
        (requests.ConnectTimeout("x"), Kind.TIMEOUT),
        (requests.ConnectionError("x"), Kind.CONNECTION),
        (requests.exceptions.ChunkedEncodingError("cut"), Kind.CONNECTION),
        (json.JSONDecodeError("x", "<html>", 0), Kind.SERVER_ERROR),
        (openai.OpenAIError("whatever"), Kind.UNKNOWN),
        (httpx.StreamClosed(), Kind.CONNECTION),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_known_classes_have_known_kinds(error: Exception, kind: Kind) -> None:
    """By class, over the whole family of each."""
    assert kind_of(error) is kind


def test_a_dict_like_response_is_read() -> None:
    """DashScope's SDK answers with one; it may even count as false."""
    error = requests.HTTPError("x")
    error.response = {"status_code": 429, "code": "Throttling", "message": "slow"}  # type: ignore[assignment]  # As the SDK does.
    assert kind_of(error) is Kind.RATE_LIMITED


def test_a_response_that_was_not_read_is_never_fetched() -> None:
    """Looking at an error must not touch the network."""

    def body() -> Any:
        pytest.fail("the body was fetched")
        yield b""

    response = httpx.Response(500, content=body(), request=httpx.Request("POST", "http://x"))
    error = httpx.HTTPStatusError("x", request=response.request, response=response)
    assert kind_of(error) is Kind.SERVER_ERROR


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_full_pool_is_not_held_against_the_provider(library: Any) -> None:
    """Our own congestion: elsewhere at once, and no breaker hears of it."""
    error = core.ModelTimeoutError("timed out")
    error.__cause__ = openai.OpenAIError("timed out")
    error.__cause__.__cause__ = library.PoolTimeout("full")
    failure = classify(error, wall=0.0)
    assert failure.kind is Kind.RATE_LIMITED
    assert failure.retry_after == POOL_RETRY_AFTER
    assert failure.verdict.outcome is Outcome.IGNORED
    assert failure.verdict.elsewhere


# --- Nobody's failure ---


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        concurrent.futures.CancelledError(),
        KeyboardInterrupt(),
        GeneratorExit(),
        SystemExit(1),
        GraphInterrupt(()),
        TypeError("x"),
        NameError("x"),
        AssertionError(),
        NotImplementedError(),
        RecursionError(),
        MemoryError(),
        ValueError("the caller's"),
        KeyError("the caller's"),
        RuntimeError("the caller's"),
        FileNotFoundError("the caller's file"),
        core.OutputParserException("the caller's parser"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_cancellation_and_callers_bugs_pass_through(error: BaseException) -> None:
    """They count against nobody."""
    failure = classify(error, wall=0.0)
    assert failure.kind is Kind.CANCELLED
    assert failure.error is error
    assert failure.verdict.outcome is Outcome.IGNORED


def test_a_type_error_from_inside_an_sdk_is_still_the_callers() -> None:
    """A wrong argument is noticed deep inside."""
    model = models("http://127.0.0.1:1")["openai"]
    error = raised(lambda: model.invoke("hi", temperture=1))
    assert isinstance(error, TypeError)
    assert kind_of(error) is Kind.CANCELLED


def test_what_an_integration_refuses_in_the_request_is_the_callers() -> None:
    """A `ValueError` inside `bind_tools` says nothing about the provider's health."""
    model = models("http://127.0.0.1:1")["openai"]
    error = raised(lambda: model.bind_tools([{"name": "t"}], tool_choice=3.5))  # type: ignore[attr-defined]  # Wrong on purpose.
    assert kind_of(error) is Kind.CANCELLED


# --- Always an answer ---


class _Broken(Exception):
    """An exception that cannot be looked at."""

    def __str__(self) -> str:
        """No words."""
        raise RuntimeError("no words")

    def __getattr__(self, name: str) -> Any:
        """No attributes."""
        raise RuntimeError(name)


def test_an_exception_that_cannot_be_looked_at_is_unknown() -> None:
    """And never an error of ours."""
    assert kind_of(_Broken()) is Kind.UNKNOWN


def test_a_broken_text_does_not_hide_the_status() -> None:
    """What can be read is read."""

    class Wordless(Exception):
        """Has a status, but no words."""

        status_code = 429

        def __str__(self) -> str:
            """No words."""
            raise ValueError("no words")

    assert kind_of(Wordless()) is Kind.RATE_LIMITED


_anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.just(object()),
    st.dictionaries(st.text(), st.text()),
    st.lists(st.integers()),
)


@given(
    st.sampled_from([Exception, core.ModelError, ValueError, OSError, httpx.HTTPError]),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("status_code", "code", "type", "body", "response", "headers", "retry_after"), _anything
        ),
    ),
    _anything,
)
def test_any_exception_object_gets_an_answer(
    cls: type[Exception], attributes: dict[str, Any], argument: Any
) -> None:
    """Whatever strangers put into their exceptions."""
    error = cls(argument)
    for name, value in attributes.items():
        setattr(error, name, value)
    failure = classify(error, wall=0.0)
    assert isinstance(failure.kind, Kind)
    assert failure.error is error


def test_reading_a_model_error_is_cheap() -> None:
    """It happens on every failed attempt; the bound leaves room for slow machines."""
    error = core.ModelRateLimitError("slow down")
    best = float("inf")
    for _ in range(20):
        began = time.process_time()
        for _ in range(200):
            classify(error, wall=0.0)
        best = min(best, (time.process_time() - began) / 200)
    assert best < 100e-6
