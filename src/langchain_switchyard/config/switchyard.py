"""The loaded fleet: deployments, the chat model in front of them, and what must be closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.routing.deployment import Deployment

if TYPE_CHECKING:
    from langchain_switchyard.config.env import Limits
    from langchain_switchyard.providers.http import HttpClients
    from langchain_switchyard.routing.chat_model import ChatSwitchyard

DEFAULT = "default"
"""Name of the chat model that uses the whole fleet."""


class Switchyard:
    """A fleet of deployments and the chat model in front of it.

    Example:
        ```python
        with Switchyard.from_env() as yard:
            yard.chat().invoke("hi")
        ```
    """

    def __init__(
        self,
        deployments: Sequence[Deployment],
        *,
        limits: Limits | None = None,
        clients: HttpClients | None = None,
    ) -> None:
        """Keep the fleet, and the HTTP clients to close with it; nothing is opened or called."""
        if not deployments:
            raise ConfigurationError("a fleet needs at least one deployment")
        self._deployments = tuple(deployments)
        self._limits = limits
        self._clients = clients
        self._chats: dict[str, ChatSwitchyard] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """The fleet that the environment describes; without any key, the offline model alone.

        Args:
            env: Where to read; default: the process's environment.

        Raises:
            ConfigurationError: A value is wrong; says which variable, its value, what is allowed.
        """
        # Late: whoever only routes need not load the presets.
        from langchain_switchyard.config.env import read_fleet, read_limits  # noqa: PLC0415
        from langchain_switchyard.providers.http import HttpClients  # noqa: PLC0415

        env = os.environ if env is None else env
        clients = HttpClients()
        return cls(read_fleet(env, clients), limits=read_limits(env), clients=clients)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """Who can answer, best tier first."""
        return self._deployments

    def chat(self, name: str = DEFAULT) -> ChatSwitchyard:
        """The chat model in front of the fleet; always the same object for one name."""
        if name != DEFAULT:
            raise ConfigurationError(f"unknown chat model {name!r}; known is {DEFAULT!r}")
        with self._lock:
            if name not in self._chats:
                self._chats[name] = self._build()
            return self._chats[name]

    def close(self) -> None:
        """Close the HTTP connections; connections of other running loops close soon after."""
        if self._clients is not None:
            self._clients.close()

    async def aclose(self) -> None:
        """Close the HTTP connections."""
        if self._clients is not None:
            await self._clients.aclose()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the HTTP connections."""
        self.close()

    async def __aenter__(self) -> Self:
        """Use as an asynchronous context manager."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the HTTP connections."""
        await self.aclose()

    def __repr__(self) -> str:
        """The deployments' names; nothing secret."""
        return f"Switchyard({', '.join(one.id for one in self._deployments)})"

    def _build(self) -> ChatSwitchyard:
        # Late: whoever only describes a fleet need not load the pipeline.
        from langchain_switchyard.routing.chat_model import ChatSwitchyard  # noqa: PLC0415
        from langchain_switchyard.routing.retry import RetryPolicy  # noqa: PLC0415
        from langchain_switchyard.routing.timeouts import Timeouts  # noqa: PLC0415

        policies: dict[str, Any] = {}
        limits = self._limits
        if limits is not None and limits.max_attempts is not None:
            policies["retry"] = RetryPolicy(max_attempts=limits.max_attempts)
        if limits is not None and limits.timeout is not None:
            # A request must be allowed to last as long as one of its attempts.
            deadline = max(Timeouts().deadline or 0.0, limits.timeout)
            policies["timeouts"] = Timeouts(total=limits.timeout, deadline=deadline)
        return ChatSwitchyard(deployments=list(self._deployments), **policies)
