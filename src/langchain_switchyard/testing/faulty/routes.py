"""Which path is what."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote

from langchain_switchyard.testing.faulty.dialects.anthropic import Anthropic
from langchain_switchyard.testing.faulty.dialects.dashscope import DashScope
from langchain_switchyard.testing.faulty.dialects.dashscope_rerank import DashScopeRerank
from langchain_switchyard.testing.faulty.dialects.dialect import Dialect
from langchain_switchyard.testing.faulty.dialects.ollama import Ollama
from langchain_switchyard.testing.faulty.dialects.openai import Azure, OpenAI, Qwen, Zhipu

What = Literal["completion", "embeddings", "models", "model", "tags", "unknown"]


class Route(NamedTuple):
    """What a request is for, and whose words the answer uses."""

    what: What
    dialect: Dialect
    name: str = ""
    """The model asked about, if any."""


_OPENAI = OpenAI()
_OLLAMA = Ollama()
_FLAVOURS: tuple[tuple[str, Dialect], ...] = (
    ("/openai/", Azure()),
    ("/compatible-mode/", Qwen()),
    ("/api/paas/", Zhipu()),
)
_EXACT: dict[tuple[str, str], Route] = {
    ("POST", "/v1/messages"): Route("completion", Anthropic()),
    ("POST", "/api/v1/services/aigc/text-generation/generation"): Route("completion", DashScope()),
    ("POST", "/api/v1/services/rerank/text-rerank/text-rerank"): Route(
        "completion", DashScopeRerank()
    ),
    ("POST", "/api/chat"): Route("completion", _OLLAMA),
    ("GET", "/api/tags"): Route("tags", _OLLAMA),
}


@lru_cache(maxsize=256)
def route(method: str, path: str) -> Route:
    """Find out what is asked for.

    Args:
        method: HTTP method.
        path: Without the query.
    """
    dialect: Dialect = next((one for prefix, one in _FLAVOURS if path.startswith(prefix)), _OPENAI)
    if found := _EXACT.get((method, path)):
        return found
    if method == "POST" and path.endswith("/chat/completions"):
        return Route("completion", dialect)
    if method == "POST" and path.endswith("/embeddings"):
        return Route("embeddings", dialect)
    if method == "GET" and path.endswith("/models"):
        return Route("models", dialect)
    if method == "GET" and "/models/" in path:
        return Route("model", dialect, unquote(path.rpartition("/models/")[2]))
    return Route("unknown", dialect)
