"""When a circuit opens, and how it closes again: what an owner may set, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.plain_values import number, whole


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which past attempts the rates are taken over: the latest, by count and by age."""

    seconds: float = 30.0
    calls: int = 100
    minimum: int = 20
    """With fewer attempts in the window no rate is believed: of ten attempts at a deployment that
    fails 3 times in 10, half fail every sixth time."""

    def __post_init__(self) -> None:
        """Refuse a window that could hold nothing."""
        number("Window.seconds", self.seconds, above=0)
        whole("Window.calls", self.calls, at_least=1)
        whole("Window.minimum", self.minimum, at_least=1)


@dataclass(frozen=True, kw_only=True)
class SlowCalls:
    """Successes that took too long count against a deployment, too."""

    after: float
    """Seconds from which an attempt is slow."""
    rate: float = 0.8
    """Share of slow attempts in the window that opens the circuit."""

    def __post_init__(self) -> None:
        """Refuse what no attempt could be measured by."""
        number("SlowCalls.after", self.after, above=0)
        _share("SlowCalls.rate", self.rate)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How long a circuit stays open, what closes it, and what passes it meanwhile."""

    first: float = 1.0
    """Seconds of the first opening, ± 20 %; each doubles that follows without a single success
    between, or upon less than ten times its length of being closed."""
    longest: float = 15.0
    """Seconds at most, so that a healed deployment is back soon."""
    successes: int = 4
    """Probes that must succeed to close; 1, then 4, then 16 may run at once."""
    probe_lease: float = 30.0
    """Seconds after which a probe that has not come back no longer holds its place."""
    last_resort: int = 20
    """Attempts that may pass a circuit without one success, where there is nobody else to ask and
    it was not opened by failures alone; 0: none, such a request waits or fails."""

    def __post_init__(self) -> None:
        """Refuse times and counts that cannot be kept."""
        number("Opening.first", self.first, above=0)
        number("Opening.longest", self.longest, above=0)
        number("Opening.probe_lease", self.probe_lease, above=0)
        whole("Opening.successes", self.successes, at_least=1)
        whole("Opening.last_resort", self.last_resort, at_least=0)


@dataclass(frozen=True, kw_only=True)
class BreakerPolicy:
    """When a deployment is no longer asked, and how it comes back."""

    consecutive: int = 3
    """Failures in a row that open the circuit of a deployment that usually answers. One that is
    known to fail now and then needs a longer row: as improbable at its own rate as this one is at
    one failure in ten (5 at 20 %, 6 at 30 %)."""
    failure_rate: float = 0.5
    """Share of failures in the window that opens it."""
    slow: SlowCalls | None = None
    """Judge slow answers, too; None: only failures count."""
    window: Window = field(default_factory=Window)
    opening: Opening = field(default_factory=Opening)

    def __post_init__(self) -> None:
        """Refuse settings under which the breaker could not work."""
        whole("BreakerPolicy.consecutive", self.consecutive, at_least=1)
        _share("BreakerPolicy.failure_rate", self.failure_rate)


def _share(where: str, value: float) -> None:
    number(where, value)
    if not 0 < value <= 1:
        raise ConfigurationError(f"{where} must be a share in (0, 1], got {value}")
