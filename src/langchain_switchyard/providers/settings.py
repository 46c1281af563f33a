"""What the environment says about one provider: `TONGYI_API_KEY` and its four companions.

Secrets become `SecretStr` here, in the line that reads them, and are never printed afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import SecretStr

from langchain_switchyard.errors import ConfigurationError

Number = TypeVar("Number", int, float)

_PLACEHOLDERS = frozenset({"your_api_key", "your-api-key", "changeme", "xxx", "<your-api-key>"})
"""What example files hold in place of a key; as good as no key."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One provider's values from the environment; None where it says nothing."""

    api_key: SecretStr | None = None
    base_url: str | None = None
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None


def read_settings(
    prefix: str, env: Mapping[str, str] | None = None, other_keys: Sequence[str] = ()
) -> Settings:
    """`PREFIX_API_KEY`, `_BASE_URL`, `_MODEL`, `_MAX_TOKENS` and `_TEMPERATURE`.

    Args:
        prefix: `TONGYI`, `OPENAI`...
        env: Where to read; default: the process's environment.
        other_keys: Further variables that may hold the key, asked in this order.

    Raises:
        ConfigurationError: A number is none, or out of range; names the variable and the value.
    """
    env = os.environ if env is None else env
    key = next(
        (k for name in (f"{prefix}_API_KEY", *other_keys) if (k := read_key(env, name))), None
    )
    return Settings(
        api_key=key,
        base_url=read_text(env, f"{prefix}_BASE_URL"),
        model=read_text(env, f"{prefix}_MODEL"),
        max_tokens=read_number(env, f"{prefix}_MAX_TOKENS", int, least=1),
        temperature=read_number(env, f"{prefix}_TEMPERATURE", float, least=0, most=2),
    )


def read_text(env: Mapping[str, str], name: str) -> str | None:
    """A variable without the blanks around it; None if it is missing or empty."""
    return env.get(name, "").strip() or None


def read_key(env: Mapping[str, str], name: str) -> SecretStr | None:
    """A secret; None if it is missing, empty, or an example file's placeholder."""
    value = read_text(env, name)
    if value is None or value.lower() in _PLACEHOLDERS:
        return None
    return SecretStr(value)


def read_number(
    env: Mapping[str, str],
    name: str,
    kind: Callable[[str], Number],
    *,
    least: float = 0,
    most: float | None = None,
) -> Number | None:
    """A number within its range; None if the variable is missing or empty."""
    text = read_text(env, name)
    if text is None:
        return None
    allowed = f"at least {least:g}" if most is None else f"{least:g} to {most:g}"
    what = "a whole number" if kind is int else "a number"
    try:
        number = kind(text)
    except ValueError:
        raise ConfigurationError(f"{name}={text!r} is not {what}; allowed: {allowed}") from None
    # Written so that NaN, which compares to nothing, is refused too.
    if not (number >= least and (most is None or number <= most)):
        raise ConfigurationError(f"{name}={text!r} is out of range; allowed: {allowed}")
    return number
