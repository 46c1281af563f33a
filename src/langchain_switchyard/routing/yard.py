"""A router's own side: the pipeline, and what is remembered of the deployments behind it."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.breaker import tell_change
from langchain_switchyard.routing.call import Call, Reply
from langchain_switchyard.routing.circuit import Breaker, BreakerPolicy, BreakerState
from langchain_switchyard.routing.clock import World
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.effects import Steps
from langchain_switchyard.routing.events import Audience
from langchain_switchyard.routing.layer import Handler
from langchain_switchyard.routing.state import DeploymentState


class Yard:
    """Everything of a router that lives longer than a request.

    Args:
        states: What is remembered of each deployment, best tier first.
        handler: The pipeline.
        audience: Who is told what is done by hand.
        world: Time and chance.
    """

    def __init__(
        self,
        states: Sequence[DeploymentState],
        handler: Handler,
        audience: Audience,
        world: World,
    ) -> None:
        """Put the parts together."""
        self._audience = audience
        self.states = states
        self.clock = world.clock
        self._handler = handler

    def handle(self, call: Call) -> Steps[Reply]:
        """The flow of one call, for a driver to drive."""
        return self._handler(call, self.states)

    def state(self, deployment: str) -> DeploymentState:
        """What is remembered of one deployment.

        Raises:
            ConfigurationError: There is none of that id; lists those there are.
        """
        for state in self.states:
            if state.deployment.id == deployment:
                return state
        known = ", ".join(state.deployment.id for state in self.states)
        raise ConfigurationError(f"no deployment {deployment!r}; there are: {known}")

    def isolate(self, deployment: str) -> None:
        """Take a deployment out by hand."""
        before = self.state(deployment).breaker.isolate()
        tell_change(self._audience, deployment, before, BreakerState.ISOLATED, None)

    def restore(self, deployment: str) -> None:
        """Let a deployment be asked again at once."""
        before = self.state(deployment).restore()
        tell_change(self._audience, deployment, before, BreakerState.CLOSED, None)


def states_of(
    deployments: Sequence[Deployment], policy: BreakerPolicy, connect: float | None, world: World
) -> list[DeploymentState]:
    """A fresh state for each deployment, best tier first.

    Raises:
        ConfigurationError: Two deployments have the same id.
    """
    ids = [deployment.id for deployment in deployments]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigurationError(
            f"deployment ids must be unique, {', '.join(twice)} appears twice: give each an id"
        )
    by_tier = sorted(deployments, key=lambda deployment: deployment.tier)
    return [
        DeploymentState(deployment, Breaker(policy, world.random), connect)
        for deployment in by_tier
    ]
