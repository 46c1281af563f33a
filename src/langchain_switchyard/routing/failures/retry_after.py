"""How long a provider asks to be left alone.

Read, in this order: an error of ours that knows it, the `retry-after-ms` and `retry-after` headers
(seconds or an HTTP date), and the few hints in error texts that providers write reliably:

* OpenAI: `Please try again in 1m30.5s`, Azure: `Please retry after 9 seconds`;
* Zhipu: `您的限额将在 2026-05-04 18:13:36 重置` / `Your limit will reset at ...`, in Beijing time.

Pure: the present is an argument.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from langchain_switchyard.routing.failures.fingerprint import readable

LONGEST = 86_400.0
"""Seconds. A *number* above it is a mistake (an epoch, milliseconds) and ignored; a *date* further
away than it (a weekly quota) is cut to it, so that the provider is asked again once a day."""

_BEIJING = timezone(timedelta(hours=8))
_TEXT_LIMIT = 2_000

_IN_TIME = re.compile(
    r"(?:try again|retry)\s+(?:in|after)\s+((?:\d+(?:\.\d+)?\s*(?:milliseconds?|seconds?|minutes?|"
    r"hours?|ms|h|m|s)\s*)+)",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|millisecond|h|m|s)", re.IGNORECASE)
_RESETS_AT = re.compile(r"(?:将在|reset at)\s*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "millisecond": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def retry_after(error: BaseException, wall: float) -> float | None:
    """Seconds to stay away from whoever raised `error`, or None if it does not say.

    Args:
        error: Any exception; broken ones are read as saying nothing.
        wall: The present, in seconds since the epoch, to read dates.

    Returns:
        Seconds above zero and at most `LONGEST`.
    """
    own = sensible(getattr(error, "retry_after", None))
    if own is not None:
        return own
    header = from_headers(getattr(getattr(error, "response", None), "headers", None), wall)
    if header is not None:
        return header
    return from_text(readable(error), wall)


def from_headers(headers: Any, wall: float) -> float | None:
    """What `retry-after-ms` or `retry-after` say, in seconds; any mapping with `get` will do."""
    get: Callable[[str], Any] | None = getattr(headers, "get", None)
    if get is None:
        return None
    milliseconds = sensible(get("retry-after-ms"), unit=0.001)
    if milliseconds is not None:
        return milliseconds
    # A plain dict does not fold case, and some wrappers hand out one.
    value = get("retry-after") or get("Retry-After")
    if value is None:
        return None
    seconds = sensible(value)
    return seconds if seconds is not None else _until_http_date(str(value), wall)


def from_text(text: str, wall: float) -> float | None:
    """What the words of an error say, in seconds."""
    text = text[:_TEXT_LIMIT]
    hint = _IN_TIME.search(text)
    if hint is not None:
        parts = _PART.findall(hint.group(1))
        return sensible(sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts))
    date = _RESETS_AT.search(text)
    if date is None:
        return None
    try:
        moment = datetime.strptime(date.group(1), "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
    except ValueError:  # Digits in the right places, but no date: it says nothing.
        return None
    return _until(moment, wall)


def sensible(value: Any, unit: float = 1.0) -> float | None:
    """A number of seconds that can be meant: finite, above zero, at most `LONGEST`."""
    if value is None or isinstance(value, bool):
        return None
    try:
        seconds = float(value) * unit
    except (TypeError, ValueError, OverflowError):  # Not a number: perhaps a date, else nothing.
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds <= LONGEST else None


def _until_http_date(value: str, wall: float) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):  # Not a date either: it says nothing.
        return None
    return _until(moment if moment.tzinfo else moment.replace(tzinfo=UTC), wall)


def _until(moment: datetime, wall: float) -> float | None:
    seconds = moment.timestamp() - wall
    return min(seconds, LONGEST) if seconds > 0 else None
