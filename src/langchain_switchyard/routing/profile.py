"""What can be promised for whoever answers: the intersection of all deployments' profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from langchain_core.language_models.model_profile import ModelProfile

from langchain_switchyard.routing.deployment import Deployment


def common_profile(deployments: Sequence[Deployment]) -> ModelProfile | None:
    """Abilities that all have, and the smallest of their limits.

    What a deployment does not declare cannot be promised, so a key survives only where every
    profile has it. Deployments without any profile say nothing and make the result None.
    """
    profiles: list[dict[str, Any]] = [_declared(deployment) for deployment in deployments]
    if not profiles or not all(profiles):
        return None
    common: dict[str, Any] = {}
    for key in set.intersection(*(set(profile) for profile in profiles)):
        values = [profile[key] for profile in profiles]
        if all(isinstance(value, bool) for value in values):
            common[key] = all(values)
        elif all(isinstance(value, int) for value in values):
            common[key] = min(values)
        elif all(value == values[0] for value in values):
            common[key] = values[0]
    return cast("ModelProfile", common) if common else None


def _declared(deployment: Deployment) -> dict[str, Any]:
    """A model's profile, with the context window that its owner declared."""
    profile: dict[str, Any] = dict(deployment.model.profile or {})
    if deployment.context_window is not None:
        profile["max_input_tokens"] = deployment.context_window
    return profile
