"""Every preset with its real SDK against a real server, on whichever SDK version is installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from langchain_switchyard import ChatSwitchyard, Deployment, Price
from langchain_switchyard.config import Switchyard
from langchain_switchyard.errors import ConfigurationError
from langchain_switchyard.providers import (
    HttpClients,
    ahealth_check,
    alist_models,
    anthropic,
    azure,
    deepseek,
    health_check,
    list_models,
    local,
    minimax,
    moonshot,
    ollama,
    openai,
    openai_compatible,
    qianfan,
    qwen,
    volcengine,
    zhipu,
)
from langchain_switchyard.routing.failures import Kind
from langchain_switchyard.routing.failures.classify import classify
from langchain_switchyard.testing import (
    Arrearage,
    FaultyProvider,
    HtmlWith200,
    InvalidApiKey,
    RateLimited,
    ServerError,
    ZhipuError,
)
from tests.unit_tests.providers.tiny_server import Reply, chunks, completion, serving

ON_OPENAI = {
    "openai": openai,
    "qwen": qwen,
    "deepseek": deepseek,
    "moonshot": moonshot,
    "minimax": minimax,
    "qianfan": qianfan,
    "volcengine": volcengine,
    "zhipu": zhipu,
}


@pytest.fixture
def provider() -> Iterator[FaultyProvider]:
    """Well, until told otherwise."""
    with FaultyProvider(answer="Hello there, friend.", api_keys=["sk-right"]) as running:
        yield running


@pytest.fixture
def clients() -> Iterator[HttpClients]:
    """Closed in the end."""
    with HttpClients() as owner:
        yield owner


def made(name: str, provider: FaultyProvider, clients: HttpClients, **more: Any) -> Deployment:
    """One preset at the faulty provider."""
    common: dict[str, Any] = {"api_key": "sk-right", "clients": clients, "env": {}, **more}
    if name == "azure":
        return azure("rehearsal", base_url=provider.root_url, **common)
    if name == "compatible":
        return openai_compatible("vllm", provider.base_url, "rehearsal", **common)
    urls = {"qwen": provider.qwen_url, "zhipu": provider.zhipu_url}
    return ON_OPENAI[name]("rehearsal", base_url=urls.get(name, provider.base_url), **common)


EVERYONE = [*ON_OPENAI, "azure", "compatible"]


@pytest.mark.parametrize("name", EVERYONE)
async def test_it_answers_whole_and_streamed_with_usage(
    name: str, provider: FaultyProvider, clients: HttpClients
) -> None:
    """Sync and async, and the stream counts its tokens."""
    model = made(name, provider, clients).model
    assert model.invoke("hi").text == "Hello there, friend."
    answer = await model.ainvoke("hi")
    assert answer.usage_metadata is not None
    total: AIMessageChunk | None = None
    async for chunk in model.astream("hi"):
        total = chunk if total is None else total + chunk
    assert total is not None
    assert total.text == "Hello there, friend."
    assert total.usage_metadata is not None
    assert sum(bool(chunk.usage_metadata) for chunk in model.stream("hi")) == 1


@pytest.mark.parametrize("name", EVERYONE)
def test_it_asks_once_and_its_failure_is_understood(
    name: str, provider: FaultyProvider, clients: HttpClients
) -> None:
    """No retries of its own; the router decides."""
    deployment = made(name, provider, clients)
    faults = [
        (RateLimited(retry_after=7), Kind.RATE_LIMITED),
        (ServerError(), Kind.SERVER_ERROR),
        (HtmlWith200(), Kind.SERVER_ERROR),
        (InvalidApiKey(), Kind.AUTH),
    ]
    for asked, (fault, kind) in enumerate(faults, 1):
        provider.script(fault)
        with pytest.raises(Exception) as caught:
            deployment.model.invoke("hi")
        failure = classify(caught.value, deployment.traits.errors, wall=0.0)
        assert (failure.kind, provider.attempts) == (kind, asked)
        if kind is Kind.RATE_LIMITED:
            assert failure.retry_after == 7


def test_arrears_are_quota_in_each_providers_own_words(
    provider: FaultyProvider, clients: HttpClients
) -> None:
    """DashScope says it with a 400, Zhipu with a 429."""
    for name, fault in (("qwen", Arrearage()), ("zhipu", ZhipuError(1113))):
        deployment = made(name, provider, clients)
        provider.script(fault)
        with pytest.raises(Exception) as caught:
            deployment.model.invoke("hi")
        failure = classify(caught.value, deployment.traits.errors, wall=0.0)
        assert failure.kind is Kind.QUOTA_EXHAUSTED


@pytest.mark.parametrize("name", ["qwen", "deepseek", "zhipu", "compatible"])
async def test_thinking_aloud_is_kept(name: str, clients: HttpClients) -> None:
    """Otherwise a thinking model looks silent, and is given up."""
    reply: dict[bool, Reply] = {
        False: completion("Yes.", reasoning_content="Let me see."),
        True: chunks(
            {"reasoning_content": "Let me "}, {"reasoning_content": "see."}, {"content": "Yes."}
        ),
    }
    with serving(lambda request: reply[bool(request.body.get("stream"))]) as server:
        url = f"{server.url}/v1"
        if name == "compatible":
            deployment = openai_compatible("vllm", url, "m", clients=clients, env={})
        else:
            deployment = ON_OPENAI[name]("m", base_url=url, api_key="k", clients=clients, env={})
        model = deployment.model
        whole = model.invoke("hi")
        assert whole.additional_kwargs["reasoning_content"] == "Let me see."
        total: AIMessageChunk | None = None
        async for chunk in model.astream("hi"):
            total = chunk if total is None else total + chunk
        assert total is not None
        assert total.additional_kwargs["reasoning_content"] == "Let me see."
        assert total.text == "Yes."
        assert [block["type"] for block in total.content_blocks] == ["reasoning", "text"]


def test_length_limits_travel_under_the_name_these_endpoints_know(clients: HttpClients) -> None:
    """OpenAI's newer `max_completion_tokens` is refused elsewhere."""
    with serving(lambda _: completion()) as server:
        options: dict[str, Any] = {"api_key": "k", "clients": clients, "env": {}}
        url = f"{server.url}/v1"
        qwen("m", base_url=url, max_tokens=7, temperature=0.2, **options).model.invoke("hi")
        body = server.requests[-1].body
        assert (body["max_tokens"], body["temperature"]) == (7, 0.2)
        assert "max_completion_tokens" not in body
        assert server.requests[-1].headers["authorization"] == "Bearer k"


