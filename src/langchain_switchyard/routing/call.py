"""One request and its attempts: what travels through the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol, cast, get_args

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.cache_options import CacheOptions
from langchain_switchyard.routing.deployment import Capability
from langchain_switchyard.routing.failures import Failure, Outcome
from langchain_switchyard.routing.needs import needs_of
from langchain_switchyard.routing.plain_values import seconds
from langchain_switchyard.routing.state import DeploymentState

Recovery = Literal["auto", "restart", "continue", "error"]
"""What happens when a stream breaks after text was handed out."""


Filtered = Literal["raise", "next_tier"]
"""What happens when a provider's moderation refuses a request or its answer."""


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """What one call asks for: `model.bind(switchyard=CallOptions(deadline=20))`."""

    deadline: float | None = None
    """Seconds this request may last in all; None: as the chat model's `Timeouts.deadline`."""

    recovery: Recovery | None = None
    """What happens when its stream breaks; None: as the chat model's `recovery`."""

    filtered: Filtered = "raise"
    """What happens when a provider's moderation refuses: its own error is raised, or the next tier
    is asked, never another deployment of the same one. Going around moderation is a decision."""

    require: frozenset[Capability] | set[Capability] = frozenset()
    """Abilities a deployment must have to be asked, such as `{"vision"}`."""

    tenant: str | None = None
    """On whose behalf; tenants never share a cached answer."""

    cache: CacheOptions | None = None
    """What this call asks of the response cache; None: as the cache's policy."""

    def __post_init__(self) -> None:
        """Refuse a deadline that has passed before it began, and abilities nobody has."""
        seconds("CallOptions.deadline", self.deadline)
        if self.recovery not in (None, *get_args(Recovery)):
            known = ", ".join(get_args(Recovery))
            raise ConfigurationError(
                f"CallOptions.recovery must be one of {known}, got {self.recovery!r}"
            )
        if self.filtered not in get_args(Filtered):
            known = ", ".join(get_args(Filtered))
            raise ConfigurationError(
                f"CallOptions.filtered must be one of {known}, got {self.filtered!r}"
            )
        if isinstance(cast("object", self.require), str):
            raise ConfigurationError("CallOptions.require is a set, such as {'vision'}")
        if unknown := sorted(map(str, set(self.require) - set(get_args(Capability)))):
            raise ConfigurationError(
                f"CallOptions.require: there is no capability {', '.join(unknown)}; "
                f"there are {', '.join(get_args(Capability))}"
            )

    @classmethod
    def of(cls, given: CallOptions | Mapping[str, Any] | None) -> CallOptions:
        """Options as they are, or from plain values (of YAML, JSON, a graph's configuration)."""
        if given is None:
            return _NOTHING_SPECIAL
        if isinstance(given, CallOptions):
            return given
        if not isinstance(cast("object", given), Mapping):
            raise ConfigurationError(
                f"switchyard= takes CallOptions(...) or a mapping of its fields, got {given!r}"
            )
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(given) - set(known)):
            raise ConfigurationError(
                f"CallOptions has no {', '.join(map(str, unknown))}; it has {', '.join(known)}"
            )
        cache = given.get("cache")
        wishes = CacheOptions(**cache) if isinstance(cache, Mapping) else cache
        return cls(**{**given, "cache": wishes})


_NOTHING_SPECIAL = CallOptions()


@dataclass(slots=True, eq=False)
class Call:
    """One request on its way: what was asked, how long there is, what has happened so far."""

    messages: list[BaseMessage]
    stop: list[str] | None
    kwargs: dict[str, Any]
    """What goes to the model as it is: tools, temperature, response_format..."""
    options: CallOptions
    recovery: Literal["restart", "continue", "error"] = "error"
    """`auto` resolved for this caller."""
    streamed: bool = False
    spans: Tracer | None = None
    """Traces attempts under the caller's run; None if nobody listens."""

    started: float = 0.0
    deadline: float | None = None
    """Clock instant at which the request must be over."""
    attempts: list[Attempt] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    """Deployment id -> attempts made by this request."""
    failures: dict[str, Failure] = field(default_factory=dict)
    """Deployment id -> its last failure in this request."""
    later_tiers: int = 0
    """Tiers that could still be asked after the present one."""
    needs: frozenset[str] | None = None
    """Abilities that its options, arguments and messages ask for; None: not yet looked at."""
    capable: Sequence[DeploymentState] = ()
    """All that can serve it at all, best tier first."""
    is_last_resort: bool = False
    """Whether those about to be asked are asked only because there is nobody else."""
    window_above: int = 0
    """Only deployments whose declared context window is larger may be asked."""
    prefix: str = ""
    """Text already handed out that the next attempt goes on from (recovery `continue`)."""
    shown: list[ChatGenerationChunk] = field(default_factory=list)
    """What the consumer holds now: chunks emitted since the last reset."""
    cache: dict[str, Any] | None = None
    """What the cache tells in the answer's metadata: `cache` ("miss", "exact"...) and its details.
    None: there is no cache."""
    message_id: str | None = None
    """The id that the first emitted chunk carried; all later ones carry it too."""

    @property
    def required(self) -> frozenset[str]:
        """Abilities a deployment must have to serve this call."""
        if self.needs is None:
            self.needs = needs_of(self.messages, self.kwargs).union(self.options.require)
        return self.needs | {"prefill"} if self.prefix else self.needs

    def shown_text(self) -> str:
        """The text the consumer holds now."""
        return "".join(chunk.text for chunk in self.shown)

    def reports(self) -> list[AttemptReport]:
        """All attempts so far, as errors may keep them."""
        return [attempt.report() for attempt in self.attempts]

    def remaining(self, now: float) -> float:
        """Seconds until the deadline; infinite without one."""
        return float("inf") if self.deadline is None else self.deadline - now


