"""Embedding models of DashScope and OpenAI, by the protocol they share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.http import READ_TIMEOUT, HttpClients
from langchain_switchyard.providers.openai import openai
from langchain_switchyard.providers.openai_like import OpenAILike
from langchain_switchyard.providers.preset import need, require_known, secret
from langchain_switchyard.providers.qwen import qwen
from langchain_switchyard.providers.settings import read_settings, read_text


class EmbeddingOptions(TypedDict, total=False):
    """Keyword arguments of every embedding preset; what is left out is read or its default."""

    api_key: SecretStr | str
    base_url: str
    dimensions: int
    """Numbers per vector, for models that let one choose."""
    clients: HttpClients
    """Shared HTTP clients; left out: the model's own."""
    env: Mapping[str, str]
    """Where to read settings; left out: the process's environment."""
    extra: Mapping[str, Any]
    """Further arguments for LangChain's `OpenAIEmbeddings`."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingPreset:
    """A provider's embedding models; called, it makes one.

    Attributes:
        provider: Whose address, key and variables are used.
        model: The model used when none is named.
        batch: Most texts the provider takes in one request.
        arguments: What its endpoint must be sent besides.
    """

    provider: OpenAILike
    model: str
    batch: int
    arguments: Mapping[str, Any]

    def __call__(self, model: str | None = None, **options: Unpack[EmbeddingOptions]) -> Embeddings:
        """Make a model; what is left out comes from the environment.

        Texts go out as they are, at most `batch` per request; one beyond the model's window is
        refused by the provider instead of being cut and averaged.

        Raises:
            ConfigurationError: An argument is unknown, or
                the key is missing; names the variable to set.
            MissingExtra: `langchain-openai` is not installed.
        """
        name = f"The embedding preset of {self.provider.name}"
        require_known(name, options, EmbeddingOptions.__optional_keys__)
        try:
            from langchain_openai import OpenAIEmbeddings  # noqa: PLC0415 - an extra.
        except ImportError as error:
            raise MissingExtra(f"Embeddings of {self.provider.name}", "openai") from error
        env, prefix = options.get("env", os.environ), str(self.provider.prefix)
        found = read_settings(prefix, env, self.provider.other_keys)
        key = secret(options.get("api_key")) or found.api_key
        url = options.get("base_url") or found.base_url or str(self.provider.base_url)
        clients = options.get("clients") or HttpClients()
        arguments: dict[str, Any] = {
            "model": model or read_text(env, f"{prefix}_EMBEDDING_MODEL") or self.model,
            "base_url": url,
            "api_key": need(key, self.provider.name, "an API key", f"{prefix}_API_KEY"),
            "dimensions": options.get("dimensions"),
            "chunk_size": self.batch,
            # The check needs a tokeniser that is downloaded, and sends numbers that only OpenAI
            # understands.
            "check_embedding_ctx_length": False,
            "http_client": clients.sync("openai", url),
            "http_async_client": clients.asynchronous("openai", url),
            "timeout": READ_TIMEOUT,
            # Read from OPENAI_PROXY otherwise, and refused beside an own client.
            "openai_proxy": None,
            "model_kwargs": dict(self.arguments),
        }
        return OpenAIEmbeddings(**{**arguments, **options.get("extra", {})})


dashscope_embeddings = EmbeddingPreset(
    provider=qwen,
    model="text-embedding-v4",
    batch=10,
    # The endpoint knows no other, and the SDK would ask for base64.
    arguments={"encoding_format": "float"},
)
"""`dashscope_embeddings("text-embedding-v4")`: reads `TONGYI_API_KEY` (or `DASHSCOPE_API_KEY`),
`TONGYI_BASE_URL`, `TONGYI_EMBEDDING_MODEL`."""

openai_embeddings = EmbeddingPreset(
    provider=openai, model="text-embedding-3-small", batch=512, arguments={}
)
"""`openai_embeddings("text-embedding-3-small")`: reads `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
`OPENAI_EMBEDDING_MODEL`."""
