"""A call of an embedding model failed: try again, look for the text to blame, or give up.

Read from the error alone, so that no provider's SDK is needed: LangChain's ``is_retryable``, an
HTTP status, or the kind of exception.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelError,
    ModelInvalidRequestError,
)

from langchain_switchyard.errors import ConfigurationError

_PASSING = frozenset({408, 409, 425, 429})
_ABOUT_A_TEXT = frozenset({400, 413, 422})
# A line that broke or fell silent: the standard library, requests, httpx and the OpenAI SDK.
_LINE_BROKE = frozenset(
    {"ConnectionError", "TimeoutError", "Timeout", "TransportError", "APIConnectionError"}
)


class Fault(Enum):
    """Whose fault a failed call is."""

    PASSING = "passing"
    """Nobody's: the same call may succeed later."""
    TEXT = "text"
    """Perhaps one text's: the others may succeed without it."""
    MODEL = "model"
    """The model's or its account's: every text would fail."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often a call that failed in passing is made again, and how long apart.

    Attributes:
        attempts: Calls in all, the first included.
        wait: Seconds before the second; doubled each time, half of it by chance. A provider's
            ``Retry-After`` wins where it is longer.
        longest: Most seconds to wait. A provider that asks for more is not asked again.
        sleep: Waits.
        chance: A number from 0 to 1.

    Raises:
        ConfigurationError: A number that cannot work.
    """

    attempts: int = 4
    wait: float = 0.5
    longest: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.attempts < 1 or not 0 <= self.wait <= self.longest < math.inf:
            raise ConfigurationError(
                f"retrying needs attempts >= 1 and 0 <= wait <= longest, got attempts "
                f"{self.attempts}, wait {self.wait}, longest {self.longest}"
            )

    def pause(self, error: Exception, attempt: int) -> float | None:
        """Return the seconds to wait after a failed attempt, ``None`` to give up.

        Args:
            error: What the model raised.
            attempt: Which attempt it was, from 1.
        """
        if attempt >= self.attempts or fault(error) is not Fault.PASSING:
            return None
        asked = _retry_after(error)
        if asked > self.longest:
            return None
        grown = min(self.wait * 2.0 ** min(attempt - 1, 60), self.longest)
        return max(grown * (0.5 + 0.5 * self.chance()), asked)


def fault(error: Exception) -> Fault:
    """Tell whose fault an error of an embedding model is."""
    if isinstance(error, ModelError) and error.is_retryable:
        return Fault.PASSING
    status = _status(error)
    if status is not None:
        if status in _PASSING or status >= 500:
            return Fault.PASSING
        return Fault.TEXT if status in _ABOUT_A_TEXT else Fault.MODEL
    if _LINE_BROKE.intersection(each.__name__ for each in type(error).__mro__):
        return Fault.PASSING
    about_a_text = isinstance(error, ModelInvalidRequestError | ContextOverflowError)
    return Fault.MODEL if isinstance(error, ModelError) and not about_a_text else Fault.TEXT


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    for found in (getattr(error, "status_code", None), getattr(response, "status_code", None)):
        if isinstance(found, int):
            return found
    return None


def _retry_after(error: Exception) -> float:
    """Seconds the provider asks for, 0 when it does not say."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, TypeError, ValueError):
            continue  # Missing, or a date: then our own pace will do.
        if seconds >= 0:
            return seconds
    return 0.0
