"""What the assistant can, for agents made with `create_agent` (extra `agents`)."""

from langchain_switchyard.errors import MissingExtra

try:
    from langchain_switchyard.graph.middleware.retrieval import (
        RetrievalMiddleware,
        RetrievalMiddlewareState,
    )
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"langchain", "langgraph"}:
        raise
    raise MissingExtra("middleware for agents", "agents") from error

__all__ = ["RetrievalMiddleware", "RetrievalMiddlewareState"]
