"""Every error Switchyard raises.

```text
SwitchyardError
├── ConfigurationError    (ValueError)   a value the caller gave cannot work; says which and why
├── MissingExtra          (ImportError)  an optional part is not installed; names the extra
├── NoCapableDeployment   (ModelInvalidRequestError)  nobody can serve this request at all
│   └── ContextWindowExceeded (ContextOverflowError)  because it is too long for everybody
├── AllDeploymentsFailed  (ModelError)   everyone who could be asked was asked, and failed
│   ├── NoDeploymentReady                everyone is open or throttled; says when to come back
│   └── DeadlineExceeded  (ModelTimeoutError)         the request's own deadline passed first
└── StreamInterrupted     (ModelConnectionError)      it broke after text was handed out
```

Parts of the house add their own under the same root (`NotCached`, `UnreadableFile`, `Deadlock`...).
Errors which are the caller's business (a rejected request, filtered content, a bug) are not in this
tree: the provider's own exception reaches the caller unchanged, with a note naming the deployment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelTimeoutError,
)


class Trouble(Protocol):
    """What went wrong with an attempt."""

    @property
    def kind(self) -> str:
        """One of the words of `routing.failures.Kind`."""
        ...

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        ...


class Asked(Protocol):
    """One attempt, as far as an error tells of it."""

    @property
    def deployment_id(self) -> str:
        """Who was asked."""
        ...

    @property
    def failure(self) -> Trouble | None:
        """What went wrong; None if it was abandoned."""
        ...


class SwitchyardError(Exception):
    """The root of all errors that Switchyard raises itself."""


class ConfigurationError(SwitchyardError, ValueError):
    """A value the caller gave cannot work; the message says which one and what to do."""


class MissingExtra(SwitchyardError, ImportError):
    """An optional part is not installed.

    Args:
        feature: What the caller wanted, for the message.
        extra: The extra that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        """Name the extra that is missing."""
        super().__init__(
            f'{feature} needs an extra: pip install "langchain-switchyard[{extra}]"'
            f' (in a clone: pip install ".[{extra}]")'
        )
        self.extra = extra


class NoCapableDeployment(SwitchyardError, ModelInvalidRequestError):
    """No deployment can serve this request, however healthy: too long, or an ability is missing."""


class ContextWindowExceeded(NoCapableDeployment, ContextOverflowError):
    """The request is too long for every deployment; code that trims or summarises looks for this.

    Providers word their refusals in many ways; the one that said so is the cause.
    """


class AllDeploymentsFailed(SwitchyardError, ModelError):
    """Everyone who could be asked was asked, and failed.

    Attributes:
        attempts: Who was asked, in order: deployment, kind of failure, error, seconds.
        retry_after: Seconds until the earliest deployment may be ready again, or None if unknown.
        is_retryable: Whether the same request may succeed later.
    """

    def __init__(
        self, message: str, attempts: Sequence[Asked] = (), retry_after: float | None = None
    ) -> None:
        """Keep the story of every attempt."""
        super().__init__(message)
        self.attempts = tuple(attempts)
        self.retry_after = retry_after
        failures = [attempt.failure for attempt in self.attempts if attempt.failure is not None]
        self.is_retryable = not failures or any(failure.is_transient for failure in failures)


class NoDeploymentReady(AllDeploymentsFailed):
    """Every deployment is open or throttled for longer than this request can wait."""


class DeadlineExceeded(AllDeploymentsFailed, ModelTimeoutError):
    """The request's own deadline passed before any deployment answered."""


class StreamInterrupted(SwitchyardError, ModelConnectionError):
    """A stream broke after a part of the answer had been handed out.

    The part already shown cannot be taken back from a consumer of plain text, so the call ends here
    instead of passing off a mixed text as an answer. `CallOptions(recovery="restart")` opts in to a
    fresh answer announced by a reset marker.

    Attributes:
        partial: The text that was handed out before the break.
        attempts: Who was asked, in order.
    """

    def __init__(self, message: str, partial: str = "", attempts: Sequence[Asked] = ()) -> None:
        """Keep what was already shown."""
        super().__init__(message)
        self.partial = partial
        self.attempts = tuple(attempts)
