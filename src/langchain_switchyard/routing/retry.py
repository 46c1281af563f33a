"""Retry: ask again within a tier, as long as the policy, the budget and the deadline allow.

`max_attempts` counts everything one request does, retries and fallbacks together, and the last
attempts are kept for the tiers still to come. Another deployment of the tier that is free is always
asked first, at once and without charge; asking the same one again costs the retry budget.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.candidates import Wait, next_move
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.effects import Sleep, Steps
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.layer import (
    AttemptFailed,
    Candidates,
    Handler,
    Refused,
    TierExhausted,
)
from langchain_switchyard.routing.plain_values import number, whole
from langchain_switchyard.routing.state import DeploymentState


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Seconds to wait before asking again: full jitter over a doubling ceiling."""

    transient: float = 0.1
    """First ceiling after an overload or a server error."""
    throttled: float = 1.0
    """First ceiling after a rate limit that named no time."""
    longest: float = 10.0

    def delay(self, kind: Kind, tries: int, rng: random.Random) -> float:
        """Seconds before a deployment that failed `tries` times is asked again."""
        if kind is Kind.CONNECTION:
            # A reset before the answer is a race with an idle timeout: a new socket cures it.
            return 0.0
        first = self.throttled if kind is Kind.RATE_LIMITED else self.transient
        return rng.uniform(0.0, min(self.longest, first * 2.0 ** (tries - 1)))


@dataclass(frozen=True, kw_only=True)
class RetryBudgetPolicy:
    """How many retries all requests together may make, so that an outage is not made a storm."""

    deposit: float = 0.2
    """Added by every success: in the long run at most this share of calls are retries."""
    capacity: float = 30.0
    """The most that can be saved up, and what there is at the start."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often one request may try, and how long it waits in between."""

    max_attempts: int = 4
    """Attempts in total, over all tiers, including the first."""
    patience: float = 0.0
    """Seconds a request would rather wait for its tier than use the next one."""
    backoff: Backoff = field(default_factory=Backoff)
    budget: RetryBudgetPolicy = field(default_factory=RetryBudgetPolicy)

    def __post_init__(self) -> None:
        """Refuse a policy that could not make one attempt."""
        whole("RetryPolicy.max_attempts", self.max_attempts, at_least=1)
        number("RetryPolicy.patience", self.patience, at_least=0)


class RetryBudget:
    """What all requests of one router may still spend on retries."""

    def __init__(self, policy: RetryBudgetPolicy) -> None:
        """Start full: a cold start may retry, too."""
        self._policy = policy
        self._balance = policy.capacity
        self._lock = threading.Lock()

    @property
    def balance(self) -> float:
        """Retries that could be made now."""
        return self._balance

    def deposit(self) -> None:
        """A request succeeded."""
        with self._lock:
            self._balance = min(self._policy.capacity, self._balance + self._policy.deposit)

    def withdraw(self) -> bool:
        """Pay for one retry; False if there is nothing left to pay with."""
        with self._lock:
            if self._balance < 1:
                return False
            self._balance -= 1
            return True


class Retry:
    """The layer: ask within one tier until somebody answers or nobody is left to ask.

    Args:
        policy: How often, and how long to wait.
        world: Time and chance.
    """

    def __init__(self, policy: RetryPolicy, world: World) -> None:
        """Start with a full budget."""
        self._policy = policy
        self._budget = RetryBudget(policy.budget)
        self._clock = world.clock
        self._rng = world.random

    def __call__(self, inner: Handler) -> Handler:
        """Wrap the handler that makes one attempt at one of several candidates."""

        def handle(call: Call, candidates: Candidates) -> Steps[Reply]:
            return self._ask(inner, call, candidates)

        return handle

    def _ask(self, inner: Handler, call: Call, tier: Candidates) -> Steps[Reply]:
        attempts_before, patience = len(call.attempts), self._policy.patience
        while True:
            now = self._clock.now()
            if not self._may_try(call, began=len(call.attempts) > attempts_before, now=now):
                raise TierExhausted
            move = next_move(call, tier, now)
            if isinstance(move, Wait):
                seconds = _affordable(call, move, now, patience)
                patience -= seconds
                yield Sleep(seconds)
                continue
            if move.again:
                yield from self._pay_and_pause(call, move.ready[0])
            call.is_last_resort = move.last_resort
            try:
                reply = yield from inner(call, move.ready)
            except Refused:
                continue
            except AttemptFailed as failed:
                if failed.failure.kind is Kind.CONTENT_FILTERED:
                    # What one of a tier refuses, its neighbours, often the same provider's, do too.
                    raise TierExhausted from failed
                self._keep_away(failed)
                continue
            self._budget.deposit()
            return reply

    def _may_try(self, call: Call, *, began: bool, now: float) -> bool:
        """Whether attempts and time are left; a tier's retries never eat a later tier's turn."""
        left = self._policy.max_attempts - len(call.attempts)
        return left > (call.later_tiers if began else 0) and call.remaining(now) > 0

    def _pay_and_pause(self, call: Call, state: DeploymentState) -> Steps[None]:
        if not self._budget.withdraw():
            raise TierExhausted
        name = state.deployment.id
        kind = call.failures[name].kind
        if kind is Kind.RATE_LIMITED:
            return  # It was waited for already, as long as the provider asked.
        seconds = self._policy.backoff.delay(kind, call.tries[name], self._rng)
        if seconds >= call.remaining(self._clock.now()):
            raise TierExhausted
        if seconds > 0:
            yield Sleep(seconds)

    def _keep_away(self, failed: AttemptFailed) -> None:
        """What one request learns of a deployment's wishes, all others need not learn again."""
        failure, attempt = failed.failure, failed.attempt
        if failure.retry_after is not None:
            # Never sooner than asked; a little later, and not all at the same instant.
            seconds = failure.retry_after * self._rng.uniform(1.0, 1.05)
        elif failure.kind is Kind.RATE_LIMITED:
            tries = attempt.call.tries[attempt.deployment_id]
            seconds = self._policy.backoff.delay(failure.kind, tries, self._rng)
        else:
            return
        attempt.state.throttle(self._clock.now() + seconds)


def _affordable(call: Call, move: Wait, now: float, patience: float) -> float:
    """Seconds to wait for the first who may be ready, if this request can afford them."""
    seconds = move.until - now
    limit = call.remaining(now)
    if call.later_tiers:
        limit = min(limit, patience)
    if seconds > limit or seconds == float("inf"):
        raise TierExhausted(move.until)
    return seconds
