"""Qianfan (ERNIE) at Baidu, by its OpenAI-compatible endpoint."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    codes={
        # Numbers of the older API, words of the compatible one.
        "4": Kind.RATE_LIMITED,
        "17": Kind.QUOTA_EXHAUSTED,
        "18": Kind.RATE_LIMITED,
        "6": Kind.AUTH,
        "13": Kind.AUTH,
        "14": Kind.AUTH,
        "15": Kind.AUTH,
        "110": Kind.AUTH,
        "111": Kind.AUTH,
        "336000": Kind.SERVER_ERROR,
        "336007": Kind.CONTEXT_LENGTH,
        "336100": Kind.OVERLOADED,
        "336103": Kind.CONTEXT_LENGTH,
        "336501": Kind.RATE_LIMITED,
        "336502": Kind.RATE_LIMITED,
        "rpm_rate_limit_exceeded": Kind.RATE_LIMITED,
        "tpm_rate_limit_exceeded": Kind.RATE_LIMITED,
        "invalid_iam_token": Kind.AUTH,
        "invalid_model": Kind.AUTH,
    },
)
"""Source: cloud.baidu.com/doc/qianfan-api, error codes."""

qianfan = OpenAILike(
    name="qianfan",
    prefix="QIANFAN",
    base_url="https://qianfan.baidubce.com/v2",
    errors=ERRORS,
)
"""`qianfan("ernie-...")`: reads `QIANFAN_API_KEY`, `QIANFAN_MODEL`..."""
