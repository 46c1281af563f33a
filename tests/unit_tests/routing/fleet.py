"""Small fleets for the tests of this folder."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_switchyard import ChatSwitchyard, Deployment, World
from langchain_switchyard.routing.call import Call, CallOptions
from langchain_switchyard.routing.circuit import Breaker, BreakerPolicy
from langchain_switchyard.routing.failures import Outcome
from langchain_switchyard.routing.state import DeploymentState
from langchain_switchyard.testing import FakeClock, ScriptedChatModel


def scripted(
    name: str, *script: Any, clock: FakeClock | None = None, **fields: Any
) -> ScriptedChatModel:
    """A scripted model called `name`."""
    return ScriptedChatModel(
        script=list(script), model_name=name, clock=clock or FakeClock(), **fields
    )


def fleet(
    *tiers: ScriptedChatModel | Sequence[ScriptedChatModel],
    clock: FakeClock | None = None,
    traits: Any = None,
    **settings: Any,
) -> ChatSwitchyard:
    """A router over one tier per argument; a list is a tier of several. Time is fake."""
    deployments = [
        Deployment(model, id=model.model_name, tier=tier, traits=traits)
        for tier, models in enumerate(tiers)
        for model in (models if isinstance(models, list | tuple) else [models])
    ]
    world = World(clock=clock or FakeClock(), random=random.Random(7))
    return ChatSwitchyard(deployments=deployments, world=world, **settings)


def state(name: str = "a", model: Any = None, **fields: Any) -> DeploymentState:
    """A deployment's state on its own."""
    deployment = Deployment(model or scripted(name, "ok"), id=name, **fields)
    return DeploymentState(deployment, Breaker(BreakerPolicy(), random.Random(7)))


def call(**fields: Any) -> Call:
    """A call that asks for nothing special."""
    values = {"messages": [], "stop": None, "kwargs": {}, "options": CallOptions()}
    return Call(**{**values, **fields})


def story(message: Any) -> dict[str, Any]:
    """What the answer tells of how it came about."""
    told: dict[str, Any] = message.response_metadata["switchyard"]
    return told


def asked(message: Any) -> list[str]:
    """Who was asked, in order."""
    return [attempt["deployment"] for attempt in story(message)["attempts"]]


def chunk(text: str, **info: Any) -> ChatGenerationChunk:
    """One chunk of a stream."""
    return ChatGenerationChunk(message=AIMessageChunk(content=text), generation_info=info or None)


def shut(one: DeploymentState, seconds: float, now: float = 0.0) -> None:
    """Open a deployment's circuit for so long."""
    permit = one.breaker.acquire(now)
    assert permit is not None
    one.breaker.settle(permit, Outcome.FAILURE, now, open_for=seconds)
