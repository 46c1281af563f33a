"""Plain values that people write into policies: numbers are numbers, counts are whole.

A wrong type is refused where it is written, with what to write instead, and not with a `TypeError`
in the middle of a request.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, cast

from langchain_switchyard.errors import ConfigurationError


def number(
    where: str, value: Any, *, above: float | None = None, at_least: float | None = None
) -> None:
    """Refuse what is no number, or out of range; infinity is one, NaN is none.

    Args:
        where: The setting, for the message: `Timeouts.total`.
        value: What was given.
        above: It must be larger than this.
        at_least: It must not be smaller than this.

    Raises:
        ConfigurationError: It is no number (a string, a bool), or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        written = f": write {value}, not {value!r}" if _reads_as_number(value) else ""
        raise ConfigurationError(f"{where} must be a number, got {value!r}{written}")
    plain = cast("float", value)
    if plain != plain or not (above is None or plain > above):  # noqa: PLR0124 - NaN.
        raise ConfigurationError(f"{where} must be a number above {above or 0:g}, got {value!r}")
    if at_least is not None and not plain >= at_least:
        raise ConfigurationError(f"{where} must be {at_least:g} or more, got {value!r}")


def seconds(where: str, value: Any) -> None:
    """Refuse what is no time limit: seconds above 0, or None for no limit.

    Raises:
        ConfigurationError: It is neither.
    """
    if value is None:
        return
    try:
        number(where, value, above=0)
    except ConfigurationError as wrong:
        raise ConfigurationError(f"{wrong} (seconds; None switches it off)") from None


def whole(where: str, value: Any, *, at_least: int) -> None:
    """Refuse what is no whole number, or too small.

    Raises:
        ConfigurationError: It is one of these.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        written = f": write {value}, not {value!r}" if _reads_as_number(value) else ""
        raise ConfigurationError(f"{where} must be a whole number, got {value!r}{written}")
    if int(value) < at_least:
        raise ConfigurationError(f"{where} must be {at_least} or more, got {value}")


def _reads_as_number(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
