"""Why a request is refused, and how a provider words it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Wording(NamedTuple):
    """One refusal. `{model}`, `{key}` and `{detail}` in the message are filled in."""

    status: int
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None


@dataclass(frozen=True)
class Problem:
    """Why a request is refused, before any provider words it.

    Args:
        kind: A key of the dialects' tables.
        status: Overrides the table's HTTP status.
        message: Overrides the table's message.
        code: Overrides the table's code.
        detail: Fills `{detail}` in the table's message.
        headers: Sent with the refusal.
    """

    kind: str
    status: int | None = None
    message: str | None = None
    code: str | None = None
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def worded(problem: Problem, wording: Wording, model: str, key: str = "") -> str:
    """Return the message of a refusal with its facts filled in."""
    shown = f"{key[:3]}***{key[-4:]}" if len(key) > 8 else "***"
    text = problem.message or wording.message
    return (
        text.replace("{model}", model).replace("{key}", shown).replace("{detail}", problem.detail)
    )