# --- Anthropic, Ollama, Tongyi ---


def _anthropic_answer(request: Any) -> Reply:
    message = {
        "id": "m1", "type": "message", "role": "assistant", "model": "c",
        "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
        "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1},
    }  # fmt: skip
    if not request.body.get("stream"):
        return Reply(body=message)
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 1},
        },
        {"type": "message_stop"},
    ]
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}" for event in events]
    return Reply(events=lines, pause_before_end=0.002)


async def test_anthropic_uses_our_clients_sync_and_async(clients: HttpClients) -> None:
    """One socket per world, although its class has no field for clients."""
    with serving(_anthropic_answer) as server:
        deployment = anthropic(
            "c", api_key="k", base_url=server.url, max_tokens=9, clients=clients, env={}
        )
        model: Any = deployment.model
        shared = clients.sync("anthropic", server.url)
        assert model._client._client._transport is shared._transport
        for _ in range(5):
            assert [chunk.text async for chunk in model.astream("hi") if chunk.text] == ["hi"]
            assert (await model.ainvoke("hi")).text == "hi"
        assert server.sockets == 1
        assert server.requests[-1].body["max_tokens"] == 9
        headers = server.requests[-1].headers
        # The SDK's header has changed between its versions.
        assert headers.get("x-api-key", headers.get("authorization")) in ("k", "Bearer k")
        assert model.invoke("hi").text == "hi"


async def test_ollama_uses_our_transports_and_sends_its_key(clients: HttpClients) -> None:
    """Sync and async share nothing but the address."""
    body = {
        "model": "q", "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": "stop",
        "message": {"role": "assistant", "content": "hi"},
        "prompt_eval_count": 3, "eval_count": 1,
    }  # fmt: skip
    with serving(lambda _: Reply(body=body)) as server:
        deployment = ollama(
            "q", api_key="k", base_url=server.url, max_tokens=5, clients=clients, env={}
        )
        for _ in range(3):
            assert (await deployment.model.ainvoke("hi")).text == "hi"
        assert server.sockets == 1
        assert deployment.model.invoke("hi").text == "hi"
        request = server.requests[-1]
        assert request.body["options"]["num_predict"] == 5
        assert request.headers["authorization"] == "Bearer k"


def test_tongyi_sends_the_key_itself_and_asks_once() -> None:
    """Its class would send the text of a hidden secret: ten asterisks."""
    pytest.importorskip("dashscope")
    pytest.importorskip("langchain_community")
    from langchain_switchyard.providers import tongyi  # noqa: PLC0415 - an extra.

    refusal = {"request_id": "r", "code": "Throttling.RateQuota", "message": "slow down"}
    with serving(lambda _: Reply(429, refusal)) as server:
        deployment = tongyi("q", api_key="sk-x", base_url=f"{server.url}/api/v1", env={})
        with pytest.raises(Exception, match="Throttling") as caught:
            deployment.model.invoke("hi")
        assert len(server.requests) == 1
        assert server.requests[0].headers["authorization"] == "Bearer sk-x"
        failure = classify(caught.value, deployment.traits.errors, wall=0.0)
        assert failure.kind is Kind.RATE_LIMITED


