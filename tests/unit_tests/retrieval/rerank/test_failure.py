"""Refusals are read by the provider's code first, then by the status."""

import json

import pytest

from langchain_switchyard.retrieval.rerank.failure import refusal


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "Arrearage", "quota_exhausted"),
        (429, "Throttling.AllocationQuota", "quota_exhausted"),
        (403, "AllocationQuota.FreeTierOnly", "quota_exhausted"),
        (429, "Throttling.RateQuota", "rate_limited"),
        (429, "Throttling", "rate_limited"),
        (400, "DataInspectionFailed", "content_filtered"),
        (400, "data_inspection_failed", "content_filtered"),
        (401, "InvalidApiKey", "auth"),
        (403, "AccessDenied.Unpurchased", "auth"),
        (404, "ModelNotFound", "auth"),
        (400, "InvalidParameter", "bad_request"),
        (413, "", "bad_request"),
        (429, "", "rate_limited"),
        (408, "", "timeout"),
        (500, "InternalError", "server_error"),
        (503, "", "server_error"),
    ],
)
def test_the_code_says_more_than_the_status(status, code, kind):
    """An account in arrears answers 400, an empty quota 429 or 403."""
    body = json.dumps({"code": code, "message": "why\nso", "request_id": "r-1"}).encode()
    failed = refusal(status, body)
    assert (failed.kind, failed.status, failed.code) == (kind, status, code)
    assert "why so (request r-1)" in str(failed)
    assert "\n" not in str(failed)


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"\xff\xfe", b"[1]", b"null"])
def test_a_body_that_is_no_error_object_is_no_obstacle(body):
    """Proxies answer in their own words."""
    assert refusal(502, body).kind == "server_error"


def test_a_long_message_is_cut():
    """A page of HTML is no error message."""
    body = json.dumps({"message": "x" * 10_000}).encode()
    assert len(str(refusal(500, body))) < 600