@dataclass(slots=True, eq=False)
class Attempt:
    """One call to one deployment, numbered from 1 within its request."""

    call: Call
    state: DeploymentState
    number: int
    started: float = 0.0
    elapsed: float = 0.0
    """Seconds from start to end."""
    first_token: float | None = None
    """Seconds from start to the first content of a stream."""
    usage: UsageMetadata | None = None
    cost: float | None = None
    """Money in the currency of its deployment's price; None: no usage or no price is known."""
    paused: float = 0.0
    """Seconds of a stream that its reader took; they are not the provider's."""
    failure: Failure | None = None
    outcome: Outcome = Outcome.IGNORED

    @property
    def deployment_id(self) -> str:
        """Who was asked."""
        return self.state.deployment.id

    def outcome_word(self) -> str:
        """`success`, `abandoned`, or the kind of failure."""
        if self.failure is not None:
            return str(self.failure.kind)
        return "success" if self.outcome is Outcome.SUCCESS else "abandoned"

    def report(self) -> AttemptReport:
        """What an error may keep of it, long after the request is gone."""
        return AttemptReport(self.deployment_id, self.number, self.elapsed, self.failure)

    def summary(self) -> dict[str, Any]:
        """Plain values for `response_metadata`, logs and checkpoints."""
        told: dict[str, Any] = {
            "deployment": self.deployment_id,
            "attempt": self.number,
            "elapsed": round(self.elapsed, 6),
            "outcome": self.outcome_word(),
        }
        if self.first_token is not None:
            told["first_token"] = round(self.first_token, 6)
        if self.failure is not None:
            told["error"] = str(self.failure)
            if self.failure.retry_after is not None:
                told["retry_after"] = self.failure.retry_after
        return told


@dataclass(frozen=True)
class AttemptReport:
    """One attempt as errors tell of it: plain, without the request it was part of."""

    deployment_id: str
    number: int
    elapsed: float
    """Seconds from start to end."""
    failure: Failure | None
    """What went wrong; None if it was abandoned."""


class Tracer(Protocol):
    """Shows attempts to the caller's tracers; see `spans.py`."""

    def begin(self, attempt: Attempt) -> CallbackManagerForChainRun:
        """Open a span in sync code."""
        ...

    async def abegin(self, attempt: Attempt) -> AsyncCallbackManagerForChainRun:
        """Open a span in async code."""
        ...


@dataclass(slots=True)
class Reply:
    """What came back: a whole result, or the facts of a stream already emitted."""

    attempt: Attempt | None
    """Who answered; None if nobody had to be asked."""
    result: ChatResult | None = None
    """None for a stream: its chunks are with the consumer."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the stream's chunks said of themselves (`model_name`, `finish_reason`...)."""
    usage: UsageMetadata | None = None
    """Of a stream whose chunks did not tell it: goes on the last one."""

    def whole(self) -> ChatResult:
        """The result of a call that was not streamed."""
        if self.result is None:
            raise TypeError("a streamed reply has no result: its chunks are with the consumer")
        return self.result


def tell_story(attempts: Sequence[Attempt]) -> str:
    """One line per attempt, for error messages."""
    return "".join(
        f"\n  {attempt.number}. {attempt.deployment_id} after {attempt.elapsed:.2f} s: "
        f"{attempt.failure or 'abandoned'}"
        for attempt in attempts
    )
