"""What a provider's own prompt cache needs: the bytes before the news are always the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import FaultyProvider, Say, ScriptedChatModel

openai = pytest.importorskip("langchain_openai")
anthropic = pytest.importorskip("langchain_anthropic")

SYSTEM = "你是一个助手。You answer questions about tea. " * 20


@tool
def brew(leaves: str, heat: int = 80) -> str:
    """Brew tea."""
    return f"{leaves} {heat}"


@tool
def pour(cup: str) -> str:
    """Pour it."""
    return cup


@dataclass
class Wire:
    """The very bytes that leave for a provider."""

    bodies: list[bytes] = field(default_factory=list)

    def note(self, request: httpx.Request) -> None:
        """Remember what is sent."""
        self.bodies.append(request.read())

    async def anote(self, request: httpx.Request) -> None:
        """As `note`."""
        self.bodies.append(await request.aread())

    def part(self, name: str) -> list[bytes]:
        """The bytes of one field of each request, as they were sent."""
        found = [
            re.search(rb'"%b":(\[.*?\])(?=,"[a-z_]+":|}$)' % name.encode(), body)
            for body in self.bodies
        ]
        return [match.group(1) for match in found if match is not None]


@pytest.fixture
def wire() -> Wire:
    """Nothing sent yet."""
    return Wire()


@pytest.fixture
def provider() -> Iterator[FaultyProvider]:
    """One that is well."""
    with FaultyProvider(answer="Tea is a drink.") as provider:
        yield provider


def to_openai(provider: FaultyProvider, wire: Wire, **facts: Any) -> ChatSwitchyard:
    """A router in front of an OpenAI client whose bytes are watched."""
    model = openai.ChatOpenAI(
        model="gpt-4o",
        base_url=provider.base_url,
        api_key="x",
        http_client=httpx.Client(event_hooks={"request": [wire.note]}),
        http_async_client=httpx.AsyncClient(event_hooks={"request": [wire.anote]}),
    )
    return ChatSwitchyard(deployments=[Deployment(model=model, id="a")], **facts)


async def ask(router: Any, messages: list[BaseMessage], way: str) -> AIMessage:
    """One turn, however it travels."""
    answer: Any = None
    if way == "invoke":
        answer = router.invoke(messages)
    elif way == "ainvoke":
        answer = await router.ainvoke(messages)
    elif way == "stream":
        for chunk in router.stream(messages):
            answer = chunk if answer is None else answer + chunk
    else:
        async for chunk in router.astream(messages):
            answer = chunk if answer is None else answer + chunk
    assert isinstance(answer, AIMessage)
    return answer


def is_prefix(shorter: bytes, longer: bytes) -> bool:
    """Whether a list of messages is the beginning of another, byte by byte."""
    return longer.startswith(shorter.removesuffix(b"]"))


@pytest.mark.parametrize("with_cache", [True, False])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
async def test_every_turn_begins_with_the_bytes_of_the_last_one(
    provider: FaultyProvider, wire: Wire, way: str, with_cache: bool
) -> None:
    """System, history and tools; with a cache in front and without."""
    cache = ResponseCache() if with_cache else None
    router = to_openai(provider, wire, cache=cache).bind_tools([brew, pour])
    messages: list[BaseMessage] = [SystemMessage(SYSTEM)]
    for question in ("What is tea?", "还有呢？", "And then?"):
        messages.append(HumanMessage(question))
        messages.append(await ask(router, messages, way))
    sent = wire.part("messages")
    assert len(sent) == 3
    assert is_prefix(sent[0], sent[1])
    assert is_prefix(sent[1], sent[2])
    assert len(set(wire.part("tools"))) == 1
    assert len(wire.part("tools")) == 3


async def test_an_answer_from_the_cache_is_history_like_the_models_own(
    provider: FaultyProvider, wire: Wire
) -> None:
    """The provider cannot tell which it was."""
    router = to_openai(provider, wire, cache=ResponseCache())
    begun: list[BaseMessage] = [SystemMessage(SYSTEM), HumanMessage("What is tea?")]
    own, cached = router.invoke(begun), router.invoke(begun)
    streamed = await ask(router, begun, "stream")
    assert cached.response_metadata["switchyard"]["cache"] == "exact"
    for answer in (own, cached, streamed):
        router.invoke([*begun, answer, HumanMessage(f"Thank you, {answer.id}")])
    sent = wire.part("messages")[1:]
    histories = {json.dumps(json.loads(body)[:-1], ensure_ascii=False) for body in sent}
    assert len(sent) == 3
    assert len(histories) == 1
    assert all(is_prefix(wire.part("messages")[0], body) for body in sent)


def test_tool_calls_keep_their_bytes_in_later_turns(provider: FaultyProvider, wire: Wire) -> None:
    """Ids, arguments and results as they were given."""
    router = to_openai(provider, wire).bind_tools([brew, pour])
    call = {"name": "brew", "args": {"heat": 90, "leaves": "乌龙"}, "id": "call_1"}
    messages: list[BaseMessage] = [
        SystemMessage(SYSTEM),
        HumanMessage("Brew."),
        AIMessage("", tool_calls=[{**call, "type": "tool_call"}]),  # type: ignore[list-item]
        ToolMessage("ready", tool_call_id="call_1"),
    ]
    for _ in range(2):
        messages.append(router.invoke(messages))
        messages.append(HumanMessage("Again."))
    first, second = wire.part("messages")
    assert is_prefix(first, second)
    assert b"call_1" in first


def test_nothing_of_ours_reaches_the_provider(provider: FaultyProvider, wire: Wire) -> None:
    """No id, no time, no word of ours: those would differ in every call."""
    router = to_openai(provider, wire, cache=ResponseCache())
    answer = router.invoke([SystemMessage(SYSTEM), HumanMessage("What is tea?")])
    router.invoke([SystemMessage(SYSTEM), HumanMessage("What is tea?"), answer, HumanMessage("?")])
    for body in wire.bodies:
        assert b"switchyard" not in body
        assert b"lc_run" not in body


def test_anthropics_marks_arrive_and_do_not_change_the_key(
    provider: FaultyProvider, wire: Wire
) -> None:
    """A prompt that is marked for the provider's cache is the same prompt."""
    model = anthropic.ChatAnthropic(
        model_name="claude-sonnet-4-5",
        base_url=provider.anthropic_url,
        api_key="x",
        timeout=9,
        stop=None,
    )
    router = ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=ResponseCache())
    marked = {"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}
    router.invoke([SystemMessage([marked]), HumanMessage("What is tea?")])
    (asked,) = provider.requests
    assert asked.body["system"][0]["cache_control"] == {"type": "ephemeral"}
    plain = {"type": "text", "text": SYSTEM}
    again = router.invoke([SystemMessage([plain]), HumanMessage("What is tea?")])
    assert again.response_metadata["switchyard"]["cache"] == "exact"


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
async def test_what_a_provider_read_from_its_cache_is_told(way: str) -> None:
    """In the answer and in both statistics; a hit of ours read nothing."""
    usage = {
        "input_tokens": 1000,
        "output_tokens": 10,
        "total_tokens": 1010,
        "input_token_details": {"cache_read": 960},
    }
    model = ScriptedChatModel(script=[[Say("x", usage=usage)]])
    cache = ResponseCache()
    router = ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=cache)
    answer = await ask(router, [HumanMessage("hi")], way)
    again = await ask(router, [HumanMessage("hi")], way)
    assert answer.response_metadata["switchyard"]["cache_read"] == 960
    assert router.stats()["a"].cached_tokens == 960
    assert cache.stats().provider_cached_tokens == 960
    assert "cache_read" not in again.response_metadata["switchyard"]
    assert again.response_metadata["switchyard"]["saved_usage"]["input_token_details"] == {
        "cache_read": 960
    }


async def test_a_provider_that_says_nothing_of_its_cache_is_not_spoken_for() -> None:
    """Unknown is not zero."""
    model = ScriptedChatModel(script="x")
    router = ChatSwitchyard(deployments=[Deployment(model=model, id="a")])
    answer = await router.ainvoke("hi")
    assert "cache_read" not in answer.response_metadata["switchyard"]
