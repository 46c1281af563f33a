"""Whose fault a failed call is, and how long to wait before the next."""

import httpx
import pytest
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelRateLimitError,
)

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.retrieval.dense.retrying import Fault, Retrying, fault


class ApiStatusError(Exception):
    """As SDKs raise it: a response with a status and headers."""

    def __init__(self, status, headers=None):
        """Make the response."""
        super().__init__(f"status {status}")
        self.status_code = status
        self.response = httpx.Response(status, headers=headers)


class APIConnectionError(Exception):
    """The OpenAI SDK's own name for a line that broke."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError(), Fault.PASSING),
        (TimeoutError(), Fault.PASSING),
        (APIConnectionError(), Fault.PASSING),
        (httpx.ConnectError("refused"), Fault.PASSING),
        (httpx.ReadTimeout("silence"), Fault.PASSING),
        (ModelRateLimitError(), Fault.PASSING),
        (ModelConnectionError(), Fault.PASSING),
        *[(ApiStatusError(status), Fault.PASSING) for status in (408, 429, 500, 502, 503, 529)],
        *[(ApiStatusError(status), Fault.TEXT) for status in (400, 413, 422)],
        *[(ApiStatusError(status), Fault.MODEL) for status in (401, 402, 403, 404)],
        (ValueError("too long"), Fault.TEXT),
        (ContextOverflowError(), Fault.TEXT),
        (ModelAuthenticationError(), Fault.MODEL),
    ],
)
def test_the_error_tells_whose_fault_it_is(error, expected):
    """By LangChain's word, the status, or the kind of exception."""
    assert fault(error) is expected


def test_pauses_double_up_to_the_longest():
    """Half of each by chance, so that many clients do not come back at once."""
    retrying = Retrying(attempts=9, wait=1.0, longest=5.0, chance=lambda: 0.0)
    pauses = [retrying.pause(TimeoutError(), attempt) for attempt in range(1, 6)]
    assert pauses == [0.5, 1.0, 2.0, 2.5, 2.5]


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after": "7"}, 7.0), ({"retry-after-ms": "2500"}, 2.5)]
)
def test_a_provider_that_names_a_time_is_left_alone_for_it(headers, seconds):
    """When it is longer than our own pause."""
    retrying = Retrying(wait=0.1, chance=lambda: 1.0)
    assert retrying.pause(ApiStatusError(429, headers), 1) == seconds


def test_a_provider_that_names_an_hour_is_not_waited_for():
    """The caller should hear of it instead."""
    assert Retrying().pause(ApiStatusError(429, {"retry-after": "3600"}), 1) is None


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-3", "nan"])
def test_a_time_that_cannot_be_used_leaves_our_own_pause(header):
    """Dates and nonsense alike."""
    pause = Retrying(wait=1.0, chance=lambda: 1.0).pause(
        ApiStatusError(503, {"retry-after": header}), 1
    )
    assert pause == 1.0


def test_after_the_last_attempt_or_a_refusal_there_is_no_pause():
    """Neither more attempts nor a bad request again."""
    assert Retrying(attempts=2).pause(TimeoutError(), 2) is None
    assert Retrying(attempts=1).pause(TimeoutError(), 1) is None
    assert Retrying().pause(ApiStatusError(400), 1) is None
    assert Retrying().pause(ApiStatusError(401), 1) is None


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"wait": -1}, {"longest": 0.1}, {"longest": float("inf")}]
)
def test_impossible_retrying_is_refused(wrong):
    """At once, with the numbers."""
    with pytest.raises(ConfigurationError, match="attempts"):
        Retrying(**wrong)
