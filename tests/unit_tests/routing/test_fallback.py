"""Tier after tier, among those who can serve the request at all."""

from __future__ import annotations

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.tools import tool

from langchain_switchyard import (
    AllDeploymentsFailed,
    CallOptions,
    ChatSwitchyard,
    ConfigurationError,
    ContextWindowExceeded,
    DeadlineExceeded,
    Deployment,
    NoCapableDeployment,
    NoDeploymentReady,
    Timeouts,
    Traits,
)
from langchain_switchyard.testing import Delay, FakeClock, Say
from tests.unit_tests.routing.fleet import asked, fleet, scripted, shut, state


def windows(**sizes: int | None) -> list[Deployment]:
    return [
        Deployment(
            scripted(name, ContextOverflowError("too long") if size else "fine"),
            id=name,
            tier=tier,
            traits=Traits(context_window=size),
        )
        for tier, (name, size) in enumerate(sizes.items())
    ]


async def test_the_next_tier_answers_when_the_first_cannot():
    """And says so."""
    answer = await fleet(scripted("a", ConnectionError("down")), scripted("b", "fine")).ainvoke("x")

    assert answer.text == "fine"
    assert answer.response_metadata["switchyard"]["tier"] == 1
    assert answer.response_metadata["model_name"] == "b"


async def test_too_long_a_request_skips_small_windows_unasked():
    """What cannot fit is not sent."""
    small = Deployment(scripted("small", "no"), id="small", traits=Traits(context_window=100))
    large = Deployment(scripted("large", "yes"), id="large", tier=1)

    answer = await ChatSwitchyard(deployments=[small, large]).ainvoke("word " * 500)

    assert asked(answer) == ["large"]


async def test_overflow_goes_only_to_a_larger_or_undeclared_window():
    """The same size would fail the same way."""
    model = ChatSwitchyard(deployments=windows(a=8_000, b=8_000, c=None))

    answer = await model.ainvoke("hi")

    assert asked(answer) == ["a", "c"]


async def test_overflow_without_a_larger_window_is_an_error_that_trimming_code_knows():
    """With the provider's own error as its cause, and nothing held against anybody."""
    model = ChatSwitchyard(deployments=windows(a=8_000, b=4_000))

    with pytest.raises(ContextOverflowError) as caught:
        await model.ainvoke("hi")

    assert isinstance(caught.value, ContextWindowExceeded)
    assert isinstance(caught.value.__cause__, ContextOverflowError)
    assert model.stats()["a"].breaker == "closed"
    assert model.stats()["b"].attempts == 0


async def test_a_request_too_long_for_everybody_is_told_before_anybody_is_asked():
    """By the estimate alone."""
    model = fleet(scripted("a", "x"), traits=Traits(context_window=100))

    with pytest.raises(ContextWindowExceeded, match="about"):
        await model.ainvoke("word " * 500)

    assert model.stats()["a"].attempts == 0


async def test_an_outage_beside_an_overflow_is_not_called_too_long():
    """Trimming would not help: the large one will be back."""
    model = ChatSwitchyard(
        deployments=[
            Deployment(scripted("large", ConnectionError("down")), id="large"),
            *windows(small=8_000),
        ]
    )
    with pytest.raises(AllDeploymentsFailed) as caught:
        await model.ainvoke("hi")

    assert caught.value.is_retryable


async def test_nobody_able_is_said_before_anybody_is_asked():
    """With the reason for each."""
    model = fleet(scripted("a", "x"), traits=Traits(capabilities=frozenset({"tools"})))

    with pytest.raises(NoCapableDeployment, match="a: it lacks vision"):
        await model.ainvoke("hi", switchyard=CallOptions(require={"vision"}))

    assert model.stats()["a"].attempts == 0


async def test_tools_are_only_sent_where_they_are_understood():
    """A deployment without tools is passed over."""

    @tool
    def weather(city: str) -> str:
        """Tell the weather."""
        return city

    blind = Deployment(scripted("a", "x"), id="a", traits=Traits(capabilities=frozenset()))
    able = Deployment(scripted("b", "y"), id="b", tier=1)

    answer = await ChatSwitchyard(deployments=[blind, able]).bind_tools([weather]).ainvoke("hi")

    assert asked(answer) == ["b"]


async def test_all_failed_tells_who_and_how():
    """Nothing is swallowed, and the last error is the cause."""
    model = fleet(scripted("a", ConnectionError("no route")), scripted("b", TimeoutError("mute")))

    with pytest.raises(AllDeploymentsFailed) as caught:
        await model.ainvoke("hi")

    assert [a.deployment_id for a in caught.value.attempts] == ["a", "a", "b"]
    assert "no route" in str(caught.value)
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert caught.value.is_retryable


