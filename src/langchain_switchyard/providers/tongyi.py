"""Qwen (Tongyi) by DashScope's native API and LangChain's `ChatTongyi`.

Prefer `qwen`, which speaks to the same models: `ChatTongyi` sends no token usage while streaming,
loses text that repeats itself, needs a thread for every chunk of an asynchronous stream, brings its
own HTTP client with a fixed timeout, and its package is no longer maintained.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.openai_like import model_arguments
from langchain_switchyard.providers.preset import Options, need, placed, require_known, secret
from langchain_switchyard.providers.qwen import ERRORS
from langchain_switchyard.providers.settings import read_settings, read_text
from langchain_switchyard.routing.deployment import Deployment

MODEL = "qwen-plus"


@dataclass(frozen=True, kw_only=True)
class Tongyi:
    """DashScope's native API."""

    name: str = "tongyi"

    def is_configured(self, env: Mapping[str, str]) -> bool:
        """Never by itself: the same variables configure `qwen`, which is the better road."""
        del env
        return False

    def __call__(self, model: str | None = None, **options: Unpack[Options]) -> Deployment:
        """Make a deployment; what is left out comes from `TONGYI_...` and `DASHSCOPE_...`.

        The base URL is that of the native API (`https://dashscope.aliyuncs.com/api/v1`), read from
        `DASHSCOPE_HTTP_BASE_URL`: `TONGYI_BASE_URL` names the compatible endpoint.

        Raises:
            ConfigurationError: An argument is unknown, or
                the key is missing; names the variable to set.
            MissingExtra: `langchain-community` or `dashscope` is not installed.
        """
        require_known(self.name, options)
        env = options.get("env", os.environ)
        found = read_settings("TONGYI", env, ("DASHSCOPE_API_KEY",))
        key = secret(options.get("api_key")) or found.api_key
        call: dict[str, Any] = model_arguments(found, options)
        url = options.get("base_url") or read_text(env, "DASHSCOPE_HTTP_BASE_URL")
        if url is not None:
            call["base_address"] = url
        key = need(key, self.name, "an API key", "TONGYI_API_KEY")
        arguments = {
            "model": model or found.model or MODEL,
            # ChatTongyi would send `str(SecretStr)`, ten asterisks; it wraps the text by itself.
            "api_key": key.get_secret_value(),
            "model_kwargs": call,
            # Counts attempts: one means no retry.
            "max_retries": 1,
            **options.get("extra", {}),
        }
        return placed(self.name, _chat_tongyi()(**arguments), options, ERRORS)


def _chat_tongyi() -> Any:
    try:
        import dashscope  # noqa: F401, PLC0415 - an extra, checked before it is needed.
        from langchain_community.chat_models import ChatTongyi  # noqa: PLC0415 - an extra.
    except ImportError as error:
        raise MissingExtra("The tongyi provider", "tongyi") from error
    return ChatTongyi


tongyi = Tongyi()
"""`tongyi("qwen-plus")`: reads `TONGYI_API_KEY` (or `DASHSCOPE_API_KEY`)..."""
