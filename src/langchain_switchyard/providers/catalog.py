"""Finds presets by name: ours, those that installed packages bring, and this program's own.

A package adds a provider by an entry point; a program by `register_provider` (see `registry`):

```toml
[project.entry-points."langchain_switchyard.providers"]
acme = "acme_switchyard:acme"     # a Preset
```
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Unpack

from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers.preset import Options, Preset
from langchain_switchyard.providers.registry import REGISTERED
from langchain_switchyard.routing.deployment import Deployment

GROUP = "langchain_switchyard.providers"
"""Group of entry points."""

BUILT_IN = (
    "qwen",
    "openai",
    "azure",
    "anthropic",
    "zhipu",
    "deepseek",
    "moonshot",
    "minimax",
    "qianfan",
    "volcengine",
    "ollama",
    "tongyi",
    "local",
)
"""Our presets, in the order in which a fleet prefers them when nobody says otherwise."""

ALIASES: Mapping[str, str] = {
    "dashscope": "qwen",
    "azure_openai": "azure",
    "zhipuai": "zhipu",
    "glm": "zhipu",
    "kimi": "moonshot",
    "claude": "anthropic",
    "ark": "volcengine",
    "doubao": "volcengine",
    "ernie": "qianfan",
}


def preset(name: str) -> Preset:
    """The preset of that name; this program's own wins over an installed package's, that over ours.

    Raises:
        ConfigurationError: Nobody knows the name; lists those that are known.
    """
    wanted = name.strip().lower()
    registered = REGISTERED.get(wanted)
    if registered is not None:
        return registered
    for entry in entry_points(group=GROUP):
        if entry.name == wanted:
            return _checked(entry.load(), wanted)
    wanted = ALIASES.get(wanted, wanted)
    if wanted not in BUILT_IN:
        raise ConfigurationError(
            f"unknown provider {name!r}; known are {', '.join(preset_names())}. For another "
            "OpenAI-compatible endpoint use openai_compatible(name, base_url, model)"
        )
    module = importlib.import_module(f"langchain_switchyard.providers.{wanted}")
    return _checked(getattr(module, wanted), wanted)


def preset_names() -> list[str]:
    """All names that `preset` knows, ours first."""
    others = sorted(entry.name for entry in entry_points(group=GROUP))
    return list(dict.fromkeys((*BUILT_IN, *others, *REGISTERED.names())))


def deployment(provider: str, model: str | None = None, **options: Unpack[Options]) -> Deployment:
    """A deployment of a provider named by a text: `deployment("qwen", "qwen-plus", tier=0)`."""
    return preset(provider)(model, **options)


def _checked(found: object, name: str) -> Preset:
    if not isinstance(found, Preset):
        raise ConfigurationError(
            f"provider {name!r} is {type(found).__name__}, which is no preset: it needs a name, "
            "is_configured(env) and a call that returns a Deployment"
        )
    return found
