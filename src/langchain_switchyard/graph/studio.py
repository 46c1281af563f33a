"""The assistant for LangGraph Studio and `langgraph dev`, which bring their own checkpointer.

Models come from the environment (the offline one without any key), documents from the folder named
by `SWITCHYARD_DOCS` or by `configurable.docs` of the assistant.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.runnables import RunnableConfig

from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph.assistant import Assistant, build_assistant

if TYPE_CHECKING:
    from langchain_switchyard.retrieval import HybridRetriever


@asynccontextmanager
async def make_graph(config: RunnableConfig) -> AsyncIterator[Assistant]:
    """Build the assistant that `langgraph.json` names, and close everything after the run.

    The server enters this in its event loop for each run, and refuses whatever blocks there.

    Args:
        config: Of the run; `configurable.docs` names a folder of documents.

    Raises:
        ConfigurationError: The environment or the folder cannot work; says what to do.
    """
    docs = (config.get("configurable") or {}).get("docs") or os.environ.get("SWITCHYARD_DOCS")
    async with await asyncio.to_thread(Switchyard.from_env) as yard:
        library = await asyncio.to_thread(_open_library, docs) if docs else None
        try:
            yield await asyncio.to_thread(lambda: build_assistant(yard.chat(), retriever=library))
        finally:
            if library is not None:
                await asyncio.to_thread(library.close)


def _open_library(docs: str) -> HybridRetriever:
    # Late: whoever has no documents need not have numpy.
    from langchain_switchyard.retrieval import HybridRetriever  # noqa: PLC0415

    library = HybridRetriever.open(Path(".switchyard") / "studio", create=True)
    try:
        library.sync_folder(docs)
    except BaseException:
        library.close()
        raise
    return library
