"""MiniMax."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    codes={
        "1000": Kind.SERVER_ERROR,
        "1001": Kind.TIMEOUT,
        "1002": Kind.RATE_LIMITED,
        "1004": Kind.AUTH,
        "1008": Kind.QUOTA_EXHAUSTED,
        "1013": Kind.SERVER_ERROR,
        "1024": Kind.SERVER_ERROR,
        "1026": Kind.CONTENT_FILTERED,
        "1027": Kind.CONTENT_FILTERED,
        "1033": Kind.SERVER_ERROR,
        # Tokens per minute, not the length of the prompt.
        "1039": Kind.RATE_LIMITED,
        "2013": Kind.BAD_REQUEST,
        "2049": Kind.AUTH,
    },
)
"""Codes of `base_resp.status_code`. Source: platform.minimaxi.com, error codes."""

minimax = OpenAILike(
    name="minimax",
    prefix="MINIMAX",
    base_url="https://api.minimaxi.com/v1",
    errors=ERRORS,
)
"""`minimax("MiniMax-...")`: reads `MINIMAX_API_KEY`, `MINIMAX_MODEL`..."""
