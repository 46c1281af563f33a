"""Moonshot (Kimi)."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    codes={
        "exceeded_current_quota_error": Kind.QUOTA_EXHAUSTED,
        "rate_limit_reached_error": Kind.RATE_LIMITED,
        # Comes as a 429, but means the cluster, not the account.
        "engine_overloaded_error": Kind.OVERLOADED,
        "invalid_authentication_error": Kind.AUTH,
        "incorrect_api_key_error": Kind.AUTH,
        "permission_denied_error": Kind.AUTH,
        "resource_not_found_error": Kind.AUTH,
    },
    phrases=(
        ("exceeded model token limit", Kind.CONTEXT_LENGTH),
        ("insufficient balance", Kind.QUOTA_EXHAUSTED),
    ),
)
"""Source: platform.moonshot.cn/docs/api/errors."""

moonshot = OpenAILike(
    name="moonshot",
    prefix="MOONSHOT",
    base_url="https://api.moonshot.cn/v1",
    errors=ERRORS,
)
"""`moonshot("kimi-...")`: reads `MOONSHOT_API_KEY`, `MOONSHOT_MODEL`..."""
