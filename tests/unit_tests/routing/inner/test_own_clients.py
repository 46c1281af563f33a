"""Models ask once, counted at a server that always fails."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from langchain_switchyard.routing.inner.own_clients import with_own_clients
from tests.unit_tests.providers.tiny_server import Reply, TinyServer, serving

KINDS = ["openai", "openai_none", "openai_five", "azure", "anthropic", "anthropic_used"]


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """Always answers 500, and asks for no pause."""
    reply = Reply(500, {"error": {"message": "no"}}, {"retry-after-ms": "1"})
    with serving(lambda _: reply) as running:
        yield running


def _model(kind: str, url: str) -> BaseChatModel:
    if kind == "azure":
        return AzureChatOpenAI(
            azure_endpoint=url, azure_deployment="d", api_version="1", api_key="k"
        )
    if kind.startswith("anthropic"):
        model = ChatAnthropic(model="m", api_key="k", base_url=url)
        if kind == "anthropic_used":
            assert model._client is not None  # Its client is cached now.
        return model
    retries: dict[str, Any] = {
        "openai": {},
        "openai_none": {"max_retries": None},
        "openai_five": {"max_retries": 5},
    }[kind]
    return ChatOpenAI(model="m", api_key="k", base_url=f"{url}/v1", **retries)


def _calls(model: BaseChatModel, server: TinyServer) -> int:
    before = len(server.requests)
    with pytest.raises(Exception, match=r"500|no"):
        model.invoke("hi")
    return len(server.requests) - before


@pytest.mark.parametrize("kind", KINDS)
async def test_the_copy_asks_once(kind: str, server: TinyServer) -> None:
    """Sync, async, and streaming."""
    model = with_own_clients(_model(kind, server.url))
    assert _calls(model, server) == 1
    before = len(server.requests)
    with pytest.raises(Exception, match=r"500|no"):
        await model._agenerate([HumanMessage("hi")])
    with pytest.raises(Exception, match=r"500|no"):
        list(model.stream("hi"))
    assert len(server.requests) - before == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_original_goes_on_retrying(kind: str, server: TinyServer) -> None:
    """The caller's own object is not changed."""
    model = _model(kind, server.url)
    with_own_clients(model)
    assert _calls(model, server) == (6 if kind == "openai_five" else 3)


def test_the_http_client_stays_shared(server: TinyServer) -> None:
    """A copy must not cost a second connection pool."""
    model = ChatOpenAI(model="m", api_key="k", base_url=f"{server.url}/v1")
    copy = with_own_clients(model)
    assert copy.root_client._client._transport is model.root_client._client._transport
    assert copy.client._client is copy.root_client


def test_a_model_without_a_client_is_returned_itself() -> None:
    """Nothing to do, nothing to copy."""
    fake = FakeListChatModel(responses=["x"])
    assert with_own_clients(fake) is fake


def test_the_caller_s_own_client_is_never_changed(server: TinyServer) -> None:
    """Ours is a copy, even where there are no retries to switch off."""
    model = ChatOpenAI(model="m", api_key="k", base_url=f"{server.url}/v1", max_retries=0)
    before = model.root_client._make_sse_decoder
    copy = with_own_clients(model)
    assert model.root_client._make_sse_decoder == before
    assert copy.root_client._client._transport is model.root_client._client._transport


def test_a_copy_of_a_copy_is_the_copy(server: TinyServer) -> None:
    """Idempotent."""
    copy = with_own_clients(_model("anthropic", server.url))
    assert with_own_clients(copy) is copy


def test_tongyi_counts_attempts_not_retries() -> None:
    """Zero would be taken for "one attempt" by luck only; one says what is meant."""

    class ChatTongyi(FakeListChatModel):
        """Stands for the class of that name, whose package need not be installed."""

        max_retries: int = 10

    copy = with_own_clients(ChatTongyi(responses=["x"]))
    assert copy.max_retries == 1


def test_what_cannot_be_verified_is_said_once_with_the_product() -> None:
    """A silent multiplication would be found on the bill."""

    class Unknown(FakeListChatModel):
        """A model with a field nobody knows the meaning of."""

        max_retries: int = 4

    with pytest.warns(UserWarning, match=r"up to 5 x M calls"):
        copy = with_own_clients(Unknown(responses=["x"]))
    assert copy.max_retries == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_own_clients(copy)
