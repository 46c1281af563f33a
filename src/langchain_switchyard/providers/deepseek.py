"""DeepSeek."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    phrases=(
        ("insufficient balance", Kind.QUOTA_EXHAUSTED),
        ("content exists risk", Kind.CONTENT_FILTERED),
        ("maximum context length", Kind.CONTEXT_LENGTH),
    ),
)
"""DeepSeek speaks by status (402, 422, 429, 503) and words. Source: api-docs.deepseek.com."""

deepseek = OpenAILike(
    name="deepseek",
    prefix="DEEPSEEK",
    base_url="https://api.deepseek.com/v1",
    model="deepseek-chat",
    errors=ERRORS,
)
"""`deepseek("deepseek-chat")`: reads `DEEPSEEK_API_KEY`, `DEEPSEEK_BASE_URL`..."""
