"""When a document is from, in the forms that metadata has it."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

# 2023/05/01, 2023.5.1, 2023年5月1日, also before a time or a weekday.
_WRITTEN = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")
# Seconds since 1970 stay below this until the year 5138; milliseconds passed it in 1973.
_SECONDS = 1e11
_FINER = 1_000.0


def moment(value: Any) -> dt.datetime | None:
    """Return a date or time with its time zone (UTC if it names none); ``None`` if it is neither.

    Args:
        value: A date, a time, ISO text, ``2023/05/01``, ``2023年5月1日``, or seconds, milliseconds,
            micro- or nanoseconds since 1970.
    """
    if isinstance(value, str):
        value = _read(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_1970(float(value))
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if not isinstance(value, dt.datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _read(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        found = _WRITTEN.match(text)
    try:
        if found is None:
            return None
        year, month, day = map(int, found.groups())
        return dt.datetime(year, month, day, tzinfo=dt.UTC)
    except ValueError:  # The 31st of April.
        return None


def _since_1970(number: float) -> dt.datetime | None:
    if not math.isfinite(number):
        return None
    while abs(number) >= _SECONDS:
        if abs(number) >= _SECONDS * _FINER**3:
            return None  # No clock counts finer than nanoseconds.
        number /= _FINER
    try:
        return dt.datetime.fromtimestamp(number, dt.UTC)
    except (OverflowError, OSError, ValueError):
        return None
