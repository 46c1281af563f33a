"""One event of noise costs no stream, with any of the real SDKs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from langchain_switchyard import ChatSwitchyard, Deployment
from langchain_switchyard.testing import FaultyProvider, MalformedEvent

ANSWER = "six words are told here 一字不差"
MODELS: dict[str, Callable[[FaultyProvider], BaseChatModel]] = {
    "openai": lambda at: ChatOpenAI(base_url=at.base_url, api_key="x", model="m"),
    "anthropic": lambda at: ChatAnthropic(base_url=at.root_url, api_key="x", model="m"),
    "ollama": lambda at: ChatOllama(base_url=at.root_url, model="m"),
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("is_async", [False, True], ids=["stream", "astream"])
async def test_one_malformed_event_is_survived(kind: str, is_async: bool) -> None:
    """The whole answer, of one attempt."""
    with FaultyProvider(answer=ANSWER) as provider:
        provider.set_default(MalformedEvent(after=2))
        model = ChatSwitchyard(deployments=[Deployment(MODELS[kind](provider), id="noisy")])
        if is_async:
            chunks = [chunk async for chunk in model.astream("hi")]
        else:
            chunks = list(model.stream("hi"))
        assert "".join(chunk.text for chunk in chunks) == ANSWER
        assert len(provider.requests) == 1
