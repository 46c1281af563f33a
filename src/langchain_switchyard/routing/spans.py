"""Attempt spans: what the caller's tracers see of the attempts inside one model run.

They are chain-type runs under the caller's own LLM run, never LLM runs of their own: those would
double every token and every usage count in `stream_mode="messages"`, `astream_events` and usage
callbacks. Nothing is built when nobody listens.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForChainRun,
    AsyncCallbackManagerForLLMRun,
    BaseCallbackManager,
    CallbackManager,
    CallbackManagerForChainRun,
    CallbackManagerForLLMRun,
)
from langchain_core.runnables import RunnableConfig

from langchain_switchyard.routing.call import Attempt


class Spans:
    """Opens one span per attempt under the caller's run."""

    def __init__(self, parent: UUID, source: BaseCallbackManager | LLMRun) -> None:
        """Listen with the inheritable handlers of `source`, under the run `parent`."""
        self._parent = parent
        self._source = source

    def begin(self, attempt: Attempt) -> CallbackManagerForChainRun:
        """Open a span in sync code."""
        manager = CallbackManager(**self._inherited())
        return manager.on_chain_start(None, _inputs(attempt), name=_name(attempt))

    async def abegin(self, attempt: Attempt) -> AsyncCallbackManagerForChainRun:
        """Open a span in async code."""
        manager = AsyncCallbackManager(**self._inherited())
        return await manager.on_chain_start(None, _inputs(attempt), name=_name(attempt))

    def _inherited(self) -> dict[str, Any]:
        source = self._source
        handlers = list(source.inheritable_handlers)
        return {
            "handlers": handlers,
            "inheritable_handlers": list(handlers),
            "parent_run_id": self._parent,
            "tags": list(source.inheritable_tags),
            "inheritable_tags": list(source.inheritable_tags),
            "metadata": dict(source.inheritable_metadata),
            "inheritable_metadata": dict(source.inheritable_metadata),
        }


LLMRun = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun


def spans_of_run(run: LLMRun | None) -> Spans | None:
    """Spans under a run that is open already, if anybody follows it into its children."""
    if run is None or not run.inheritable_handlers:
        return None
    return Spans(run.run_id, run)


def spans_of_config(config: RunnableConfig, run_id: UUID) -> Spans | None:
    """Spans under the run that a call with this config is about to open with this id."""
    callbacks = config.get("callbacks")
    if not callbacks:
        return None
    manager = CallbackManager.configure(
        callbacks, inheritable_tags=config.get("tags"), inheritable_metadata=config.get("metadata")
    )
    return Spans(run_id, manager) if manager.inheritable_handlers else None


def _name(attempt: Attempt) -> str:
    return f"attempt:{attempt.deployment_id}"


def _inputs(attempt: Attempt) -> dict[str, Any]:
    deployment = attempt.state.deployment
    return {"deployment": deployment.id, "tier": deployment.tier, "attempt": attempt.number}
