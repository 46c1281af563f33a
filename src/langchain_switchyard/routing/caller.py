"""Who is asking: LangChain does not tell `_stream`, so it is told on the way.

`stream` and `astream` hand the caller down as a keyword; where LangChain itself gathers the chunks
of a call that looks plain (`ainvoke` inside a streaming graph), a context variable is set around
exactly that code.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from langchain_switchyard.routing.spans import LLMRun, Spans, spans_of_config, spans_of_run

KEYWORD = "switchyard_caller"
"""The keyword under which a caller travels from `stream` to `_stream`, and no further."""

_gathering: ContextVar[LLMRun | None] = ContextVar("switchyard_gathering", default=None)
"""The run inside which LangChain sums our chunks itself."""


class Caller(NamedTuple):
    """What matters of whoever reads a stream."""

    spans: Spans | None
    """Where its attempts are traced."""
    is_summed: bool = False
    """Whether LangChain sums the chunks; a reset chunk then replaces what came before."""
    is_protocol: bool = False
    """Whether the chunks become events of the content-block protocol, which knows no reset."""


def announce(config: RunnableConfig | None) -> tuple[RunnableConfig, Caller]:
    """The config with a run id chosen by us, so that attempts can be traced under that run."""
    config = ensure_config(config)
    run_id = config.get("run_id") or uuid4()
    return {**config, "run_id": run_id}, Caller(spans_of_config(config, run_id))


def caller_of(kwargs: dict[str, Any], run_manager: LLMRun | None) -> Caller:
    """Who called `_stream` with these arguments; takes the keyword out of them."""
    caller = kwargs.pop(KEYWORD, None)
    if isinstance(caller, Caller):
        return caller
    run = _gathering.get()
    # Only the event protocol (v3) hands its run manager down.
    return Caller(
        spans_of_run(run_manager or run),
        is_summed=run is not None,
        is_protocol=run_manager is not None,
    )


class gathering:  # noqa: N801 - reads as the statement it is; a generator would cost 1 µs more.
    """Inside `with gathering(run):`, streams are summed for their caller by LangChain."""

    __slots__ = ("_run", "_token")

    def __init__(self, run: LLMRun | None) -> None:
        """Name the run that the sum belongs to."""
        self._run = run

    def __enter__(self) -> None:
        """Tell it to whoever is called from here on."""
        self._token = _gathering.set(self._run)

    def __exit__(self, *_: object) -> None:
        """No longer."""
        _gathering.reset(self._token)
