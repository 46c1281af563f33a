"""Asking again within a tier: who, when, how often, and who pays."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import ModelError, ModelRateLimitError

from langchain_switchyard import (
    AllDeploymentsFailed,
    CallOptions,
    ConfigurationError,
    NoDeploymentReady,
    RetryPolicy,
    Timeouts,
)
from langchain_switchyard.routing.failures import VERDICTS, Kind
from langchain_switchyard.routing.retry import Backoff, RetryBudget, RetryBudgetPolicy
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.routing.fleet import asked, fleet, scripted


class Response:
    """As much of an HTTP response as an error carries."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status_code = status
        self.headers = headers


class HttpError(Exception):
    """What SDKs raise for a status."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status_code = status
        self.response = Response(status, **headers)


def throttled(seconds: float | None = None) -> Exception:
    error = ModelRateLimitError("slow down")
    error.response = Response(429, **({} if seconds is None else {"retry-after": str(seconds)}))  # type: ignore[attr-defined]
    return error


async def test_server_error_once_is_retried_on_the_same_deployment():
    """A 500 is tried again before the next tier is asked."""
    model = fleet(scripted("a", HttpError(500), "fine"), scripted("b", "other"))

    answer = await model.ainvoke("hi")

    assert answer.text == "fine"
    assert asked(answer) == ["a", "a"]


async def test_another_free_deployment_of_the_tier_comes_before_the_same_again():
    """Somebody who is well is asked at once, without a pause."""
    clock = FakeClock()
    tier = [scripted("a", HttpError(500)), scripted("b", "fine")]
    model = fleet(tier, clock=clock, balance="round_robin")

    answer = await model.ainvoke("hi")

    assert asked(answer) == ["a", "b"]
    assert clock.slept == []


async def test_persistent_overload_is_asked_twice_at_most():
    """Once, and once again with jitter."""
    bad = scripted("a", HttpError(503))

    answer = await fleet(bad, scripted("b", "fine")).ainvoke("hi")

    assert asked(answer) == ["a", "a", "b"]


async def test_silent_deployment_is_never_asked_twice():
    """A silent route stays silent."""
    clock = FakeClock()
    bad = scripted("a", TimeoutError("silent"), clock=clock)

    answer = await fleet(bad, scripted("b", "fine"), clock=clock).ainvoke("hi")

    assert asked(answer) == ["a", "b"]


async def test_retry_after_is_waited_out_when_there_is_nobody_else():
    """The server's word wins over the computed backoff."""
    clock = FakeClock()
    model = fleet(scripted("a", throttled(2), "fine"), clock=clock)

    answer = await model.ainvoke("hi")

    assert asked(answer) == ["a", "a"]
    assert len(clock.slept) == 1
    assert 2 <= clock.slept[0] <= 2.1


async def test_rate_limited_goes_to_the_next_tier_at_once_without_patience():
    """Waiting two seconds is worse than another model, unless the owner says otherwise."""
    clock = FakeClock()
    model = fleet(scripted("a", throttled(2), "fine"), scripted("b", "other"), clock=clock)

    answer = await model.ainvoke("hi")

    assert asked(answer) == ["a", "b"]
    assert clock.slept == []


async def test_patience_waits_for_the_better_tier():
    """A short Retry-After may be waited out on the better tier."""
    clock = FakeClock()
    tiers = (scripted("a", throttled(2), "fine"), scripted("b", "other"))

    answer = await fleet(*tiers, clock=clock, retry=RetryPolicy(patience=3)).ainvoke("hi")

    assert asked(answer) == ["a", "a"]
    assert sum(clock.slept) >= 2


async def test_patience_does_not_reach_further_than_it_says():
    """A Retry-After of ten seconds is not waited for with a patience of three."""
    tiers = (scripted("a", throttled(10), "fine"), scripted("b", "other"))

    answer = await fleet(*tiers, retry=RetryPolicy(patience=3)).ainvoke("hi")

    assert asked(answer) == ["a", "b"]


async def test_retry_after_beyond_the_deadline_fails_at_once_and_says_when():
    """Nobody waits for what cannot help."""
    clock = FakeClock()
    model = fleet(scripted("a", throttled(50)), clock=clock)

    with pytest.raises(NoDeploymentReady) as caught:
        await model.ainvoke("hi", switchyard=CallOptions(deadline=20))

    assert 50 <= (caught.value.retry_after or 0) <= 53
    assert clock.slept == []
    assert caught.value.is_retryable


async def test_persistent_rate_limit_is_asked_three_times_at_most():
    """Not for ever, even with time left."""
    bad = scripted("a", throttled(1))

    with pytest.raises(AllDeploymentsFailed) as caught:
        await fleet(bad, retry=RetryPolicy(max_attempts=9)).ainvoke("hi")

    assert len(bad.calls) == 3
    assert [attempt.failure.kind for attempt in caught.value.attempts] == [Kind.RATE_LIMITED] * 3


async def test_a_throttled_deployment_is_left_alone_by_other_requests():
    """What one request learned, the next need not learn again."""
    first = scripted("a", throttled(30), "fine")
    model = fleet(first, scripted("b", "other"))
    await model.ainvoke("hi")

    answer = await model.ainvoke("hi again")

    assert asked(answer) == ["b"]
    assert len(first.calls) == 1


