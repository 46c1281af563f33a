"""LangChain's standard suites over a real provider SDK, every flag on, nothing overridden.

Once over one healthy deployment, once with the first of two dead: the caller must not notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_switchyard import BreakerPolicy, ChatSwitchyard, Deployment
from langchain_switchyard.testing import FaultyProvider, Overloaded

ONE_PIXEL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites fetch pictures and documents from the web: here they get a stand-in."""

    def get(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, content=ONE_PIXEL_PNG, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


@pytest.fixture(scope="module", autouse=True)
def providers() -> Iterator[None]:
    """One that is well and one that is dead, for all tests of this file."""
    with FaultyProvider() as well, FaultyProvider(default=Overloaded()) as dead:
        _Everything.well, _Everything.dead = well, dead
        yield


class _Everything:
    """All flags on."""

    well: FaultyProvider
    dead: FaultyProvider

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatSwitchyard

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"deployments": [self.deployment(self.well, "primary")]}

    def deployment(self, provider: FaultyProvider, name: str, tier: int = 0) -> Deployment:
        model = ChatOpenAI(
            base_url=provider.base_url, model=name, api_key="test", stream_usage=True
        )
        return Deployment(model, id=name, tier=tier)

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    supports_anthropic_inputs = True
    supports_model_override = True
    model_override_value = "other"


class TestUnit(_Everything, ChatModelUnitTests):
    """Construction, binding, serialisation."""


class TestIntegration(_Everything, ChatModelIntegrationTests):
    """Every way in, tools, structured output, media, usage."""


class TestIntegrationWithTheFirstDead(_Everything, ChatModelIntegrationTests):
    """The same, answered by the second deployment."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "deployments": [
                self.deployment(self.dead, "dead"),
                self.deployment(self.well, "primary", tier=1),
            ],
            "breaker": BreakerPolicy(consecutive=1000, failure_rate=1.0),
        }
