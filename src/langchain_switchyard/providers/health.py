"""Asks one deployment whether it is well: its address, its key, its model.

By default by the list of models, which is free and touches no quota; a list that works does not
prove that the model itself answers. `spend=True` asks the model for one word instead, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.base import BaseMessage
from pydantic import SecretStr

from langchain_switchyard.providers.models import NoModelList, alist_models, list_models
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import classify

PROBE = "Reply with the single word OK."
"""What a chat probe sends."""

PROBE_TOKENS = 16
"""The most a chat probe lets the model write (some models refuse less)."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What a check found.

    Attributes:
        ok: Whether the deployment can be used, as far as the check can tell.
        latency: Seconds until the answer.
        kind: What failed, or None.
        message: What was asked and what came of it, for people; holds no secrets.
        models: Models seen; empty after a chat probe.
        can_tell: Whether anything was found out. Some models have no free list: then `ok` says only
            that nothing speaks against them.
    """

    ok: bool
    latency: float
    kind: Kind | None
    message: str
    models: tuple[str, ...] = ()
    can_tell: bool = True


def health_check(
    deployment: Deployment, *, spend: bool = False, now: Callable[[], float] = time.monotonic
) -> Health:
    """Check one deployment; failures are described, never raised.

    Args:
        deployment: Whom to ask.
        spend: Ask the model itself instead of the free list of models.
        now: Seconds; injected by tests.
    """
    began = now()
    try:
        if spend:
            answer = deployment.model.invoke(_probe(), **_limits(deployment))
            return _answered(deployment, answer, now() - began)
        return _listed(deployment, list_models(deployment), now() - began)
    except NoModelList as error:
        return _unknown(error, now() - began)
    except Exception as error:  # noqa: BLE001 - to report any failure is the purpose.
        return _failed(deployment, error, now() - began, spend=spend)


async def ahealth_check(
    deployment: Deployment, *, spend: bool = False, now: Callable[[], float] = time.monotonic
) -> Health:
    """Check one deployment; failures are described, never raised. See `health_check`."""
    began = now()
    try:
        if spend:
            answer = await deployment.model.ainvoke(_probe(), **_limits(deployment))
            return _answered(deployment, answer, now() - began)
        return _listed(deployment, await alist_models(deployment), now() - began)
    except NoModelList as error:
        return _unknown(error, now() - began)
    except Exception as error:  # noqa: BLE001 - to report any failure is the purpose.
        return _failed(deployment, error, now() - began, spend=spend)


def _probe() -> list[BaseMessage]:
    return [HumanMessage(PROBE)]


def _limits(deployment: Deployment) -> dict[str, Any]:
    limit = "max_tokens" if hasattr(deployment.model, "max_tokens") else None
    return {**deployment.bound, **({limit: PROBE_TOKENS} if limit else {})}


def _listed(deployment: Deployment, models: list[str], latency: float) -> Health:
    wanted = deployment.model_name
    # An empty list is no verdict: some gateways do not fill it. Azure lists models, not names.
    listed = wanted in models or f"{wanted}:latest" in models
    known = not models or listed or deployment.provider == "azure"
    message = f"{deployment.id}: read the list of models, which is free; {len(models)} seen"
    if not known:
        message += f"; {wanted!r} is not among them"
    return Health(
        ok=known,
        latency=latency,
        kind=None if known else Kind.AUTH,
        message=message,
        models=tuple(models),
    )


def _unknown(error: NoModelList, latency: float) -> Health:
    message = f"{error}; cannot tell for free, only by asking the model (spend=True)"
    return Health(ok=True, latency=latency, kind=None, message=message, can_tell=False)


def _answered(deployment: Deployment, answer: AIMessage, latency: float) -> Health:
    usage = answer.usage_metadata
    message = f"{deployment.id}: sent a chat request of {len(PROBE)} characters, which is billed"
    if usage is not None:
        message += f": {usage['input_tokens']} + {usage['output_tokens']} tokens"
        if deployment.price is not None:
            cost = deployment.price.cost(usage)
            message += f", {cost:.6f} {deployment.price.currency}"
    return Health(ok=True, latency=latency, kind=None, message=message)


def _failed(deployment: Deployment, error: Exception, latency: float, *, spend: bool) -> Health:
    failure = classify(error, deployment.traits.errors, wall=time.time())
    asked = "a chat request, billed if it was served" if spend else "the free list of models"
    words = without_secrets(str(failure), deployment.model)
    return Health(
        ok=False,
        latency=latency,
        kind=failure.kind,
        message=f"{deployment.id}: asked for {asked}: {words}",
    )


def without_secrets(text: str, model: Any) -> str:
    """A text without the secrets a model holds; providers like to quote the key they refuse."""
    for value in vars(model).values():
        if isinstance(value, SecretStr) and value.get_secret_value():
            text = text.replace(value.get_secret_value(), "***")
    return text
