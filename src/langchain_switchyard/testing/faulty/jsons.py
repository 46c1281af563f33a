"""JSON as the server reads and writes it."""

from __future__ import annotations

import json
from typing import Any

from langchain_switchyard.testing.faulty.dialects.dialect import Refused
from langchain_switchyard.testing.faulty.problem import Problem
from langchain_switchyard.testing.faulty.wire import Request

_UNREADABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)


def compact(value: Any) -> str:
    """Return JSON without spaces, keeping every language readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        Refused: It is not one.
    """
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(Problem("bad_request", detail=_UNREADABLE))
    return body
