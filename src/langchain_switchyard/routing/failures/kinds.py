"""What went wrong, in the field's twelve words, and what each word allows.

`classify` turns any exception of any provider into a `Failure` without importing a provider's SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Kinds of failure."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"
    AUTH = "auth"
    QUOTA_EXHAUSTED = "quota_exhausted"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTERED = "content_filtered"
    BAD_REQUEST = "bad_request"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What an attempt tells the breaker."""

    SUCCESS = "success"
    FAILURE = "failure"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Verdict:
    """What one kind of failure allows next."""

    same_again: int = 0
    """How many more attempts on the same deployment one request may make."""

    elsewhere: bool = True
    """Whether another deployment or tier may answer instead."""

    outcome: Outcome = Outcome.FAILURE
    """What the breaker is told."""

    open_for: float | None = None
    """Seconds the breaker opens at once, whatever its window says."""

    transient: bool = True
    """Whether the same request may succeed later."""


VERDICTS: dict[Kind, Verdict] = {
    # A 429 says "not now", not "broken": the deployment is throttled, never opened.
    Kind.RATE_LIMITED: Verdict(same_again=2, outcome=Outcome.IGNORED),
    Kind.OVERLOADED: Verdict(same_again=1),
    # A silent route stays silent: never ask it twice.
    Kind.TIMEOUT: Verdict(),
    Kind.CONNECTION: Verdict(same_again=1),
    Kind.SERVER_ERROR: Verdict(same_again=1),
    Kind.AUTH: Verdict(open_for=300.0, transient=False),
    Kind.QUOTA_EXHAUSTED: Verdict(open_for=300.0, transient=False),
    Kind.CONTEXT_LENGTH: Verdict(outcome=Outcome.IGNORED, transient=False),
    # Routing around moderation is the application's decision, not ours.
    Kind.CONTENT_FILTERED: Verdict(elsewhere=False, outcome=Outcome.IGNORED, transient=False),
    Kind.BAD_REQUEST: Verdict(elsewhere=False, outcome=Outcome.IGNORED, transient=False),
    Kind.CANCELLED: Verdict(elsewhere=False, outcome=Outcome.IGNORED, transient=False),
    Kind.UNKNOWN: Verdict(),
}
"""The table of the design, one row per kind."""


@dataclass(frozen=True)
class Failure:
    """One classified failure."""

    kind: Kind
    error: BaseException
    retry_after: float | None = None
    """Seconds the provider asked us to stay away, or None if it did not say."""

    @property
    def verdict(self) -> Verdict:
        """What this failure allows next."""
        return VERDICTS[self.kind]

    @property
    def open_for(self) -> float | None:
        """Seconds the breaker opens at once: until the provider's own reset, if it told one."""
        if self.verdict.open_for is None:
            return None
        return self.retry_after or self.verdict.open_for

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return VERDICTS[self.kind].transient

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process go the words of the error; the error itself may hold a socket."""
        words = RuntimeError(f"{type(self.error).__name__}: {self.error}")
        return Failure, (self.kind, words, self.retry_after)

    def __str__(self) -> str:
        """Kind and the provider's own words, in one line."""
        try:
            words = " ".join(str(self.error).split())
        except Exception:  # noqa: BLE001 - a foreign exception may be too broken to be printed.
            words = "(its message cannot be read)"
        return f"{self.kind}: {type(self.error).__name__}: {words[:200]}"