def test_a_model_without_a_free_list_is_not_called_ill() -> None:
    """Nothing was found out: that is what is said, and nobody is asked."""
    pytest.importorskip("dashscope")
    pytest.importorskip("langchain_community")
    from langchain_switchyard.providers import tongyi  # noqa: PLC0415 - an extra.

    with serving(lambda _: Reply(500, {})) as server:
        health = health_check(tongyi("q", api_key="sk-x", base_url=f"{server.url}/api/v1", env={}))
        assert server.requests == []

    assert (health.ok, health.can_tell, health.kind) == (True, False, None)
    assert "cannot tell" in health.message
    assert "spend=True" in health.message


# --- Models and health ---


@pytest.mark.parametrize("name", EVERYONE)
async def test_the_list_of_models_is_read(
    name: str, provider: FaultyProvider, clients: HttpClients
) -> None:
    """Free, sync and async."""
    deployment = made(name, provider, clients)
    assert list_models(deployment) == await alist_models(deployment) == ["rehearsal"]
    assert provider.attempts == 0


async def test_health_reads_the_free_list_and_says_so(
    provider: FaultyProvider, clients: HttpClients
) -> None:
    """No completion is asked for."""
    deployment = made("qwen", provider, clients)
    for health in (health_check(deployment), await ahealth_check(deployment)):
        assert health.ok
        assert health.kind is None
        assert health.models == ("rehearsal",)
        assert "free" in health.message
        assert health.latency > 0
    assert provider.attempts == 0


async def test_a_probe_spends_only_when_asked_and_says_what(
    provider: FaultyProvider, clients: HttpClients
) -> None:
    """Tokens, and money where the price is known."""
    deployment = made("qwen", provider, clients, price=Price(input=1, output=2, currency="CNY"))
    for health in (
        health_check(deployment, spend=True),
        await ahealth_check(deployment, spend=True),
    ):
        assert health.ok
        assert "billed" in health.message
        assert "CNY" in health.message
    assert provider.attempts == 2
    assert provider.requests[-1].body["max_tokens"] == 16


def test_a_refused_key_is_unhealthy_and_not_repeated(
    provider: FaultyProvider, clients: HttpClients
) -> None:
    """The message may end up in a log."""
    deployment = made("openai", provider, clients, api_key="sk-wrong-1234567890")
    health = health_check(deployment)
    assert (health.ok, health.kind) == (False, Kind.AUTH)
    assert "sk-wrong-1234567890" not in health.message


def test_a_model_that_is_not_listed_is_unhealthy(
    provider: FaultyProvider, clients: HttpClients
) -> None:
    """A typing mistake, found before the first user."""
    deployment = qwen(
        "rehersal", api_key="sk-right", base_url=provider.qwen_url, clients=clients, env={}
    )
    health = health_check(deployment)
    assert (health.ok, health.kind) == (False, Kind.AUTH)
    assert "rehersal" in health.message


def test_the_offline_model_is_always_well() -> None:
    """It lists itself."""
    assert health_check(local()).ok
    assert list_models(local()) == ["switchyard-local"]


def test_who_has_no_list_says_so() -> None:
    """Instead of an attribute error."""
    from langchain_core.language_models import FakeListChatModel  # noqa: PLC0415 - only here.

    deployment = Deployment(FakeListChatModel(responses=["x"]), id="fake")
    with pytest.raises(ConfigurationError, match="no list of models"):
        list_models(deployment)


# --- The fleet ---


def test_a_fleet_falls_back_to_the_offline_model(provider: FaultyProvider) -> None:
    """With a real router in front."""
    provider.set_default(ServerError())
    env = {"TONGYI_API_KEY": "sk-right", "TONGYI_BASE_URL": provider.qwen_url}
    with Switchyard.from_env(env) as yard:
        answer = yard.chat().invoke("hello")
    assert "offline" in answer.text
    assert answer.response_metadata["switchyard"]["deployment"] == "local"
    assert provider.attempts >= 1


def test_a_fleet_across_event_loops_keeps_working(
    provider: FaultyProvider, clients: HttpClients
) -> None:
    """Scripts call `asyncio.run` again and again."""
    import asyncio  # noqa: PLC0415 - only here.

    router = ChatSwitchyard(deployments=[made("qwen", provider, clients)])
    run: Callable[[], str] = lambda: asyncio.run(router.ainvoke("hi")).text
    assert [run() for _ in range(3)] == ["Hello there, friend."] * 3
