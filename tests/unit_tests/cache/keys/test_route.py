"""Who is asked, as a part of the key."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.outputs import ChatResult
from pydantic import SecretStr

from langchain_switchyard.cache.keys.route import route_of
from langchain_switchyard.cache.response_cache import ResponseCache
from langchain_switchyard.routing.chat_model import ChatSwitchyard
from langchain_switchyard.routing.deployment import Deployment
from langchain_switchyard.testing import ScriptedChatModel
from tests.unit_tests.cache.builders import told


class Odd(BaseChatModel):
    """A model that cannot be named by its parameters."""

    handle: Any = None
    temperature: float | None = None
    base_url: str = ""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"handle": self.handle}

    @property
    def _llm_type(self) -> str:
        return "odd"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError


def route(*models: BaseChatModel, **facts: Any) -> Any:
    """The route of a fleet of these models, all preferred."""
    fleet = [Deployment(model=model, id=str(n), **facts) for n, model in enumerate(models)]
    return route_of(ChatSwitchyard(deployments=fleet)._yard.states)


def test_equal_fleets_have_one_identity_in_every_process() -> None:
    """Ids and order are nothing; so is having the same model twice."""
    first, second = (ScriptedChatModel(script="x", model_name=name) for name in "ab")
    assert route(first, second).identity == route(second, first, second).identity
    assert route(first).identity != route(second).identity


def test_another_address_is_another_model() -> None:
    """Two servers may serve different weights under one name."""
    assert route(Odd(base_url="http://a")).identity != route(Odd(base_url="http://b")).identity


class Silent(Odd):
    """A model that declares nothing for caches, as some integrations do."""

    api_key: SecretStr = SecretStr("")
    num_ctx: int = 0

    _identifying_params = BaseChatModel._identifying_params  # type: ignore[assignment]


def test_a_model_that_declares_nothing_counts_by_its_fields() -> None:
    """Else two models of one class would share their answers; keys stay out."""
    small, large = Silent(num_ctx=1), Silent(num_ctx=2)
    assert route(small).identity != route(large).identity
    rotated = Silent(num_ctx=1, api_key=SecretStr("new"))
    assert route(small).identity == route(rotated).identity


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"api_key": "sk-other"}, True),
        ({"timeout": 3}, True),
        ({"max_retries": 7}, True),
        ({"model": "gpt-4.1"}, False),
        ({"top_p": 0.3}, False),
        ({"max_tokens": 5}, False),
        ({"extra_body": {"x": 1}}, False),
        ({"base_url": "http://elsewhere/v1"}, False),
    ],
)
def test_what_an_openai_model_was_made_with_counts(other: dict[str, Any], same: bool) -> None:
    """Every setting that changes answers, and none that does not."""
    openai = pytest.importorskip("langchain_openai")
    usual = {"model": "gpt-4o", "api_key": "sk-1", "base_url": "http://here/v1"}
    first, second = (openai.ChatOpenAI(**{**usual, **more}) for more in ({}, other))
    assert (route(first).identity == route(second).identity) is same


def test_a_model_that_cannot_be_named_shares_with_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Better a cold cache than another model's answer; and the log says what to do."""
    with caplog.at_level(logging.INFO):
        assert route(Odd(handle=object())).identity != route(Odd(handle=object())).identity
    assert "CachePolicy(route=...)" in caplog.text


@pytest.mark.parametrize(("configured", "words"), [(0.9, "temperature"), (0.1, None)])
def test_the_models_own_temperature_counts(configured: float, words: str | None) -> None:
    """A fleet that is configured for variety goes past the cache."""
    found = route(Odd(temperature=configured), Odd(temperature=0.0))
    assert found.temperature == configured
    model = ScriptedChatModel(script="x").bind(temperature=configured)
    router = ChatSwitchyard(deployments=[Deployment(model=model, id="a")], cache=ResponseCache())
    detail = told(router.invoke("q")).get("cache_detail", {})
    assert detail.get("reason") == words
