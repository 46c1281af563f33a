"""Who is asked, as far as answers depend on it: the models of the preferred tier.

Deployments of later tiers are left out: adding one must not empty the cache, and what they answer
in an outage is stored for a short time only.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretBytes, SecretStr

from langchain_switchyard.cache.errors import Uncacheable
from langchain_switchyard.cache.keys.canonical import canonical, parameters
from langchain_switchyard.routing.layer import Candidates

_log = logging.getLogger(__name__)

_ADDRESSES = ("base_url", "openai_api_base", "azure_endpoint", "anthropic_api_url", "endpoint")


@dataclass(frozen=True, slots=True)
class Route:
    """What of a fleet goes into the key and the rules."""

    identity: str
    tier: int
    """The preferred tier; answers of later ones are second choice."""
    temperature: float | None
    """The highest that a model of the preferred tier is configured with; None: not known."""


def route_of(candidates: Candidates, name: str | None = None) -> Route:
    """The route of a fleet.

    Args:
        candidates: Everybody who could be asked.
        name: Identity given by the policy, instead of the models'.
    """
    tier = min(state.deployment.tier for state in candidates)
    preferred = [state.deployment for state in candidates if state.deployment.tier == tier]
    heats = [_temperature(deployment) for deployment in preferred]
    known = [heat for heat in heats if heat is not None]
    if name is None:
        forms = sorted({_identity(d.model, d.bound, d.id) for d in preferred})
        name = hashlib.sha256(b"\0".join(forms)).hexdigest()[:32]
    return Route(name, tier, max(known, default=None))


def _temperature(deployment: Any) -> float | None:
    heat = deployment.bound.get("temperature", getattr(deployment.model, "temperature", None))
    return float(heat) if isinstance(heat, (int, float)) else None


def _identity(model: BaseChatModel, bound: Mapping[str, Any], deployment_id: str) -> bytes:
    cls = type(model)
    addresses = [str(getattr(model, name, None) or "") for name in _ADDRESSES]
    try:
        facts = parameters({**_configured(model), **bound})
        return canonical([cls.__module__, cls.__qualname__, addresses, facts])
    except Uncacheable as reason:
        _log.info(
            "deployment %s cannot be named in cache keys (%s): its answers are shared only within "
            "this process; CachePolicy(route=...) names it by hand",
            deployment_id,
            reason,
        )
        return uuid.uuid4().bytes


def _configured(model: BaseChatModel) -> dict[str, Any]:
    """A model's own settings: what it declares for caches, and what it was made with.

    Models that declare nothing count by all their fields, for LangChain's default names none.
    """
    facts = dict(model._identifying_params)  # noqa: SLF001 - made for caches.
    declares = type(model)._identifying_params is not BaseChatModel._identifying_params  # noqa: SLF001
    if model.is_lc_serializable():
        made_with: Any = model.to_json()
        facts.update(made_with.get("kwargs") or {})
    elif not declares:
        fields = type(model).model_fields
        facts.update(
            {name: getattr(model, name) for name, field in fields.items() if not field.exclude}
        )
    return {name: value for name, value in facts.items() if not _is_secret(value)}


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("lc") == 1 and value.get("type") == "secret"
    return isinstance(value, (SecretStr, SecretBytes))
