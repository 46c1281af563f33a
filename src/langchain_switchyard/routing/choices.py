"""What a caller's own arguments choose: the model, the endpoint; and whose fault it is then.

"There is no such model" is a deployment's fault if its owner named the model, and the caller's if
the call did: `model.invoke(..., model="gpt-typo")`. The same goes for the endpoint: a
provider's own tool (`{"type": "web_search"}`) sends the OpenAI client to `/responses`, which a
compatible server need not have. Nobody else may lose a deployment by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_switchyard.routing.failures import Failure, Kind
from langchain_switchyard.routing.failures.fingerprint import codes_of, status_of

_CHOOSE_MODEL = frozenset(
    {"model", "model_name", "model_id", "deployment_name", "azure_deployment"}
)

_CHOOSE_ENDPOINT = frozenset(
    {
        "background",
        "conversation",
        "include",
        "previous_response_id",
        "reasoning",
        "text",
        "truncation",
        "use_responses_api",
    }
)
"""Arguments with which the OpenAI client leaves `/chat/completions` for `/responses`."""

_COMMON_TOOLS = frozenset({"function", "custom"})
"""Kinds of tools that every endpoint knows; all others are a provider's own."""

_NOT_FOUND_CODES = frozenset({"model_not_found", "modelnotfound", "deploymentnotfound"})
_NOT_FOUND_CLASSES = ("NotFound", "PermissionDenied")


def chose_in_vain(failure: Failure, kwargs: Mapping[str, Any]) -> bool:
    """Whether a call failed because what its own arguments chose is not there.

    Args:
        failure: How the attempt ended.
        kwargs: The call's arguments, without those bound to the deployment.
    """
    if failure.kind is not Kind.AUTH or not kwargs:
        return False
    return _is_absent(failure.error) and _chooses(kwargs)


def _chooses(kwargs: Mapping[str, Any]) -> bool:
    named = {name for name, value in kwargs.items() if value is not None}
    if named & (_CHOOSE_MODEL | _CHOOSE_ENDPOINT):
        return True
    tools = kwargs.get("tools") or ()
    return any(
        isinstance(tool, Mapping) and tool.get("type", "function") not in _COMMON_TOOLS
        for tool in tools
    )


def _is_absent(error: BaseException) -> bool:
    """Whether something is not there, or not for this key; a wrong key is another matter."""
    status = status_of(error)
    if status is not None:
        return status in (403, 404) or not _NOT_FOUND_CODES.isdisjoint(codes_of(error))
    names = [cls.__name__ for cls in type(error).__mro__]
    return any(word in name for name in names for word in _NOT_FOUND_CLASSES)
