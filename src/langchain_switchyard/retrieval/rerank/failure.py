"""What can go wrong with a reranking service, in one error that tells what to do."""

from __future__ import annotations

import json
from typing import Any, Literal

from langchain_core.exceptions import ModelError

from langchain_switchyard.errors import SwitchyardError

FailureKind = Literal[
    "auth",
    "quota_exhausted",
    "rate_limited",
    "content_filtered",
    "bad_request",
    "server_error",
    "timeout",
    "connection",
]

_ADVICE: dict[FailureKind, str] = {
    "auth": "check the API key, and that it may use this model at this base_url",
    "quota_exhausted": "the account has no quota or money left",
    "rate_limited": "ask less often, or later",
    "content_filtered": "the provider's content check refuses the query or a document",
    "bad_request": "the provider refuses the request as it is",
    "server_error": "the provider is in trouble; the same request may succeed later",
    "timeout": "no answer in time; a larger timeout= or fewer documents may help",
    "connection": "the provider cannot be reached; check base_url and the network",
}
_PASSING: frozenset[FailureKind] = frozenset(
    {"rate_limited", "server_error", "timeout", "connection"}
)
# Business codes say more than the status: an account in arrears answers 400, an empty quota 429.
_CODES: tuple[tuple[str, FailureKind], ...] = (
    ("arrearage", "quota_exhausted"),
    ("allocationquota", "quota_exhausted"),
    ("throttling", "rate_limited"),
    ("datainspection", "content_filtered"),
    ("invalidapikey", "auth"),
    ("accessdenied", "auth"),
    ("modelnotfound", "auth"),
)
_STATUSES: dict[int, FailureKind] = {
    401: "auth",
    402: "quota_exhausted",
    403: "auth",
    408: "timeout",
    429: "rate_limited",
}


class RerankFailed(SwitchyardError, ModelError):
    """The reranking service did not give scores.

    Attributes:
        kind: What went wrong.
        status: HTTP status, if there was an answer.
        code: The provider's own code, if any.
        is_retryable: Whether the same request may succeed later.
    """

    def __init__(
        self, kind: FailureKind, detail: str, status: int | None = None, code: str = ""
    ) -> None:
        """Say what happened and what to do."""
        told = " ".join(part for part in (str(status or ""), code, detail) if part)
        super().__init__(f"reranking failed ({kind}): {told}; {_ADVICE[kind]}")
        self.kind = kind
        self.status = status
        self.code = code
        self.is_retryable = kind in _PASSING


def refusal(status: int, body: bytes) -> RerankFailed:
    """Read an answer that is no success."""
    fields = _fields(body)
    code, message = str(fields.get("code") or ""), str(fields.get("message") or "")
    detail = " ".join(message.split())[:300]
    if fields.get("request_id"):
        detail += f" (request {fields['request_id']})"
    return RerankFailed(_kind(status, code), detail, status, code)


def _kind(status: int, code: str) -> FailureKind:
    plain = code.lower().replace(".", "").replace("_", "")
    for part, kind in _CODES:
        if part in plain:
            return kind
    return _STATUSES.get(status) or ("server_error" if status >= 500 else "bad_request")


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {"message": body[:200].decode("utf-8", "replace")}
    return fields if isinstance(fields, dict) else {"message": str(fields)}
