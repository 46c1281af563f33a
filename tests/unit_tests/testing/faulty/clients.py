"""The four ways to ask an OpenAI-compatible provider, through the real SDK."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import openai

from langchain_switchyard.testing import FaultyProvider

MESSAGES = [{"role": "user", "content": "Tell me about rivers"}]


@dataclass
class Heard:
    """What a client got before it ended or failed."""

    tokens: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: Any = None
    error: Exception | None = None

    @property
    def text(self) -> str:
        """All text."""
        return "".join(self.tokens)


def _options(stream: bool, more: dict[str, Any]) -> dict[str, Any]:
    options = {"model": "m", "messages": MESSAGES, **more}
    if stream:
        options |= {"stream": True, "stream_options": {"include_usage": True}}
    return options


def _note(heard: Heard, chunk: Any, part: Any) -> None:
    heard.usage = chunk.usage or heard.usage
    if part is not None:
        heard.finish = part.finish_reason or heard.finish


def ask(provider: FaultyProvider, *, stream: bool, within: float = 5, **more: Any) -> Heard:
    """Ask with the blocking client."""
    heard = Heard()
    with openai.OpenAI(
        base_url=provider.base_url,
        api_key="sk-rehearsal-1",
        max_retries=0,
        timeout=within,
        # Loading certificates would take most of the time of a test.
        http_client=openai.DefaultHttpxClient(verify=False),
    ) as client:
        try:
            answer: Any = client.chat.completions.create(**_options(stream, more))
            for chunk in answer if stream else [answer]:
                _take(heard, chunk, stream)
        except Exception as error:  # noqa: BLE001 - any error is a finding
            heard.error = error
    return heard


async def aask(provider: FaultyProvider, *, stream: bool, within: float = 5, **more: Any) -> Heard:
    """Ask with the asynchronous client."""
    heard = Heard()
    async with openai.AsyncOpenAI(
        base_url=provider.base_url,
        api_key="sk-rehearsal-1",
        max_retries=0,
        timeout=within,
        http_client=openai.DefaultAsyncHttpxClient(verify=False),
    ) as client:
        try:
            answer: Any = await client.chat.completions.create(**_options(stream, more))
            if stream:
                async for chunk in answer:
                    _take(heard, chunk, stream)
            else:
                _take(heard, answer, stream)
        except Exception as error:  # noqa: BLE001 - any error is a finding
            heard.error = error
    return heard


def _take(heard: Heard, chunk: Any, stream: bool) -> None:
    part = chunk.choices[0] if chunk.choices else None
    _note(heard, chunk, part)
    if part is not None:
        text = part.delta.content if stream else part.message.content
        if text:
            heard.tokens.append(text)


def _run(provider: FaultyProvider, **options: Any) -> Heard:
    return asyncio.run(aask(provider, **options))


WAYS: dict[str, Callable[..., Heard]] = {"sync": ask, "async": _run}