async def test_max_attempts_counts_everything():
    """Retries and fallbacks together, the first attempt included."""
    tiers = [scripted(name, HttpError(500)) for name in "abc"]

    with pytest.raises(AllDeploymentsFailed) as caught:
        await fleet(*tiers, retry=RetryPolicy(max_attempts=4)).ainvoke("hi")

    assert [attempt.deployment_id for attempt in caught.value.attempts] == ["a", "a", "b", "c"]


async def test_one_attempt_means_one():
    """No retry and no fallback."""
    tiers = [scripted(name, HttpError(500)) for name in "ab"]

    with pytest.raises(AllDeploymentsFailed) as caught:
        await fleet(*tiers, retry=RetryPolicy(max_attempts=1)).ainvoke("hi")

    assert len(caught.value.attempts) == 1


async def test_empty_retry_budget_stops_retries_but_not_fallbacks():
    """In an outage of everything, retries stop making it worse."""
    model = fleet(
        scripted("a", HttpError(500)),
        scripted("b", "fine"),
        retry=RetryPolicy(budget=RetryBudgetPolicy(capacity=0)),
    )

    answer = await model.ainvoke("hi")

    assert asked(answer) == ["a", "b"]


async def test_unknown_failure_is_tried_on_one_other_deployment_only():
    """What nobody can name is not tried on everyone."""
    tier = [scripted(name, ModelError("?")) for name in "abcd"]

    answer = await fleet(tier, scripted("z", "fine"), retry=RetryPolicy(max_attempts=9)).ainvoke(
        "x"
    )

    assert len(asked(answer)) == 3
    assert asked(answer)[-1] == "z"


async def test_caller_s_own_error_passes_untouched_and_counts_against_nobody():
    """A TypeError in the caller's code is not a provider's failure."""
    model = fleet(scripted("a", TypeError("bug")), scripted("b", "fine"))

    with pytest.raises(TypeError, match="bug"):
        await model.ainvoke("hi")

    assert model.stats()["a"].errors == {}
    assert model.stats()["b"].attempts == 0
    assert model.stats()["a"].breaker == "closed"


async def test_bad_request_reaches_the_caller_as_the_provider_s_own_error():
    """Nobody else is asked, and the error is not wrapped."""
    model = fleet(scripted("a", HttpError(400)), scripted("b", "fine"))

    with pytest.raises(HttpError) as caught:
        await model.ainvoke("hi")

    assert "attempt 1, a" in caught.value.__notes__[0]
    assert model.stats()["b"].attempts == 0


async def test_deadline_bounds_all_waits():
    """A request never sleeps past its deadline."""
    clock = FakeClock()
    model = fleet(scripted("a", throttled(1)), clock=clock, timeouts=Timeouts(deadline=1.5))

    with pytest.raises(NoDeploymentReady):
        await model.ainvoke("hi")

    assert clock.now() <= 1.5


@given(
    kind=st.sampled_from([kind for kind in Kind if VERDICTS[kind].same_again]),
    tries=st.integers(1, 50),
    seed=st.integers(),
)
def test_backoff_stays_within_its_bounds(kind, tries, seed):
    """Full jitter: never negative, never above the longest."""
    backoff = Backoff()

    delay = backoff.delay(kind, tries, random.Random(seed))

    assert 0 <= delay <= backoff.longest


@given(st.lists(st.booleans(), max_size=200))
def test_budget_never_goes_below_zero_or_above_its_capacity(moves):
    """Deposits and withdrawals in any order, against a plain number."""
    policy = RetryBudgetPolicy(deposit=0.2, capacity=5)
    budget, expected = RetryBudget(policy), 5.0
    for is_deposit in moves:
        if is_deposit:
            budget.deposit()
            expected = min(5.0, expected + 0.2)
        else:
            assert budget.withdraw() == (expected >= 1)
            expected -= expected >= 1
        assert budget.balance == pytest.approx(expected)
        assert 0 <= budget.balance <= 5


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"patience": -1}])
def test_policy_refuses_what_could_not_work(wrong):
    """Wrong settings are refused when they are made."""
    with pytest.raises(ConfigurationError):
        RetryPolicy(**wrong)


async def test_an_overloaded_provider_s_own_word_is_kept_by_all_requests():
    """A 503 that says when to come back is not asked before."""
    clock = FakeClock()
    first = scripted("a", HttpError(503, **{"retry-after": "30"}), "fine")
    model = fleet(first, scripted("b", "other"), clock=clock)
    assert asked(await model.ainvoke("hi")) == ["a", "b"]

    assert asked(await model.ainvoke("hi")) == ["b"]
    clock.advance(32)
    assert asked(await model.ainvoke("hi")) == ["a"]


async def test_spent_quota_opens_the_breaker_until_its_reset():
    """As long as the provider says, else five minutes."""
    clock = FakeClock()
    model = fleet(scripted("a", HttpError(402, **{"retry-after": "3600"})), clock=clock)
    with pytest.raises(AllDeploymentsFailed):
        await model.ainvoke("hi")

    clock.advance(301)
    with pytest.raises(NoDeploymentReady) as caught:
        await model.ainvoke("hi")

    assert 3200 < (caught.value.retry_after or 0) < 3800
