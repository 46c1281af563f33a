"""What a synchronous call reads ends with the call, however slowly the server goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from langchain_switchyard import AllDeploymentsFailed, ChatSwitchyard, Deployment, Timeouts
from langchain_switchyard.routing.clock import SystemClock
from langchain_switchyard.routing.inner.leash import Leash
from tests.unit_tests.providers.tiny_server import Reply, TinyServer, completion, serving

QUICK = Timeouts(first_token=0.3, stall=0.3, total=0.4)
MODELS: dict[str, Callable[[str], BaseChatModel]] = {
    "openai": lambda url: ChatOpenAI(model="m", api_key="k", base_url=f"{url}/v1"),
    "azure": lambda url: AzureChatOpenAI(
        azure_endpoint=url, azure_deployment="d", api_version="1", api_key="k"
    ),
    "anthropic": lambda url: ChatAnthropic(model="m", api_key="k", base_url=url),
    "ollama": lambda url: ChatOllama(model="m", base_url=url),
}
JSON = {"content-type": "application/json"}


def router(kind: str, server: TinyServer) -> ChatSwitchyard:
    return ChatSwitchyard(
        deployments=[Deployment(MODELS[kind](server.url), id="slow")], timeouts=QUICK
    )


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "switchyard:slow"]


def assert_nothing_is_left(server: TinyServer) -> None:
    for thread in readers():
        thread.join(2)
        assert not thread.is_alive()
    server.wait_for_no_sockets()


@pytest.mark.parametrize("kind", MODELS)
def test_white_space_without_end_does_not_outlast_the_total_timeout(kind: str) -> None:
    """Each space resets the client's own read timeout."""
    with serving(lambda _: Reply(events=[], headers=JSON, trickle=" ")) as server:
        began = time.monotonic()
        with pytest.raises(AllDeploymentsFailed, match="timeout"):
            router(kind, server).invoke("hi")
        assert time.monotonic() - began < 5
        assert len(server.requests) == 1  # A silent route is not tried twice.
        assert_nothing_is_left(server)


@pytest.mark.parametrize("kind", ["openai", "azure", "anthropic"])
def test_comments_without_end_do_not_keep_an_abandoned_stream(kind: str) -> None:
    """Neither its thread nor its socket."""
    with serving(lambda _: Reply(events=[], trickle=": ping\n\n")) as server:
        with pytest.raises(AllDeploymentsFailed, match="timeout"):
            list(router(kind, server).stream("hi"))
        assert_nothing_is_left(server)


def test_a_silent_stream_is_left_at_once() -> None:
    """Its reader waits for bytes; the client's own timeout would come much later."""
    patient = Timeouts(first_token=0.2, stall=60, total=120)
    with serving(lambda _: Reply(events=[": hello"], pause_before_end=60)) as server:
        model = ChatSwitchyard(
            deployments=[Deployment(MODELS["openai"](server.url), id="slow")], timeouts=patient
        )
        with pytest.raises(AllDeploymentsFailed, match="timeout"):
            list(model.stream("hi"))
        assert_nothing_is_left(server)


def test_a_stream_that_never_begins_is_left_with_its_first_token_timeout() -> None:
    """Before there are headers, nobody knows the socket; its client's own patience is shortened."""
    patient = Timeouts(first_token=0.2, stall=60, total=120)
    with serving(lambda _: Reply(body={}, wait=60)) as server:
        model = ChatSwitchyard(
            deployments=[Deployment(MODELS["openai"](server.url), id="slow")], timeouts=patient
        )
        with pytest.raises(AllDeploymentsFailed, match="timeout"):
            list(model.stream("hi"))
        assert_nothing_is_left(server)


def test_a_stream_that_has_begun_may_pause_as_long_as_the_stall_timeout() -> None:
    """The first token's timeout is for the first token."""
    quick = Timeouts(first_token=0.3, stall=5, total=10)
    event = 'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    events = [event + '[{"index":0,"delta":{"role":"assistant","content":"well"}}]}']
    last = event + '[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    with serving(lambda _: Reply(events=events, wait_between=0.6, last=last)) as server:
        model = ChatSwitchyard(
            deployments=[Deployment(MODELS["openai"](server.url), id="slow")], timeouts=quick
        )
        assert "".join(chunk.text for chunk in model.stream("hi")) == "well"


def test_a_connection_goes_back_unleashed() -> None:
    """The next request on the same socket has its own time."""
    with serving(lambda _: completion("well")) as server:
        model = router("openai", server)
        for _ in range(3):
            assert model.invoke("hi").text == "well"
        assert server.sockets == 1


def test_the_callers_own_client_is_not_leashed() -> None:
    """Only what is asked through the router ends with it."""
    with serving(lambda _: completion("well")) as server:
        mine = ChatOpenAI(model="m", api_key="k", base_url=f"{server.url}/v1")
        Deployment(mine, id="copy")
        with Leash(SystemClock(), until=0.0):
            assert mine.invoke("hi").text == "well"


class Network:
    """A network stream without a socket."""

    def get_extra_info(self, _name: str) -> Any:
        return None


def test_a_released_connection_is_not_shut_down() -> None:
    """It may serve somebody else by now."""
    asked = []

    class Watched(Network):
        def get_extra_info(self, name: str) -> Any:
            asked.append(name)
            return None

    leash = Leash(SystemClock(), None)
    leash.hold(Watched())
    leash.release()
    leash.cut()
    assert not asked
    with pytest.raises(TimeoutError):
        leash.left(TimeoutError)


def test_a_leash_reaches_only_what_runs_inside_it() -> None:
    """And those outside keep theirs."""
    outer, inner = Leash(SystemClock(), None), Leash(SystemClock(), None)
    with outer:
        with inner:
            assert Leash.current() is inner
        assert Leash.current() is outer
    assert Leash.current() is None
