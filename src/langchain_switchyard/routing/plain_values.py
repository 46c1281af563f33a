"""Plain values that people write into policies: numbers are numbers, counts are whole.

A wrong type is refused where it is written, with what to write instead, and not with a `TypeError`
in the middle of a request.
"""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any

from langchain_switchyard.errors import ConfigurationError


def number(
    where: str, value: Any, *, above: float | None = None, at_least: float | None = None
) -> float:
    """The value, if it is a finite number.

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
    plain = value if isinstance(value, int) else float(value)
    too_small = (above is not None and not plain > above) or (
        at_least is not None and not plain >= at_least
    )
    if too_small or not math.isfinite(plain):
        bound = f"above {above:g}" if above is not None else f"{at_least or 0:g} or more"
        raise ConfigurationError(f"{where} must be a finite number {bound}, got {value!r}")
    return plain


def seconds(where: str, value: Any) -> float | None:
    """A time limit: seconds above 0, or None for no limit.

    Raises:
        ConfigurationError: It is neither.
    """
    if value is None or (isinstance(value, float) and value == math.inf):
        return None
    try:
        return number(where, value, above=0)
    except ConfigurationError as wrong:
        raise ConfigurationError(f"{wrong} (seconds; None switches it off)") from None


def whole(where: str, value: Any, *, at_least: int) -> int:
    """The value as an `int`.

    Raises:
        ConfigurationError: It is no whole number, or too small.
    """
    try:
        plain = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        plain = None
    if plain is None:
        written = f": write {value}, not {value!r}" if _reads_as_number(value) else ""
        raise ConfigurationError(f"{where} must be a whole number, got {value!r}{written}")
    if plain < at_least:
        raise ConfigurationError(f"{where} must be {at_least} or more, got {plain}")
    return plain


def _reads_as_number(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
