"""How errors read: which code and which words mean which kind of failure.

`GENERAL` holds what is unambiguous everywhere; each provider's preset brings its own table, which
is asked first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from langchain_switchyard.routing.failures.kinds import Kind


@dataclass(frozen=True)
class ErrorTable:
    """How one provider's errors read.

    `table | other` merges two tables; as with dicts, the right side wins.

    Attributes:
        codes: Error code, error type or exception class name -> kind; case does not matter, and
            `Throttling` also answers for `Throttling.RateQuota`.
        phrases: Words of a message -> kind, asked in this order; case does not matter.
    """

    codes: Mapping[str, Kind] = field(default_factory=dict)
    phrases: tuple[tuple[str, Kind], ...] = ()

    def __post_init__(self) -> None:
        """Fold case once instead of at every error."""
        codes = {str(code).lower(): Kind(kind) for code, kind in self.codes.items()}
        phrases = tuple((phrase.lower(), Kind(kind)) for phrase, kind in self.phrases)
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "phrases", phrases)

    def __or__(self, other: ErrorTable) -> ErrorTable:
        """Both tables in one; `other` wins."""
        phrases = tuple(dict.fromkeys(other.phrases + self.phrases))
        return ErrorTable({**self.codes, **other.codes}, phrases)

    def code(self, code: str) -> Kind | None:
        """What a code means, or None."""
        kind = self.codes.get(code)
        return kind if kind is not None else self.codes.get(code.partition(".")[0])

    def words(self, text: str, allowed: frozenset[Kind] | None = None) -> Kind | None:
        """What the words of a message (in lower case) mean, among the kinds allowed, or None."""
        for phrase, kind in self.phrases:
            if phrase in text and (allowed is None or kind in allowed):
                return kind
        return None


GENERAL = ErrorTable(
    codes={
        # Quota.
        "insufficient_quota": Kind.QUOTA_EXHAUSTED,
        "billing_hard_limit_reached": Kind.QUOTA_EXHAUSTED,
        "billing_not_active": Kind.QUOTA_EXHAUSTED,
        "billing_error": Kind.QUOTA_EXHAUSTED,
        "arrearage": Kind.QUOTA_EXHAUSTED,
        # Rate.
        "rate_limit_exceeded": Kind.RATE_LIMITED,
        "rate_limit_error": Kind.RATE_LIMITED,
        "too_many_requests": Kind.RATE_LIMITED,
        "tokens": Kind.RATE_LIMITED,
        "requests": Kind.RATE_LIMITED,
        # Load and faults.
        "overloaded_error": Kind.OVERLOADED,
        "server_overloaded": Kind.OVERLOADED,
        "engine_overloaded": Kind.OVERLOADED,
        "timeout_error": Kind.TIMEOUT,
        "api_error": Kind.SERVER_ERROR,
        "server_error": Kind.SERVER_ERROR,
        "internal_error": Kind.SERVER_ERROR,
        "internal_server_error": Kind.SERVER_ERROR,
        # Access.
        "invalid_api_key": Kind.AUTH,
        "authentication_error": Kind.AUTH,
        "permission_error": Kind.AUTH,
        "permission_denied": Kind.AUTH,
        "not_found_error": Kind.AUTH,
        "model_not_found": Kind.AUTH,
        "deploymentnotfound": Kind.AUTH,
        # The request.
        "context_length_exceeded": Kind.CONTEXT_LENGTH,
        "request_too_large": Kind.CONTEXT_LENGTH,
        "content_filter": Kind.CONTENT_FILTERED,
        "content_policy_violation": Kind.CONTENT_FILTERED,
        "responsibleaipolicyviolation": Kind.CONTENT_FILTERED,
        "data_inspection_failed": Kind.CONTENT_FILTERED,
        "invalid_prompt": Kind.BAD_REQUEST,
    },
    phrases=(
        ("insufficient_quota", Kind.QUOTA_EXHAUSTED),
        ("exceeded your current quota", Kind.QUOTA_EXHAUSTED),
        ("insufficient balance", Kind.QUOTA_EXHAUSTED),
        ("credit balance is too low", Kind.QUOTA_EXHAUSTED),
        ("billing hard limit", Kind.QUOTA_EXHAUSTED),
        ("overdue-payment", Kind.QUOTA_EXHAUSTED),
        ("余额不足", Kind.QUOTA_EXHAUSTED),
        ("欠费", Kind.QUOTA_EXHAUSTED),
        ("context_length_exceeded", Kind.CONTEXT_LENGTH),
        ("maximum context length", Kind.CONTEXT_LENGTH),
        ("context window", Kind.CONTEXT_LENGTH),
        ("context length", Kind.CONTEXT_LENGTH),
        ("context size", Kind.CONTEXT_LENGTH),
        ("prompt is too long", Kind.CONTEXT_LENGTH),
        ("input is too long", Kind.CONTEXT_LENGTH),
        ("range of input length should be", Kind.CONTEXT_LENGTH),
        ("maximum number of tokens", Kind.CONTEXT_LENGTH),
        ("exceeded model token limit", Kind.CONTEXT_LENGTH),
        ("上下文长度", Kind.CONTEXT_LENGTH),
        ("输入长度超", Kind.CONTEXT_LENGTH),
        ("content_filter", Kind.CONTENT_FILTERED),
        ("content management policy", Kind.CONTENT_FILTERED),
        ("data_inspection_failed", Kind.CONTENT_FILTERED),
        ("inappropriate content", Kind.CONTENT_FILTERED),
        ("敏感内容", Kind.CONTENT_FILTERED),
        ("敏感信息", Kind.CONTENT_FILTERED),
        ("api key not valid", Kind.AUTH),
        ("incorrect api key", Kind.AUTH),
        ("invalid api key", Kind.AUTH),
        ("invalid_api_key", Kind.AUTH),
        ("model_not_found", Kind.AUTH),
        ("overloaded", Kind.OVERLOADED),
        ("at capacity", Kind.OVERLOADED),
        ("server busy", Kind.OVERLOADED),
        ("server is busy", Kind.OVERLOADED),
        ("服务繁忙", Kind.OVERLOADED),
        ("rate limit", Kind.RATE_LIMITED),
        ("rate_limit", Kind.RATE_LIMITED),
        ("too many requests", Kind.RATE_LIMITED),
        ("throttling", Kind.RATE_LIMITED),
        ("限流", Kind.RATE_LIMITED),
        ("请求过于频繁", Kind.RATE_LIMITED),
        ("timed out", Kind.TIMEOUT),
        ("connection error", Kind.CONNECTION),
        ("internal server error", Kind.SERVER_ERROR),
    ),
)
"""What is unambiguous everywhere."""
