"""Providers that this program adds to the known ones while it runs.

Packages add theirs by an entry point, which needs no import to take effect (see `catalog`). A
program that wants a name of its own, in `LLM_DEFAULT_PROVIDER` or `deployment("acme")`, says so
here. This is the one register that lives as long as the process; the function that takes an entry
out again keeps tests apart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers.preset import Preset
from langchain_switchyard.routing.deployment import Deployment


@dataclass(frozen=True)
class FactoryPreset:
    """A preset made of any function that makes a deployment."""

    name: str
    factory: Callable[..., Deployment]
    variables: tuple[str, ...] = ()
    """Environment variables without which it is not configured; none: never by itself."""

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Whether all its variables are set."""
        return bool(self.variables) and all(env.get(name, "").strip() for name in self.variables)

    def __call__(self, model: str | None = None, **options: Any) -> Deployment:
        """Make one deployment, with the options that were given."""
        return self.factory(model, **options)


class Registry:
    """Names and presets, safe to use from any thread."""

    def __init__(self) -> None:
        """Start empty."""
        self._presets: dict[str, Preset] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Preset | None:
        """The preset registered under a name in lower case."""
        return self._presets.get(name)

    def names(self) -> list[str]:
        """All registered names, in the order they came."""
        return list(self._presets)

    def add(self, preset: Preset) -> Callable[[], None]:
        """Register; the result takes it out again.

        Raises:
            ConfigurationError: The name is empty, or taken by another one registered here.
        """
        name = preset.name.strip().lower()
        if not name:
            raise ConfigurationError("a provider needs a name")
        with self._lock:
            if name in self._presets:
                raise ConfigurationError(f"provider {name!r} is registered already")
            self._presets[name] = preset

        def remove() -> None:
            with self._lock:
                if self._presets.get(name) is preset:
                    del self._presets[name]

        return remove


REGISTERED = Registry()
"""What this process has registered."""


def register_provider(
    name: str, factory: Callable[..., Deployment], *, variables: Sequence[str] = ()
) -> Callable[[], None]:
    """Make a provider known by name, for `deployment(name)` and fleets out of the environment.

    Example:
        ```python
        def acme(model=None, **options):
            return openai_compatible("acme", "https://api.acme.example/v1", model, **options)


        remove = register_provider("acme", acme, variables=["ACME_API_KEY"])
        ```

    Args:
        name: What it is asked for by; it wins over a preset of ours with the same name.
        factory: Called with `(model, **options)` as any preset; returns a deployment.
        variables: Environment variables that, all set, put it into `Switchyard.from_env()`.

    Returns:
        A function that takes it out again.
    """
    return REGISTERED.add(FactoryPreset(name, factory, tuple(variables)))
