"""How long providers ask to be left alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from langchain_switchyard.routing.failures.retry_after import LONGEST, retry_after

NOW = datetime(2026, 5, 4, 10, 0, 0, tzinfo=UTC)
WALL = NOW.timestamp()


class ProviderError(Exception):
    """An SDK's error with a response."""

    def __init__(self, headers: Any = None, message: str = "") -> None:
        """Keep the headers where SDKs keep them."""
        super().__init__(message)
        self.response = SimpleNamespace(headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        httpx.Headers({"Retry-After": "7"}),
        requests.structures.CaseInsensitiveDict({"RETRY-AFTER": "7"}),
        {"retry-after": "7"},
        {"Retry-After": 7},
    ],
)
def test_seconds_are_read_from_every_kind_of_header_mapping(headers: Any) -> None:
    """Whatever client the SDK uses."""
    assert retry_after(ProviderError(headers), WALL) == 7


def test_milliseconds_win_over_whole_seconds() -> None:
    """OpenAI sends both; the finer one is meant."""
    headers = {"retry-after-ms": "350", "retry-after": "1"}
    assert retry_after(ProviderError(headers), WALL) == pytest.approx(0.35)


def test_a_date_is_read_against_the_given_present() -> None:
    """RFC 9110 allows both forms."""
    date = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    assert retry_after(ProviderError({"retry-after": date}), WALL) == 90


@pytest.mark.parametrize(
    "value",
    ["0", "-3", "nan", "inf", "1700000000", "soon", "", "9" * 400, "Mon, 99 Foo 2026", None],
)
def test_values_that_cannot_be_meant_say_nothing(value: str | None) -> None:
    """An epoch taken for seconds would silence a deployment for decades."""
    assert retry_after(ProviderError({"retry-after": value}), WALL) is None


def test_a_date_in_the_past_says_nothing() -> None:
    """Clocks differ."""
    date = format_datetime(NOW - timedelta(seconds=5), usegmt=True)
    assert retry_after(ProviderError({"retry-after": date}), WALL) is None


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Rate limit reached for gpt. Please try again in 1.37s.", 1.37),
        ("Please try again in 20ms. Visit ...", 0.02),
        ("Please try again in 1m30s", 90),
        ("Please try again in 6m0s.", 360),
        ("Please retry after 9 seconds.", 9),
        ("Please retry in 33.5s.", 33.5),
        ("Please retry after 2 minutes", 120),
        ("您的限额将在 2026-05-04 18:00:30 重置", 30),
        ("Your limit will reset at 2026-05-04 18:01:00", 60),
        ("您的限额将在 2026-06-04 18:00:30 重置", LONGEST),
        ("try again in 99 days", None),
        ("您的限额将在 2026-99-99 18:00:30 重置", None),
        ("try again later", None),
    ],
)
def test_words_are_read_where_providers_write_them_reliably(
    words: str, seconds: float | None
) -> None:
    """OpenAI, Azure, Gemini; Zhipu's dates are in Beijing time."""
    found = retry_after(ProviderError(message=words), WALL)
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_an_error_of_ours_that_knows_the_time_is_believed() -> None:
    """A router behind a router."""
    error = Exception("busy")
    error.retry_after = 4.0  # type: ignore[attr-defined]  # As NoDeploymentReady has it.
    assert retry_after(error, WALL) == 4


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.binary()))
def test_any_header_gives_sensible_seconds_or_nothing(value: Any) -> None:
    """Headers come from outside."""
    found = retry_after(ProviderError({"retry-after": value}), WALL)
    assert found is None or (0 < found <= LONGEST and math.isfinite(found))
