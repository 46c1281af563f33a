"""Volcengine Ark (Doubao)."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    codes={
        "AccountOverdueError": Kind.QUOTA_EXHAUSTED,
        "ServiceOverdue": Kind.QUOTA_EXHAUSTED,
        "QuotaExceeded": Kind.QUOTA_EXHAUSTED,
        "SetLimitExceeded": Kind.QUOTA_EXHAUSTED,
        "RateLimitExceeded": Kind.RATE_LIMITED,
        "ModelAccountRpmRateLimitExceeded": Kind.RATE_LIMITED,
        "ModelAccountTpmRateLimitExceeded": Kind.RATE_LIMITED,
        "APIAccountRpmRateLimitExceeded": Kind.RATE_LIMITED,
        "AccountRateLimitExceeded": Kind.RATE_LIMITED,
        "RequestBurstTooFast": Kind.RATE_LIMITED,
        # Comes as a 429, but means the cluster, not the account.
        "ServerOverloaded": Kind.OVERLOADED,
        "AuthenticationError": Kind.AUTH,
        "AccessDenied": Kind.AUTH,
        "InvalidAccountStatus": Kind.AUTH,
        "ServiceNotOpen": Kind.AUTH,
        "ModelNotOpen": Kind.AUTH,
        "InvalidEndpoint": Kind.AUTH,
        "InvalidEndpointOrModel": Kind.AUTH,
        "SensitiveContentDetected": Kind.CONTENT_FILTERED,
        "InputTextSensitiveContentDetected": Kind.CONTENT_FILTERED,
        "InputImageSensitiveContentDetected": Kind.CONTENT_FILTERED,
        "OutputTextSensitiveContentDetected": Kind.CONTENT_FILTERED,
        "ContentSecurityDetectionError": Kind.CONTENT_FILTERED,
        "InternalServiceError": Kind.SERVER_ERROR,
        "InvalidParameter": Kind.BAD_REQUEST,
        "MissingParameter": Kind.BAD_REQUEST,
    },
    phrases=(("maximum context length", Kind.CONTEXT_LENGTH),),
)
"""Source: www.volcengine.com/docs/82379, error codes."""

volcengine = OpenAILike(
    name="volcengine",
    prefix="ARK",
    base_url="https://ark.cn-beijing.volces.com/api/v3",
    errors=ERRORS,
)
"""`volcengine("doubao-...")`: reads `ARK_API_KEY`, `ARK_MODEL` (a model or an endpoint id)..."""
