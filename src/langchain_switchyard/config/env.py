"""A fleet out of environment variables: every provider whose key is set, in a sensible order.

| variable | meaning |
|---|---|
| `LLM_DEFAULT_PROVIDER` | the provider asked first (`qwen`, `openai`, ...; `tongyi` means `qwen`) |
| `LLM_TIMEOUT` | seconds one attempt may take in total |
| `LLM_MAX_RETRIES` | further attempts after the first: attempts = retries + 1 |
| `TONGYI_API_KEY`, `OPENAI_API_KEY`, ... | what each provider's preset reads |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers.catalog import preset, preset_names
from langchain_switchyard.providers.http import HttpClients
from langchain_switchyard.providers.preset import Preset
from langchain_switchyard.providers.settings import read_number, read_text
from langchain_switchyard.routing.deployment import Deployment

LOCAL = "local"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits that the environment sets; None where it says nothing."""

    timeout: float | None = None
    """Seconds one attempt may take."""

    max_attempts: int | None = None
    """Attempts of one request, the first included."""


def read_limits(env: Mapping[str, str]) -> Limits:
    """`LLM_TIMEOUT` and `LLM_MAX_RETRIES`.

    Raises:
        ConfigurationError: A value is no number or out of range; names the variable.
    """
    timeout = read_number(env, "LLM_TIMEOUT", float, least=0.001, most=86_400)
    retries = read_number(env, "LLM_MAX_RETRIES", int, least=0, most=100)
    return Limits(timeout=timeout, max_attempts=None if retries is None else retries + 1)


def read_fleet(env: Mapping[str, str], clients: HttpClients) -> list[Deployment]:
    """One deployment for each configured provider: the default first, the offline model last.

    Raises:
        ConfigurationError: The default provider is unknown or not configured, or a value of a
            provider is wrong; names the variable.
    """
    first = _default(env)
    names = [name for name in preset_names() if name != LOCAL]
    presets: list[Preset] = [first] if first else []
    for name in names:
        one = preset(name)
        if one.is_configured(env) and one.name not in [known.name for known in presets]:
            presets.append(one)
    if not any(one.name == LOCAL for one in presets):
        presets.append(preset(LOCAL))
    return [
        one(id=one.name, tier=tier, env=env, clients=clients) for tier, one in enumerate(presets)
    ]


def _default(env: Mapping[str, str]) -> Preset | None:
    name = read_text(env, "LLM_DEFAULT_PROVIDER")
    if name is None:
        return None
    try:
        # The variables called TONGYI_... name the compatible endpoint: that is `qwen`.
        one = preset("qwen" if name.lower() == "tongyi" else name)
    except ConfigurationError as error:
        raise ConfigurationError(f"LLM_DEFAULT_PROVIDER={name!r}: {error}") from error
    if not one.is_configured(env):
        try:
            one(env=env)
        except ConfigurationError as error:
            raise ConfigurationError(f"LLM_DEFAULT_PROVIDER={name!r}, but {error}") from error
    return one
