"""Qwen (Tongyi) at Alibaba Cloud's DashScope, by its OpenAI-compatible endpoint."""

from __future__ import annotations

from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    codes={
        # Limits per minute; the code says quota, the account is fine.
        "insufficient_quota": Kind.RATE_LIMITED,
        "Throttling": Kind.RATE_LIMITED,
        "Throttling.AllocationQuota": Kind.RATE_LIMITED,
        "Throttling.ServiceOverloaded": Kind.OVERLOADED,
        "LimitRequests": Kind.RATE_LIMITED,
        "limit_requests": Kind.RATE_LIMITED,
        "limit_burst_rate": Kind.RATE_LIMITED,
        # Money.
        "Arrearage": Kind.QUOTA_EXHAUSTED,
        "AllocationQuota": Kind.QUOTA_EXHAUSTED,
        "PrepaidBillOverdue": Kind.QUOTA_EXHAUSTED,
        "PostpaidBillOverdue": Kind.QUOTA_EXHAUSTED,
        "BudgetLimitExceeded": Kind.QUOTA_EXHAUSTED,
        # Access.
        "InvalidApiKey": Kind.AUTH,
        "AccessDenied": Kind.AUTH,
        "WorkSpaceAccessDenied": Kind.AUTH,
        "CommodityNotPurchased": Kind.AUTH,
        "ModelNotFound": Kind.AUTH,
        "model_not_supported": Kind.AUTH,
        "InvalidURL": Kind.AUTH,
        # Faults.
        "RequestTimeOut": Kind.TIMEOUT,
        "ResponseTimeout": Kind.TIMEOUT,
        "InternalError.Timeout": Kind.TIMEOUT,
        "InternalError": Kind.SERVER_ERROR,
        "SystemError": Kind.SERVER_ERROR,
        "ModelServingError": Kind.SERVER_ERROR,
        "ModelUnavailable": Kind.OVERLOADED,
        "ModelServiceFailed": Kind.SERVER_ERROR,
        # The request.
        "DataInspectionFailed": Kind.CONTENT_FILTERED,
        "FaqRuleBlocked": Kind.CONTENT_FILTERED,
        "CustomRoleBlocked": Kind.CONTENT_FILTERED,
        "InvalidParameter": Kind.BAD_REQUEST,
        "invalid_parameter_error": Kind.BAD_REQUEST,
        "BadRequest": Kind.BAD_REQUEST,
        "UnsupportedOperation": Kind.BAD_REQUEST,
    },
    phrases=(
        ("free allocated quota exceeded", Kind.QUOTA_EXHAUSTED),
        ("free tier of the model has been exhausted", Kind.QUOTA_EXHAUSTED),
        # Coding plans: used up for hours, a week or a month.
        ("hour allocated quota exceeded", Kind.QUOTA_EXHAUSTED),
        ("week allocated quota exceeded", Kind.QUOTA_EXHAUSTED),
        ("month allocated quota exceeded", Kind.QUOTA_EXHAUSTED),
        ("account is in good standing", Kind.QUOTA_EXHAUSTED),
        ("range of input length should be", Kind.CONTEXT_LENGTH),
        ("maximum context length", Kind.CONTEXT_LENGTH),
        ("inappropriate content", Kind.CONTENT_FILTERED),
    ),
)
"""Codes of the native API and of the compatible endpoint.

Source: help.aliyun.com/zh/model-studio/error-code.
"""

qwen = OpenAILike(
    name="qwen",
    prefix="TONGYI",
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
    model="qwen-plus",
    other_keys=("DASHSCOPE_API_KEY",),
    errors=ERRORS,
)
"""`qwen("qwen-plus")`: reads `TONGYI_API_KEY` (or `DASHSCOPE_API_KEY`), `TONGYI_BASE_URL`..."""
