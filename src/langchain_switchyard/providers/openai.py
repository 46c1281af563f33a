"""OpenAI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_switchyard.errors import MissingExtra
from langchain_switchyard.providers.openai_like import OpenAILike, sdk_arguments
from langchain_switchyard.providers.preset import Options
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import ErrorTable

ERRORS = ErrorTable(
    codes={
        "credit_balance_exhausted": Kind.QUOTA_EXHAUSTED,
        "billing_not_active": Kind.QUOTA_EXHAUSTED,
        "account_deactivated": Kind.AUTH,
        "invalid_organization": Kind.AUTH,
        "unsupported_country_region_territory": Kind.AUTH,
        "string_above_max_length": Kind.CONTEXT_LENGTH,
    },
    phrases=(("exceeds the context window", Kind.CONTEXT_LENGTH),),
)


@dataclass(frozen=True, kw_only=True)
class OpenAI(OpenAILike):
    """OpenAI itself, with LangChain's own class: Responses API, JSON schemas, profiles."""

    def _chat_model(self, arguments: dict[str, Any], options: Options) -> Any:
        try:
            from langchain_openai import ChatOpenAI  # noqa: PLC0415 - an extra.
        except ImportError as error:
            raise MissingExtra("The openai provider", "openai") from error
        shared = sdk_arguments(arguments["base_url"], options.get("clients"))
        return ChatOpenAI(**{**shared, **arguments, **options.get("extra", {})})


openai = OpenAI(
    name="openai",
    prefix="OPENAI",
    base_url="https://api.openai.com/v1",
    model="gpt-4.1-mini",
    errors=ERRORS,
)
"""`openai("gpt-4.1-mini")`: reads `OPENAI_API_KEY`, `OPENAI_BASE_URL`, `OPENAI_MODEL`..."""
