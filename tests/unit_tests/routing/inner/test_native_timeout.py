"""Timeouts that a client keeps by itself."""

from __future__ import annotations

import time
from typing import ClassVar

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from langchain_switchyard.routing.inner.native_timeout import native_timeout
from tests.unit_tests.providers.tiny_server import Reply, serving


class Ours(FakeListChatModel):
    """A model that declares to keep timeouts."""

    keeps_timeout: ClassVar[bool] = True


def _models(url: str) -> list[BaseChatModel]:
    return [
        ChatOpenAI(model="m", api_key="k", base_url=f"{url}/v1", max_retries=0),
        AzureChatOpenAI(
            azure_endpoint=url, azure_deployment="d", api_version="1", api_key="k", max_retries=0
        ),
        ChatAnthropic(model="m", api_key="k", base_url=url, max_retries=0),
    ]


@pytest.mark.parametrize("index", [0, 1, 2], ids=["openai", "azure", "anthropic"])
def test_the_client_itself_ends_a_silent_call(index: int) -> None:
    """A synchronous call can be cut in no other way."""
    with serving(lambda _: Reply(body={}, wait=20)) as server:
        model = _models(server.url)[index]
        keep = native_timeout(model)
        assert keep is not None
        began = time.monotonic()
        with pytest.raises(Exception, match=r"(?i)timed? ?out"):
            model.invoke("hi", **keep(1.0, 0.2))
        assert time.monotonic() - began < 10


def test_connect_and_read_are_told_apart() -> None:
    """Waiting for a first token is no reason to wait for a handshake."""
    keep = native_timeout(ChatOpenAI(model="m", api_key="k"))
    assert keep is not None
    timeout = keep(2.0, 30.0)["timeout"]
    assert (timeout.connect, timeout.read) == (2.0, 30.0)


def test_nothing_asked_leaves_the_clients_own_default() -> None:
    """No limits given must not mean no limits at all."""
    keep = native_timeout(ChatOpenAI(model="m", api_key="k"))
    assert keep is not None
    assert keep(None, None) == {}


def test_a_subclass_counts_as_its_parent() -> None:
    """Integrations derived from ChatOpenAI pass timeouts on as well."""

    class Derived(ChatOpenAI):
        """Somebody's integration."""

    assert native_timeout(Derived(model="m", api_key="k")) is not None


def test_a_model_may_declare_that_it_keeps_timeouts() -> None:
    """Ours and the user's need not come from a known package."""
    keep = native_timeout(Ours(responses=["x"]))
    assert keep is not None
    assert keep(1.0, 5.0) == {"timeout": 5.0}
    assert keep(1.0, None) == {}


def test_an_unknown_model_is_given_nothing() -> None:
    """An unexpected keyword would break its call."""
    assert native_timeout(FakeListChatModel(responses=["x"])) is None
