"""The assistant for LangGraph Studio and `langgraph dev`, which bring their own checkpointer.

Models come from the environment (the offline one without any key), documents from the folder named
by `SWITCHYARD_DOCS` or by `configurable.docs` of the assistant.
"""

from __future__ import annotations

import os
from pathlib import Path

from langchain_core.runnables import RunnableConfig

from langchain_switchyard.config import Switchyard
from langchain_switchyard.graph.assistant import Assistant, build_assistant


def make_graph(config: RunnableConfig) -> Assistant:
    """Build the assistant that `langgraph.json` names.

    Args:
        config: Of the run; `configurable.docs` names a folder of documents.

    Raises:
        ConfigurationError: The environment or the folder cannot work; says what to do.
    """
    docs = (config.get("configurable") or {}).get("docs") or os.environ.get("SWITCHYARD_DOCS")
    model = Switchyard.from_env().chat()
    if not docs:
        return build_assistant(model)
    # Late: whoever has no documents need not have numpy.
    from langchain_switchyard.retrieval import HybridRetriever  # noqa: PLC0415

    retriever = HybridRetriever.open(Path(".switchyard") / "studio")
    retriever.sync_folder(docs)
    return build_assistant(model, retriever=retriever)
