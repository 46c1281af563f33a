"""Providers that merely fail now and then: a breaker must not make more of it than it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from langchain_switchyard import BreakerPolicy, ChatSwitchyard, Deployment, Timeouts, World
from langchain_switchyard.routing.circuit import Opening, Window
from langchain_switchyard.testing import Delay, FakeClock, Say, ScriptedChatModel

NEVER_OPENS = BreakerPolicy(consecutive=10**9, window=Window(calls=1, minimum=2))


class Town:
    """A router over deployments that fail at a rate, asked ten times a second for 100 seconds."""

    def __init__(
        self,
        fails: Callable[[float], float],
        primaries: int = 1,
        *,
        backed: bool = False,
        deadline: float = 30.0,
        breaker: BreakerPolicy | None = None,
        seed: int = 1,
    ) -> None:
        self.clock = FakeClock()
        self.asked: list[float] = []
        self.said: list[tuple[float, str]] = []
        rng = random.Random(seed)

        def answer(_messages: Any, _kwargs: Any) -> Any:
            self.asked.append(self.clock.now())
            if rng.random() < fails(self.clock.now()):
                raise ConnectionError("reset")
            return [Delay(0.2), Say("primary")]

        models = [ScriptedChatModel(script=answer, clock=self.clock) for _ in range(primaries)]
        deployments = [Deployment(model, id=f"p{i}") for i, model in enumerate(models)]
        if backed:
            spare = ScriptedChatModel(script="spare", clock=self.clock)
            deployments.append(Deployment(spare, id="spare", tier=1))
        self.model = ChatSwitchyard(
            deployments=deployments,
            world=World(clock=self.clock, random=random.Random(seed)),
            timeouts=Timeouts(deadline=deadline),
            breaker=breaker or BreakerPolicy(),
        )

    async def _one(self, index: int) -> None:
        await asyncio.sleep(index / 10)
        try:
            said = (await self.model.ainvoke("hi")).text
        except Exception as error:  # noqa: BLE001 - counted by its name.
            said = type(error).__name__
        self.said.append((self.clock.now(), said))

    async def _all(self, requests: int) -> None:
        await asyncio.gather(*[self._one(index) for index in range(requests)])

    def run(self, requests: int = 1000) -> Town:
        self.clock.run(self._all(requests))
        return self

    def share(self, *words: str) -> float:
        return sum(said in words for _, said in self.said) / len(self.said)


@pytest.mark.parametrize("deadline", [5.0, 30.0])
@pytest.mark.parametrize("primaries", [1, 2])
@pytest.mark.parametrize("rate", [0.1, 0.2, 0.3])
def test_independent_failures_cost_no_more_answers_than_without_a_breaker(
    rate, primaries, deadline
):
    """Within two points, with one deployment and with two."""
    asked = {"primaries": primaries, "deadline": deadline, "seed": 2}
    ours = Town(lambda _: rate, **asked).run()
    without = Town(lambda _: rate, **asked, breaker=NEVER_OPENS).run()

    assert ours.share("primary") >= without.share("primary") - 0.02
    assert ours.share("NoDeploymentReady") == 0
    assert ours.share("primary") > 1 - rate


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_flaky_first_tier_goes_on_serving_beside_a_healthy_second(seed):
    """At one failure in five the second tier is for one request in twenty."""
    town = Town(lambda _: 0.2, backed=True, seed=seed).run()

    assert town.share("primary", "spare") == 1
    assert town.share("primary") > 0.9


@pytest.mark.parametrize("primaries", [1, 2])
@pytest.mark.parametrize("rate", [0.5, 0.6])
def test_where_there_is_nobody_else_the_router_is_never_worse_than_the_bare_model(rate, primaries):
    """An open circuit is passed as long as something comes back through it."""
    town = Town(lambda _: rate, primaries, deadline=5.0).run()

    assert town.share("primary") > 1 - rate - 0.02


def test_where_there_is_somebody_else_an_ill_deployment_is_left_alone():
    """Seven failures in ten: opening is right."""
    town = Town(lambda _: 0.7, backed=True).run()

    assert town.share("primary", "spare") == 1
    assert len(town.asked) < 200


def test_without_last_resort_an_open_circuit_is_an_open_circuit():
    """Whoever wants it strict can have it."""
    strict = BreakerPolicy(opening=Opening(last_resort=0))

    town = Town(lambda _: 0.7, deadline=0.5, breaker=strict).run()

    assert town.share("NoDeploymentReady") > 0.5


def minute_of_outage(now: float) -> float:
    return 1.0 if 20 <= now < 80 else 0.0


@pytest.mark.parametrize("backed", [True, False])
def test_a_dead_deployment_is_probed_seldom_and_back_soon(backed):
    """A minute's outage, with somebody else and with nobody: few attempts, and no herd after."""
    town = Town(minute_of_outage, backed=backed).run(1300)

    # In the first half second answers from before the outage still come in between.
    dead = [now for now in town.asked if 20.5 <= now < 80]
    back = min(now for now, said in town.said if said == "primary" and now > 80)
    assert len(dead) <= 12
    assert back - 80 < 20
    assert all(said == "primary" for now, said in town.said if now > back + 2)
