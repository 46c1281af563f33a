"""Reranking by DashScope (``qwen3-rerank``, ``gte-rerank-v2``), over plain HTTP (extra ``rerank``).

Source: help.aliyun.com/en/model-studio/text-rerank-api.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Literal

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from langchain_switchyard.errors import ConfigurationError, MissingExtra
from langchain_switchyard.per_loop import PerLoop
from langchain_switchyard.retrieval.documents.chunking import approximate_tokens
from langchain_switchyard.retrieval.rerank.failure import RerankFailed, refusal
from langchain_switchyard.retrieval.rerank.reranked import Reranked, as_given, by_score, read_text

_logger = logging.getLogger(__name__)

_KEYS = ("DASHSCOPE_API_KEY", "TONGYI_API_KEY")
_PATH = "services/rerank/text-rerank/text-rerank"
# The service's limits: documents, tokens of one document (it cuts the rest off), and tokens of a
# request, which counts the query once per document. Ours are estimates, so we stay below.
_MOST_DOCUMENTS = 500
_MOST_PER_DOCUMENT = 4_000
_MOST_PER_REQUEST = {"gte-rerank-v2": 24_000}
_MOST_USUALLY = 90_000


class DashScopeRerank(BaseDocumentCompressor):
    """Asks DashScope how well each document answers the query.

    Every document is scored by itself, so a list too long for one request goes out in several.

    Attributes:
        model: ``qwen3-rerank`` or ``gte-rerank-v2``.
        top_n: Documents returned; ``None``: all.
        api_key: ``DASHSCOPE_API_KEY`` or ``TONGYI_API_KEY`` of the environment if not given.
        base_url: Ends in ``/api/v1``; ``https://dashscope-intl.aliyuncs.com/api/v1`` is Singapore.
        timeout: Seconds to connect, and seconds of silence while an answer is awaited.
        on_error: ``raise``, or ``keep_order``: return the documents as given, without a score, and
            say so in ``notes`` and the log.

    Raises:
        MissingExtra: httpx is not installed.
        ConfigurationError: There is no key.
        RerankFailed: The service gave no scores (unless ``on_error="keep_order"``).
    """

    model_config = ConfigDict(extra="forbid")

    model: str = "qwen3-rerank"
    top_n: int | None = Field(default=None, ge=1)
    api_key: SecretStr
    base_url: str = "https://dashscope.aliyuncs.com/api/v1"
    timeout: float = Field(default=20, gt=0)
    on_error: Literal["raise", "keep_order"] = "raise"
    _http: Any = PrivateAttr()
    _client: Any = PrivateAttr()
    _clients: PerLoop = PrivateAttr()

    def __init__(self, **options: Any) -> None:
        """Open nothing yet."""
        try:
            http: Any = import_module("httpx")
        except ImportError as error:
            raise MissingExtra("DashScopeRerank", "rerank") from error
        if not options.get("api_key"):
            options["api_key"] = _key_of_environment()
        super().__init__(**options)
        self._http = http
        self._client = http.Client(timeout=self.timeout)
        self._clients = PerLoop(lambda: http.AsyncClient(timeout=self.timeout))

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Reranked:
        """Return the documents by the service's score, highest first."""
        del callbacks
        scores = [0.0] * len(documents)
        try:
            for places, body in self._requests(documents, query):
                try:
                    answer = self._client.post(self._url, json=body, headers=self._headers)
                except (self._http.HTTPError, self._http.InvalidURL) as error:
                    raise self._unanswered(error) from error
                _fill(scores, places, answer)
        except RerankFailed as error:
            return self._degraded(documents, error)
        return by_score(documents, scores, self.top_n)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Reranked:
        """Do the same without blocking the event loop."""
        del callbacks
        scores = [0.0] * len(documents)
        client = await self._clients.get()
        try:
            for places, body in self._requests(documents, query):
                try:
                    answer = await client.post(self._url, json=body, headers=self._headers)
                except (self._http.HTTPError, self._http.InvalidURL) as error:
                    raise self._unanswered(error) from error
                _fill(scores, places, answer)
        except RerankFailed as error:
            return self._degraded(documents, error)
        return by_score(documents, scores, self.top_n)

    def close(self) -> None:
        """Close the connections of synchronous calls."""
        self._client.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and of synchronous calls."""
        await self._clients.close()
        self.close()

    @property
    def _url(self) -> str:
        return f"{self.base_url.rstrip('/')}/{_PATH}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api_key.get_secret_value()}"}

    def _requests(
        self, documents: Sequence[Document], query: str
    ) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """Yield which documents go together, and what is sent. Blank ones stay here and score 0."""
        texts = [read_text(document) for document in documents]
        full = [place for place, text in enumerate(texts) if text.strip()]
        per_query = approximate_tokens(query)
        sizes = [min(approximate_tokens(text), _MOST_PER_DOCUMENT) + per_query for text in texts]
        for places in _batches(full, sizes, _MOST_PER_REQUEST.get(self.model, _MOST_USUALLY)):
            given = {"query": query, "documents": [texts[place] for place in places]}
            # All of them: what is left out could not be told from what was lost.
            wanted = {"top_n": len(places), "return_documents": False}
            yield places, {"model": self.model, "input": given, "parameters": wanted}

    def _unanswered(self, error: Exception) -> RerankFailed:
        late = isinstance(error, self._http.TimeoutException)
        what = f"no answer within {self.timeout:g} s" if late else str(error)
        return RerankFailed("timeout" if late else "connection", f"{type(error).__name__}: {what}")

    def _degraded(self, documents: Sequence[Document], error: RerankFailed) -> Reranked:
        if self.on_error == "raise":
            raise error
        _logger.warning("the given order stands: %s", error)
        return as_given(documents, self.top_n, [f"the given order stands: {error}"])


def _key_of_environment() -> SecretStr:
    key = next((value for name in _KEYS if (value := os.environ.get(name, "").strip())), None)
    if key is None:
        raise ConfigurationError(
            f"DashScopeRerank needs a key: set {' or '.join(_KEYS)}, or give api_key="
        )
    return SecretStr(key)


def _batches(places: Sequence[int], sizes: Sequence[float], most: float) -> Iterator[list[int]]:
    batch: list[int] = []
    total = 0.0
    for place in places:
        if batch and (total + sizes[place] > most or len(batch) == _MOST_DOCUMENTS):
            yield batch
            batch, total = [], 0.0
        batch.append(place)
        total += sizes[place]
    if batch:
        yield batch


def _fill(scores: list[float], places: Sequence[int], answer: Any) -> None:
    """Put the scores of an answer where they belong.

    Raises:
        RerankFailed: It is a refusal, or does not score every document exactly once.
    """
    if answer.status_code != 200:
        raise refusal(answer.status_code, answer.content)
    try:
        results = json.loads(answer.content)["output"]["results"]
        found = {int(result["index"]): float(result["relevance_score"]) for result in results}
    except (ValueError, KeyError, TypeError) as error:
        raise RerankFailed("server_error", f"an unreadable answer ({error!r})", 200) from error
    whole = len(results) == len(places) and set(found) == set(range(len(places)))
    if not whole or not all(map(math.isfinite, found.values())):
        raise RerankFailed("server_error", "an answer that does not score every document", 200)
    for at, score in found.items():
        scores[places[at]] = score
