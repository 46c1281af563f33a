"""The few requests that Elasticsearch and OpenSearch are sent, through their own clients."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

from pydantic import SecretStr

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.retrieval.backends.backend import BackendError

Dialect = Literal["elasticsearch", "opensearch"]
Json = dict[str, Any]
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}


class RequestRefused(BackendError):
    """The server answered with an error.

    Attributes:
        status: Of HTTP.
    """

    def __init__(self, message: str, status: int) -> None:
        """Keep the status."""
        super().__init__(message)
        self.status = status


def open_client(
    dialect: Dialect,
    url: str,
    key: SecretStr | None,
    login: tuple[str, SecretStr] | None,
    timeout: float,
) -> Any:
    """Return a client that asks once and waits ``timeout`` seconds at most.

    Raises:
        MissingExtra: It is not installed (extra ``elasticsearch`` or ``opensearch``).
    """
    user = None if login is None else (login[0], login[1].get_secret_value())
    if dialect == "opensearch":
        try:
            package: Any = import_module("opensearchpy")
        except ImportError as error:
            raise MissingExtra(
                "ElasticsearchBackend(dialect='opensearch')", "opensearch"
            ) from error
        return package.OpenSearch(
            hosts=[url], http_auth=user, timeout=timeout, max_retries=0, retry_on_timeout=False
        )
    try:
        package = import_module("elasticsearch")
    except ImportError as error:
        raise MissingExtra("ElasticsearchBackend", "elasticsearch") from error
    return package.Elasticsearch(
        url,
        api_key=None if key is None else key.get_secret_value(),
        basic_auth=user,
        request_timeout=timeout,
        max_retries=0,
        retry_on_timeout=False,
    )


class Wire:
    """Sends requests through a client of either kind.

    Args:
        client: ``elasticsearch.Elasticsearch`` or ``opensearchpy.OpenSearch``.
        place: The server, for messages.
    """

    def __init__(self, client: Any, place: str) -> None:
        """Look at which client it is."""
        self._client, self._place = client, place
        self.dialect: Dialect = (
            "opensearch" if type(client).__module__.startswith("opensearchpy") else "elasticsearch"
        )

    def request(
        self, method: str, path: str, body: Json | None = None, **params: str
    ) -> Mapping[str, Any]:
        """Send JSON, return JSON.

        Raises:
            RequestRefused: The server answered with an error.
            BackendError: It did not answer.
        """
        headers = _JSON if body is not None else {"accept": _JSON["accept"]}
        return self._send(method, path, body, headers, params)

    def bulk(self, lines: Sequence[Json], **params: str) -> Mapping[str, Any]:
        """Send many operations at once.

        Raises:
            BackendError: One of them failed; the first reason.
        """
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        answer = self._send("POST", "/_bulk", body, _LINES, params)
        if answer.get("errors"):
            failed = [part for item in answer["items"] for part in item.values() if "error" in part]
            reason = failed[0]["error"]
            raise BackendError(
                f"{self._place}: {len(failed)} documents were refused, the first because of "
                f"{reason.get('type')}: {reason.get('reason')}"
            )
        return answer

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _send(
        self, method: str, path: str, body: Any, headers: Json, params: Mapping[str, str]
    ) -> Mapping[str, Any]:
        opensearch = self.dialect == "opensearch"
        sender = self._client.transport if opensearch else self._client
        try:
            answer = sender.perform_request(
                method, path, params=dict(params), headers=dict(headers), body=body
            )
        except Exception as error:
            raise self._translated(error) from error
        found: Mapping[str, Any] = answer if opensearch else answer.body
        return found

    def _translated(self, error: Exception) -> Exception:
        """Return our error for one of the client's, and anything else as it is."""
        if type(error).__module__.partition(".")[0] not in (
            "elasticsearch",
            "elastic_transport",
            "opensearchpy",
        ):
            return error
        status = getattr(error, "status_code", None)
        status = getattr(getattr(error, "meta", None), "status", status)
        message = f"{self._place}: {_reason(error)[:500]}"
        if isinstance(status, int):
            return RequestRefused(message, status)
        return BackendError(message)


def _reason(error: Exception) -> str:
    """Return what the server said, where it said something, else what the client says."""
    for name in ("body", "info"):
        said = getattr(error, name, None)
        cause = said.get("error") if isinstance(said, dict) else None
        if isinstance(cause, dict):
            return f"{cause.get('type')}: {cause.get('reason')}"
    return str(error)
