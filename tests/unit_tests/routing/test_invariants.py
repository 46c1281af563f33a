"""Whatever providers do, a request keeps these promises."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.exceptions import ModelError, ModelInvalidRequestError, ModelRateLimitError

from langchain_switchyard import AllDeploymentsFailed, RetryPolicy, Timeouts
from langchain_switchyard.routing.failures import VERDICTS, Kind
from langchain_switchyard.testing import FakeClock
from tests.unit_tests.routing.fleet import asked, fleet, scripted


def http(status: int) -> Exception:
    error = Exception(f"HTTP {status}")
    error.status_code = status  # type: ignore[attr-defined]
    return error


TROUBLES = {
    "fine": lambda: "fine",
    Kind.RATE_LIMITED: lambda: ModelRateLimitError("slow down"),
    Kind.OVERLOADED: lambda: http(503),
    Kind.TIMEOUT: lambda: TimeoutError("silent"),
    Kind.CONNECTION: lambda: ConnectionError("reset"),
    Kind.SERVER_ERROR: lambda: http(500),
    Kind.AUTH: lambda: http(401),
    Kind.QUOTA_EXHAUSTED: lambda: http(402),
    Kind.BAD_REQUEST: lambda: ModelInvalidRequestError("no"),
    Kind.UNKNOWN: lambda: ModelError("?"),
}
PLANS = st.lists(st.sampled_from(list(TROUBLES)), min_size=1, max_size=4)


@given(
    tiers=st.lists(st.lists(PLANS, min_size=1, max_size=2), min_size=1, max_size=3),
    max_attempts=st.integers(1, 6),
    patience=st.sampled_from([0.0, 5.0]),
)
@settings(max_examples=300, deadline=None)
def test_a_request_keeps_its_promises(tiers, max_attempts, patience):
    """Order of tiers, bounds of attempts, no second question to the silent, a clear end."""
    clock = FakeClock()
    models = [
        [
            scripted(f"{t}{i}", *[_step(name) for name in plan], clock=clock)
            for i, plan in enumerate(tier)
        ]
        for t, tier in enumerate(tiers)
    ]
    model = fleet(
        *models,
        clock=clock,
        retry=RetryPolicy(max_attempts=max_attempts, patience=patience),
        timeouts=Timeouts(deadline=60),
    )
    happened: list[tuple[str, str]] = []
    try:
        answer = model.invoke("hi")
    except AllDeploymentsFailed as error:
        happened = [(a.deployment_id, str(a.failure.kind)) for a in error.attempts]
    except ModelInvalidRequestError:
        happened = []
    else:
        assert answer.text == "fine"
        told = answer.response_metadata["switchyard"]["attempts"]
        happened = [(one["deployment"], one["outcome"]) for one in told]
        assert asked(answer)[-1] == happened[-1][0]
    calls = {m.model_name: len(m.calls) for tier in models for m in tier}

    assert sum(calls.values()) <= max_attempts
    assert [name[0] for name, _ in happened] == sorted(name[0] for name, _ in happened)
    for name, count in calls.items():
        kinds = [kind for who, kind in happened if who == name and kind != "success"]
        allowed = max((VERDICTS[Kind(kind)].same_again for kind in kinds), default=99)
        assert count <= allowed + 1
        assert kinds.count("timeout") <= 1
    assert clock.now() <= 60
    for stats in model.stats().deployments:
        assert stats.pending == 0
        assert stats.attempts == calls[stats.deployment]
        assert stats.attempts >= stats.successes + sum(stats.errors.values())


def _step(name: Any) -> Any:
    return lambda _messages, _kwargs: TROUBLES[name]()
