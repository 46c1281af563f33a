"""A fleet out of environment variables."""

from __future__ import annotations

import pytest

from langchain_switchyard import ChatSwitchyard
from langchain_switchyard.config import Switchyard
from langchain_switchyard.errors import ConfigurationError

KEYS = {
    "TONGYI_API_KEY": "sk-tongyi",
    "OPENAI_API_KEY": "sk-openai",
    "ANTHROPIC_API_KEY": "sk-anthropic",
}


def tiers(env: dict[str, str]) -> list[str]:
    """Names of the deployments, best tier first."""
    with Switchyard.from_env(env) as yard:
        assert [one.tier for one in yard.deployments] == list(range(len(yard.deployments)))
        return [one.id for one in yard.deployments]


def test_every_provider_with_a_key_gets_a_tier_and_local_is_last() -> None:
    """In a sensible order."""
    assert tiers(KEYS) == ["qwen", "openai", "anthropic", "local"]


def test_the_default_provider_comes_first() -> None:
    """Whatever our own order says."""
    assert tiers({**KEYS, "LLM_DEFAULT_PROVIDER": "anthropic"})[0] == "anthropic"
    assert tiers({**KEYS, "LLM_DEFAULT_PROVIDER": "OpenAI"})[0] == "openai"


def test_tongyi_as_default_means_the_compatible_endpoint() -> None:
    """Its variables name that endpoint's address."""
    assert tiers({**KEYS, "LLM_DEFAULT_PROVIDER": "tongyi"})[0] == "qwen"


def test_without_keys_there_is_the_offline_model() -> None:
    """A newcomer gets an answer before any registration."""
    assert tiers({}) == ["local"]
    assert tiers({"OPENAI_API_KEY": "your_api_key"}) == ["local"]
    with Switchyard.from_env({}) as yard:
        assert "offline" in yard.chat().invoke("hello").text


def test_local_may_be_the_default() -> None:
    """And is then not asked twice."""
    assert tiers({**KEYS, "LLM_DEFAULT_PROVIDER": "local"}) == [
        "local",
        "qwen",
        "openai",
        "anthropic",
    ]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"LLM_DEFAULT_PROVIDER": "openai"}, ["LLM_DEFAULT_PROVIDER", "OPENAI_API_KEY"]),
        ({"LLM_DEFAULT_PROVIDER": "opnai"}, ["LLM_DEFAULT_PROVIDER", "opnai", "known are"]),
        ({"LLM_TIMEOUT": "soon"}, ["LLM_TIMEOUT", "soon", "allowed"]),
        ({"LLM_TIMEOUT": "0"}, ["LLM_TIMEOUT", "0", "allowed"]),
        ({"LLM_MAX_RETRIES": "-1"}, ["LLM_MAX_RETRIES", "-1", "0 to 100"]),
        ({"LLM_MAX_RETRIES": "1.5"}, ["LLM_MAX_RETRIES", "1.5", "whole number"]),
        ({**KEYS, "OPENAI_TEMPERATURE": "hot"}, ["OPENAI_TEMPERATURE", "hot"]),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(env: dict[str, str], words: list[str]) -> None:
    """Variable, value, remedy."""
    with pytest.raises(ConfigurationError) as caught:
        Switchyard.from_env(env)
    assert [word for word in words if word not in str(caught.value)] == []


def test_limits_reach_the_chat_model() -> None:
    """Retries are further attempts; a request may last as long as an attempt."""
    with Switchyard.from_env({"LLM_MAX_RETRIES": "2", "LLM_TIMEOUT": "600"}) as yard:
        chat = yard.chat()
        assert isinstance(chat, ChatSwitchyard)
        assert chat.retry.max_attempts == 3
        assert chat.timeouts.total == 600
        assert chat.timeouts.deadline == 600


def test_unset_limits_leave_the_chat_models_own() -> None:
    """The environment says only what it says."""
    with Switchyard.from_env({}) as yard:
        chat = yard.chat()
        assert (chat.retry, chat.timeouts) == (
            type(chat.retry)(),
            type(chat.timeouts)(),
        )


def test_one_name_is_one_object() -> None:
    """Breakers and statistics live in it."""
    with Switchyard.from_env({}) as yard:
        assert yard.chat() is yard.chat("default")
        with pytest.raises(ConfigurationError, match=r"'fast'.*'default'"):
            yard.chat("fast")


def test_secrets_show_nowhere() -> None:
    """Not even in the fleet's own words."""
    with Switchyard.from_env(KEYS) as yard:
        shown = f"{yard!r} {yard.deployments!r} {yard.chat()!r}"
    assert [value for value in KEYS.values() if value in shown] == []


def test_an_empty_fleet_is_refused() -> None:
    """There is nobody to ask."""
    with pytest.raises(ConfigurationError, match="at least one"):
        Switchyard([])


async def test_it_closes_as_a_context_manager_in_both_worlds() -> None:
    """Idempotent."""
    async with Switchyard.from_env({}) as yard:
        assert yard.deployments
    await yard.aclose()
    yard.close()
