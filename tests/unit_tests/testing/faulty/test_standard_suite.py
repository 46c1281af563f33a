"""LangChain's own suites, offline: ChatOpenAI talking to the faulty provider while it is well."""

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_switchyard.testing import FaultyProvider

PROVIDER = FaultyProvider()


@pytest.fixture(autouse=True, scope="module")
def running_provider():
    """One provider for the whole suite."""
    with PROVIDER:
        yield


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    """The suite fetches pictures and papers; any bytes will do."""

    def get(url, **_):
        return httpx.Response(200, content=b"bytes", request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


class TestChatOpenAIStandard(ChatModelIntegrationTests):
    """Every ability switched on."""

    chat_model_class = ChatOpenAI
    has_tool_calling = True
    has_structured_output = True
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_video_inputs = True
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    supports_model_override = True
    model_override_value = "another-model"
    returns_usage_metadata = True

    @property
    def chat_model_params(self):
        """Pointed at the provider, usage on; a client of its own for each test's event loop."""
        return {
            "model": "rehearsal",
            "base_url": PROVIDER.base_url,
            "api_key": "x",
            "stream_usage": True,
            "http_client": openai.DefaultHttpxClient(verify=False),
            "http_async_client": openai.DefaultAsyncHttpxClient(verify=False),
        }
