"""What is remembered of a deployment between requests: health, load, and how it has done."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata

from langchain_switchyard.routing.circuit import Breaker, BreakerState
from langchain_switchyard.routing.deployment import Deployment, cache_read
from langchain_switchyard.routing.failures import Failure, Kind, Outcome
from langchain_switchyard.routing.inner.native_timeout import native_timeout
from langchain_switchyard.routing.inner.own_clients import with_fresh_connections
from langchain_switchyard.routing.inner.tools import BoundTools
from langchain_switchyard.routing.tokens import estimate_messages, vocabulary_of

_log = logging.getLogger(__name__)

_FEW = 5
"""Successes below which nothing is called typical."""

_LATENCIES = 256
"""How many past durations the quantiles of `stats()` are taken over."""


class DeploymentState:
    """The mutable side of one deployment; everything under one lock, nothing waits inside it.

    Args:
        deployment: What it is.
        breaker: Its circuit.
        connect: Seconds its client may take to connect, where it can be told.
    """

    def __init__(
        self, deployment: Deployment, breaker: Breaker, connect: float | None = None
    ) -> None:
        """Start idle and unthrottled."""
        self.deployment = deployment
        self.breaker = breaker
        self.model = deployment.model
        """What is asked; its connections may be renewed."""
        self.context_window = deployment.context_window
        """Asked once: it is looked up in the model's profile."""
        self.pending = 0
        """Attempts under way."""
        self.throttled_until = 0.0
        """Clock instant before which the provider asked not to be called."""
        self.finishes = deployment.sends_finish_reason
        """Whether its streams end with a finish reason; None: not known yet."""
        self.timeout_kwargs = native_timeout(deployment.model)
        """How its client is told its timeouts per call; None: it cannot be told."""
        self.keeps_timeout = getattr(type(deployment.model), "keeps_timeout", False) is True
        """Whether it runs in this process and needs no watching at all."""
        self.connect = connect
        self.own_timeout = _own_timeout(deployment.model)
        """What its owner set on the client; seconds, or the SDK's own form of them."""
        self.tools = BoundTools()
        self._vocabulary = vocabulary_of(deployment.model_name)
        self.attempts = 0
        self.successes = 0
        self.errors: Counter[Kind] = Counter()
        self.input_tokens = 0
        self.output_tokens = 0
        self.cached_tokens = 0
        self.cost = 0.0
        self.latencies: deque[float] = deque(maxlen=_LATENCIES)
        self.first_tokens: deque[float] = deque(maxlen=_LATENCIES)
        self.lock = threading.Lock()

    def not_before(self, now: float) -> float:
        """The instant from which it may be asked; `now` or before: at once."""
        return max(self.breaker.ready_at(now), self.throttled_until)

    def passes_last_resort(self, now: float) -> bool:
        """Whether it may be asked although its circuit is shut, if there is nobody else."""
        return self.throttled_until <= now and self.breaker.passes_last_resort()

    def tokens_of(
        self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]] | None
    ) -> int:
        """About how many input tokens a request has in this model's own vocabulary."""
        return estimate_messages(messages, tools, self._vocabulary)

    def typical_latency(self) -> float | None:
        """Median seconds of its latest successes; None while too few are known."""
        with self.lock:
            known = sorted(self.latencies)
        return known[len(known) // 2] if len(known) >= _FEW else None

    def renew_connections(self) -> None:
        """Leave the connections of an event loop that is gone behind."""
        renewed = with_fresh_connections(self.model)
        with self.lock:
            self.model = renewed

    def throttle(self, until: float) -> None:
        """Keep away until then; a longer deadline already known stays."""
        with self.lock:
            self.throttled_until = max(self.throttled_until, until)

    def restore(self) -> BreakerState:
        """Close the circuit and lift the throttle by hand; returns the circuit's state before."""
        with self.lock:
            self.throttled_until = 0.0
        return self.breaker.restore()

    def begin(self) -> None:
        """Count an attempt that starts."""
        with self.lock:
            self.pending += 1
            self.attempts += 1

    def end(
        self,
        outcome: Outcome,
        failure: Failure | None,
        usage: UsageMetadata | None,
        *,
        elapsed: float,
        first_token: float | None,
    ) -> float | None:
        """Count an attempt that is over, however it ended. Durations are seconds.

        Returns:
            What it cost; None if that is not known.
        """
        with self.lock:
            self.pending -= 1
            if failure is not None:
                self.errors[failure.kind] += 1
            elif outcome is Outcome.SUCCESS:
                self.successes += 1
                self.latencies.append(elapsed)
                if first_token is not None:
                    self.first_tokens.append(first_token)
        return None if usage is None else self._bill(usage)

    def _bill(self, usage: UsageMetadata) -> float | None:
        try:
            read, written = usage["input_tokens"], usage["output_tokens"]
            cached, price = cache_read(usage) or 0, self.deployment.price
            cost = None if price is None else price.cost(usage)
            with self.lock:
                self.input_tokens += read
                self.output_tokens += written
                self.cached_tokens += cached
                self.cost += cost or 0.0
        except Exception:  # noqa: BLE001 - an answer that is paid for is not lost by its bill.
            _log.exception("%s: cannot count the usage %r", self.deployment.id, usage)
            return None
        return cost

    def __repr__(self) -> str:
        """Name and load."""
        return f"<{self.deployment.id}: {self.pending} pending>"


def _own_timeout(model: BaseChatModel) -> Any:
    for field in ("request_timeout", "default_request_timeout"):
        value = getattr(model, field, None)
        if value is not None:
            return value
    return None
