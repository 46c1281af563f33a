"""`switchyard check`: who is configured, and who is well."""

from __future__ import annotations

import os
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langchain_switchyard.cli.console import Console
from langchain_switchyard.cli.failure import FAILED
from langchain_switchyard.config import Switchyard
from langchain_switchyard.errors import SwitchyardError
from langchain_switchyard.providers import Health, health_check, preset, preset_names
from langchain_switchyard.providers.health import PROBE, PROBE_TOKENS
from langchain_switchyard.routing.deployment import Deployment


def run(options: Namespace, console: Console) -> int:
    """Check every configured deployment; 1 if one of them is not well."""
    with Switchyard.from_env() as yard:
        healths = _ask_all(yard.deployments, spend=options.spend)
        rows = [
            _row(deployment, health)
            for deployment, health in zip(yard.deployments, healths, strict=True)
        ]
    missing = _not_configured()
    is_well = all(health.ok for health in healths)
    if console.as_json:
        deployments = {"deployments": rows, "not_configured": missing}
        console.emit({"ok": is_well, "spent": options.spend, **deployments})
    else:
        _show(rows, missing, console)
        console.say(_cost(len(rows) - 1, spent=options.spend))
    return 0 if is_well else FAILED


def _ask_all(deployments: tuple[Deployment, ...], *, spend: bool) -> list[Health]:
    # Side by side: one that does not answer must not hold up the others.
    with ThreadPoolExecutor(max_workers=len(deployments)) as pool:
        return list(pool.map(lambda one: health_check(one, spend=spend), deployments))


def _row(deployment: Deployment, health: Health) -> dict[str, Any]:
    return {
        "id": deployment.id,
        "model": deployment.model_name,
        "tier": deployment.tier,
        "ok": health.ok,
        "can_tell": health.can_tell,
        "latency": round(health.latency, 3),
        "kind": None if health.kind is None else str(health.kind),
        "message": " ".join(health.message.split()),
    }


def _not_configured() -> dict[str, str]:
    """Provider -> what it lacks."""
    missing = {}
    for name in preset_names():
        one = preset(name)
        if one.is_configured(os.environ):
            continue
        try:
            one(env=os.environ)
        except SwitchyardError as error:
            missing[name] = " ".join(str(error).split())
    return missing


def _show(rows: list[dict[str, Any]], missing: dict[str, str], console: Console) -> None:
    console.heading("configured, in the order they are asked")
    for row in rows:
        mark = ("ok  " if row["can_tell"] else "?   ") if row["ok"] else "FAIL"
        console.say(f"  {mark} tier {row['tier']}  {row['id']}  {row['model']}  {row['latency']} s")
        console.say(f"       {row['message']}")
    if missing:
        console.heading("not configured")
        for reason in missing.values():
            console.say(f"  {reason}")


def _cost(providers: int, *, spent: bool) -> str:
    if not providers:
        return "Nothing was spent: the offline model is free."
    if spent:
        return "Each provider was asked for one word, which it bills."
    return (
        "Nothing was spent: lists of models are free, but do not prove that a model answers. "
        f"`switchyard check --spend` asks each of {providers} for one word: {len(PROBE)} "
        f"characters sent, at most {PROBE_TOKENS} tokens back; a small fraction of a cent each."
    )