async def test_refused_keys_are_not_worth_trying_again():
    """An error for stock retry middleware to leave alone."""

    class BadKey(Exception):
        status_code = 401

    with pytest.raises(AllDeploymentsFailed) as caught:
        await fleet(scripted("a", BadKey("key")), scripted("b", BadKey("key"))).ainvoke("hi")

    assert not caught.value.is_retryable


async def test_all_open_fails_at_once_and_says_when_to_come_back():
    """A request that cannot wait is not made to."""
    clock = FakeClock()
    model = fleet(scripted("a", "x"), clock=clock)
    shut(model._yard.states[0], 300)

    with pytest.raises(NoDeploymentReady, match=r"come back in 300.0 s") as caught:
        await model.ainvoke("hi", switchyard=CallOptions(deadline=10))

    assert caught.value.retry_after == 300
    assert clock.slept == []


async def test_all_open_waits_for_the_earliest_if_the_deadline_allows():
    """Better late than never."""
    clock = FakeClock()
    model = fleet(scripted("a", "x"), scripted("b", "y"), clock=clock)
    shut(model._yard.states[0], 300)
    shut(model._yard.states[1], 5)

    answer = await model.ainvoke("hi", switchyard=CallOptions(deadline=10))

    assert asked(answer) == ["b"]
    assert clock.now() == 5


async def test_an_isolated_fleet_is_said_to_be_so():
    """Isolation has no end that could be waited for."""
    model = fleet(scripted("a", "x"))
    model.isolate("a")

    with pytest.raises(NoDeploymentReady) as caught:
        await model.ainvoke("hi")

    assert caught.value.retry_after is None
    model.restore("a")
    assert (await model.ainvoke("hi")).text == "x"


async def test_passed_deadline_is_its_own_error():
    """With the attempts that used the time up."""
    clock = FakeClock()
    slow = scripted("a", [Delay(50), Say("late")], clock=clock)
    model = fleet(slow, scripted("b", "x"), clock=clock, timeouts=Timeouts(deadline=10))

    with pytest.raises(DeadlineExceeded) as caught:
        await model.ainvoke("hi")

    assert isinstance(caught.value, AllDeploymentsFailed)
    assert [a.deployment_id for a in caught.value.attempts] == ["a"]


async def test_primary_serves_again_soon_after_an_outage_and_saw_few_probes():
    """A minute of outage, a call a second: back within 30 s, with few calls wasted."""
    clock = FakeClock()
    down = ConnectionError("outage")

    def answer(_messages, _kwargs):
        return "primary" if clock.now() >= 60 else down

    primary = scripted("a", answer, clock=clock)
    model = fleet(primary, scripted("b", "backup"), clock=clock)
    served = {}
    while clock.now() < 90:
        served[clock.now()] = (await model.ainvoke("hi")).text
        clock.advance(1)

    probes = [at for at, text in served.items() if at < 60 and text == "primary"]
    assert probes == []
    assert len(primary.calls) - list(served.values()).count("primary") <= 12
    assert all(text == "primary" for at, text in served.items() if at >= 80)


def test_state_of_a_deployment_reads_well():
    """In logs and debuggers."""
    assert repr(state("qwen")) == "<qwen: 0 pending>"


def filtered() -> Exception:
    """A refusal by a provider's moderation."""
    error = ValueError("refused")
    error.body = {"code": "content_filter"}  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_what_moderation_refused_is_taken_nowhere_unasked(way):
    """The provider's own error, and nobody else sees the request."""
    other = scripted("other", "fine")
    model = fleet(scripted("a", filtered()), other)

    with pytest.raises(ValueError, match="refused"):
        _ = model.invoke("hi") if way == "invoke" else list(model.stream("hi"))

    assert other.calls == []


@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_what_moderation_refused_goes_to_the_next_tier_if_the_application_says_so(way):
    """Never to a neighbour in the same tier; the last tier's refusal is raised as it is."""
    neighbours = [Deployment(scripted(name, filtered()), id=name) for name in ("a", "b")]
    last = Deployment(scripted("last", "fine", filtered()), id="last", tier=1)
    model = ChatSwitchyard(deployments=[*neighbours, last])
    wish = {"switchyard": {"filtered": "next_tier"}}

    def ask():
        return model.invoke("hi", **wish) if way == "invoke" else list(model.stream("hi", **wish))

    answer = ask()
    if way == "invoke":
        first, second = asked(answer)
        assert first in {"a", "b"}
        assert second == "last"
    with pytest.raises(ValueError, match="refused"):
        ask()


def test_an_unknown_wish_about_moderation_is_refused():
    """With those that there are."""
    with pytest.raises(ConfigurationError, match="raise, next_tier"):
        CallOptions(filtered="ignore")
